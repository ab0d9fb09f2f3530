"""Answers of one page: records read, resolved and made into entities; noted as a run notes what it has written.

Where SparkLayer alone brings the records to its site (mode pull), the pull is a run in the ledger, each page takes the
scope's lock, and the last one tells what is gone. Where our runs bring them too (mode both), theirs are the notes, and
pages only read them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from reconciler.errors import ApiError
from reconciler.kind.connection import Wire
from reconciler.ledger.data.face import AsyncStore
from reconciler.ledger.data.model import FINISHED, INTERRUPTED, DataRun, Level
from reconciler.sync.datatype import Held, Observation, Target, TargetState, Written
from reconciler.sync.mode import Mode
from reconciler.sync.pull.entities import Entities
from reconciler.sync.pull.pages import Naming, Pages, pages_of
from reconciler.sync.pull.token import BadToken, PageToken
from reconciler.sync.run.breaker import Breaker
from reconciler.sync.run.context import Job, RunContext, open_context
from reconciler.sync.run.deletes import Deletes, TooManyGone
from reconciler.sync.run.feed import Feed
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.run.pipeline import Pipeline
from reconciler.sync.run.progress import Phase
from reconciler.sync.run.synclog import Logbook

_GONE_AT_ONCE = 100
_WAITS = "SparkLayer is to ask for the next page"


class PullPage(Struct, frozen=True):
    """A page of entities, and the token of the next one; None: it is the last.

    Args:
        entities: in the order of the source.
        following: see above.
        remarks: what people should know of the pull.
    """

    entities: Sequence[Wire]
    following: PageToken | None
    remarks: tuple[str, ...] = ()


class PageSink(Struct):
    """Sink that hands over by answering: every state that it is to write becomes entities of the page.

    Args:
        target: reads what the mapper must know of the site.
        entities: makes them.
    """

    target: Target[Any]
    entities: Entities
    found: dict[str, Sequence[Wire]] = {}
    counts: Counter[str] = field(default_factory=Counter)

    async def facts(self) -> Any:
        """Read what the mapper must know of the site."""
        return await self.target.facts()

    async def whole(self, *, sample: bool = False) -> None:
        """Return nothing: nothing is compared with what is there."""

    async def observe(self, states: Sequence[TargetState], whole: Any) -> Observation:  # noqa: ARG002
        """Return nothing, see `whole`."""
        return Observation()

    async def observe_held(self, held: Mapping[str, Held], whole: Any) -> Observation:  # noqa: ARG002
        """Return nothing, see `whole`."""
        return Observation()

    async def write(self, state: TargetState, parts: Collection[str]) -> Written:
        """Put a record on the page."""
        self.found[state.key] = self.entities(state)
        self.counts.update(parts)
        return Written(frozenset(parts))

    def why_failed(self, error: ApiError) -> str:
        """Return why something failed."""
        return error.message


async def noted_page(job: Job, entities: Entities, token: PageToken | None) -> PullPage:
    """Answer a page of a pull by which alone records come to the site, while the caller holds the scope's lock.

    Args:
        job: what to work with.
        entities: makes them.
        token: of the page; None: of the first one, which begins the pull.

    Raises:
        BadToken: there is no such page, or another pull or another mapping took its place.
        TargetIncomplete: something that manifests declare is not at the site.
        SourceIncomplete: something that decides the scope is not at the source.
        ApiError: something could not be read, or the sync log not written.
    """
    async with LedgerThread() as thread:
        ledger = AsyncStore(job.store, thread)
        run = await (_begun(job, ledger) if token is None else _resumed(job, ledger, token))
        stop = asyncio.Event()
        context = open_context(
            job, ledger, run, stop, lambda _: None, resumed=token is not None, since=None, previous=None
        )
        try:
            return await _Page(context, entities).answer(token or PageToken(run.id))
        finally:
            # Where it is the last page, the run has ended already, and this changes nothing.
            now = await ledger.runs.run(run.id)
            if now is not None and now.ended_at is None:
                await ledger.runs.end(run.id, INTERRUPTED, job.now(), message=_WAITS)


async def _begun(job: Job, ledger: AsyncStore) -> DataRun:
    return await ledger.runs.begin(
        Mode.PULL.value,
        job.data.digest,
        job.holder,
        job.now(),
        lists=True,
        walks=True,
        full=True,
        # SparkLayer begins its log anew: what is wrong is told once more.
        begins_log=job.data.log is not None and job.data.log.owned,
    )


async def _resumed(job: Job, ledger: AsyncStore, token: PageToken) -> DataRun:
    run, newest = await ledger.runs.run(token.pull), await ledger.runs.last(state=None)
    if run is None or newest is None or run.id != newest.id or run.mode != Mode.PULL.value:
        raise BadToken("page belongs to a pull that is over: begin again without page")
    if run.config != job.data.digest:
        raise BadToken("another mapping was applied since this pull began: begin again without page")
    return await ledger.runs.resume(run.id, job.holder)


class _Page:
    """One page of a pull that keeps notes.

    Args:
        context: of its run.
        entities: makes them.
    """

    def __init__(self, context: RunContext, entities: Entities) -> None:
        self._context = context
        self._sink = PageSink(context.job.data.target(context.job.target, context.target_breaker), entities)
        context.sink = self._sink
        context.meter.phase = Phase.READING
        self._order: list[str] = []

    async def answer(self, token: PageToken) -> PullPage:
        """Answer it."""
        context = self._context
        context.facts = await self._sink.facts()
        pages = pages_of(context.data, context.job.source, Breaker(context.job.patience, None))
        if token.cursor is None and isinstance(pages, Naming):
            await self._name_first(pages)
        if token.cursor is None:
            await context.source.census()
        try:
            page = await pages.page(token.cursor)
        except ValueError:
            raise BadToken("page is no next_page that this service returned") from None
        async with asyncio.TaskGroup() as hands:
            pipeline = Pipeline(context, hands)
            await pipeline.take(page.records)
            await pipeline.drain()
            if page.following is None:
                await self._finish(pipeline, hands)
        await Logbook(context).flush()
        if page.following is None:
            await self._close()
        following = None if page.following is None else PageToken(context.run.id, page.following)
        self._order = [context.data.key(record) for record in page.records]
        return PullPage(self._entities(), following, tuple(context.remarks))

    def _entities(self) -> list[Wire]:
        keys = dict.fromkeys([*self._order, *self._sink.found])
        return [entity for key in keys for entity in self._sink.found.get(key, ())]

    async def _name_first(self, pages: Naming) -> None:
        ledger = self._context.ledger
        names = await pages.first_names()
        known = await ledger.records.levels(names)
        await ledger.names.claim_many({key: own for key, own in names.items() if key not in known})

    async def _finish(self, pipeline: Pipeline, hands: asyncio.TaskGroup) -> None:
        """Tell what a run tells at its end: what is gone, and who got a name that became free."""
        context = self._context
        deletes = Deletes(context, pipeline)
        feed = Feed(context, pipeline, deletes, hands)
        await feed.work_off(patiently=False)
        try:
            left = await deletes.look_for_unseen()
            await deletes.carry_out()
            if left:
                context.remarks.append(f"{left:,} did not come in the lists and still exist, but cannot be read yet")
        except TooManyGone as limit:
            context.remarks.append(f"{limit.message}. {limit.next_step}")
        await deletes.verify()
        await feed.work_off(patiently=False)
        await pipeline.drain()
        await context.ledger.problems.close_unconfirmed(context.run.id)

    async def _close(self) -> None:
        context = self._context
        now = context.job.now()
        await context.ledger.runs.update(
            context.run.id, listed=True, completed_at=now, watermark=context.run.started_at, counts=context.meter.news()
        )
        told = "; ".join(context.remarks) or None
        await context.ledger.runs.end(context.run.id, FINISHED, now, message=told)


async def read_page(job: Job, entities: Entities, token: PageToken | None) -> PullPage:
    """Answer a page of what our runs bring to the site as well: their notes are read, and stay as they are.

    Raises:
        BadToken: there is no such page.
        ApiError: something could not be read.
    """
    reads = _Reads(job, entities)
    cursor = None if token is None else token.cursor
    if token is not None and token.ending:
        return await reads.gone(cursor)
    pages: Pages = pages_of(job.data, job.source, Breaker(job.patience, None))
    try:
        page = await pages.page(cursor)
    except ValueError:
        raise BadToken("page is no next_page that this service returned") from None
    following = PageToken(ending=True) if page.following is None else PageToken(cursor=page.following)
    return PullPage(await reads.entities_of(page.records), following)


async def read_entity(job: Job, entities: Entities, key: str) -> Sequence[Wire] | None:
    """Answer a single record by its ID; None: there is none, or it is not in the scope, and the site has none.

    Raises:
        ApiError: it could not be read.
    """
    source = job.data.source(job.source, Breaker(job.patience, None))
    reading = await source.one(key)
    reads = _Reads(job, entities)
    if reading.record is None or reading.outside:
        level = (await asyncio.to_thread(job.store.records.levels, [key])).get(key)
        if level is None or not level.held or reading.stale:
            return None
        return reads.left(level, outside=reading.outside)
    return await reads.entities_of([reading.record])


class _Reads:
    """Resolves records by what the ledger has, and changes nothing there."""

    def __init__(self, job: Job, entities: Entities) -> None:
        self._job = job
        self._entities = entities

    async def entities_of(self, records: Sequence[Any]) -> list[Wire]:
        """Return the entities of records as they were read."""
        data, store = self._job.data, self._job.store
        facts = await data.target(self._job.target, Breaker(self._job.patience, None)).facts()
        drafts = [data.map(record, self._job.now(), facts) for record in records]
        levels = await asyncio.to_thread(store.records.levels, [draft.key for draft in drafts])
        held = {draft.key: levels[draft.key].held if draft.key in levels else {} for draft in drafts}
        names = {draft.key: data.names(draft, held[draft.key]) for draft in drafts}
        owners = dict(await asyncio.to_thread(store.names.owners, {name for own in names.values() for name in own}))
        found: list[Wire] = []
        for draft in drafts:
            # Of those that nobody has yet, the first that asks counts, as in a run.
            taken = {name: owners.setdefault(name, draft.key) for name in names[draft.key]}
            others = {name: owner for name, owner in taken.items() if owner != draft.key}
            found += self._entities(data.resolve(draft, others, held[draft.key]))
        return found

    async def gone(self, after: Any) -> PullPage:
        """Return records that the ledger knows to be gone from the source, after a key."""
        if after is not None and not isinstance(after, str):
            raise BadToken("page is no next_page that this service returned")
        store = self._job.store
        levels = await asyncio.to_thread(store.records.unseen, "", after, _GONE_AT_ONCE, gone=True)
        found = [entity for level in levels for entity in self.left(level, outside=False)]
        following = PageToken(cursor=levels[-1].key, ending=True) if len(levels) == _GONE_AT_ONCE else None
        return PullPage(found, following)

    def left(self, level: Level, *, outside: bool) -> Sequence[Wire]:
        """Return what the site should have of a record that is gone or left the scope."""
        state = self._job.data.deleted(level.key, {}, level.held, outside=outside)
        return self._entities(state)
