"""Pipeline of records: mapped, resolved, compared by fingerprint, written, recorded; many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeAlias

from msgspec.structs import replace

from reconciler.errors import ApiError
from reconciler.ledger.data.model import Level, ProblemRow, Result
from reconciler.sync.datatype import Held, NotBegun, Observation, TargetState, Written
from reconciler.sync.mode import Mode
from reconciler.sync.problem import RecordProblem
from reconciler.sync.run.abilities import Gathering
from reconciler.sync.run.attempts import RECORD_ATTEMPTS, jittered, retry_after
from reconciler.sync.run.begun import Begun
from reconciler.sync.run.breaker import ComesBackAt
from reconciler.sync.run.company import LINGER, PATIENT_LINGER, Place
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.counts import FAILED, Once, was_counted
from reconciler.sync.run.hearing import Untold
from reconciler.sync.run.recorder import Recorder
from reconciler.sync.run.work import (
    NOTHING,
    Done,
    Work,
    held_of,
    kept_of,
    outcome_of,
    revision_of,
    run_token,
    tells_something,
)

_IN_HAND = 256
# What only waits for its batches: a few of each kind.
_WAITING = 2_000
_IN_NO_LIST = b"-"
_HeldByKey: TypeAlias = Mapping[str, Held]
_Resolve: TypeAlias = Callable[[_HeldByKey], Awaitable[Sequence[TargetState]]]


class Pipeline:
    """Brings records to where they should be, many at a time. Use it within the task group that it gets.

    Args:
        context: of the run.
        hands: tasks run in it; an error of one ends them all.
    """

    def __init__(self, context: RunContext, hands: asyncio.TaskGroup) -> None:
        self._context = context
        self._hands = hands
        self._slots = asyncio.Semaphore(_IN_HAND)
        self._waiting = asyncio.Semaphore(_WAITING)
        self._under_way: set[asyncio.Task[None]] = set()
        self._recorder = Recorder(context)
        self._begun = Begun(context)
        self._once = Once(context.run.id)
        # What lists show of the records in hand.
        self._looks: dict[str, bytes] = {}
        self._tally = context.meter.tally
        self._untold = Untold(context)

    async def take(
        self,
        records: Sequence[Any],
        claimed: Mapping[str, Level] | None = None,
        *,
        unlisted: bool = False,
        again: Mapping[str, datetime] | None = None,
    ) -> None:
        """Take in records as they were read; return when all of them are in hand or done.

        Args:
            records: as the source gave them.
            claimed: their levels as they were before they were read, where they were claimed one by one.
            unlisted: they came by their IDs, and the source's lists leave them out.
            again: those that stay open and are read again, and when: what was read contradicts what was told.

        Raises:
            ApiError: the target could not be read.
            LedgerError: the ledger could not be read or written.
        """
        context, data = self._context, self._context.data
        drafts: dict[str, Any] = {}
        for record in records:
            draft = await context.drafts.of(record, context.source_now, context.facts)
            drafts[draft.key] = draft
            self._untold.read(draft.key, record)
            # Of one that no list has, the next list that has it is news.
            if (look := _IN_NO_LIST if unlisted else data.look(record)) is not None:
                self._looks[draft.key] = look
            if context.stopping and not claimed:
                return  # nothing of these is begun
        levels = await context.ledger.records.levels(drafts)
        if claimed is None and not unlisted:
            # A list that lags has what was deleted since: whether one is back, only its ID tells.
            await self._leave_to_claims(drafts, [key for key, level in levels.items() if level.gone])

        async def resolve(held: _HeldByKey) -> list[TargetState]:
            # A name stays this record's until the target holds nothing under it.
            names = {key: data.names(drafts[key], of_key) for key, of_key in held.items()}
            taken = await context.ledger.names.claim_many(names, unclaimed=names.keys() - (claimed or {}).keys())
            states: list[TargetState] = []
            for key, of_key in taken.items():
                others = {name: owner for name, owner in of_key.items() if owner != key}
                state = data.resolve(drafts[key], others, held[key])
                if unlisted:
                    state = replace(state, problems=(*state.problems, data.not_listed(key)))
                states.append(state)
            return states

        # What a walk reads is followed by more; what events raised is waited for.
        linger = PATIENT_LINGER if claimed is None and not unlisted else LINGER
        await self._take(drafts, resolve, levels, claimed or {}, linger, again or {})

    async def _leave_to_claims(self, drafts: dict[str, Any], keys: Collection[str]) -> None:
        """Leave out records that came by a list and are to be read again by their IDs."""
        for key in keys:
            del drafts[key]
        await self._give_up(keys)

    async def _give_up(self, keys: Collection[str], claimed: Collection[str] = frozenset()) -> None:
        """Let go of records that somebody else has; those that came without a claim are read again by their IDs."""
        if keys:
            for key in keys:
                self._looks.pop(key, None)
            await self._context.ledger.records.want([key for key in keys if key not in claimed])

    async def delete(
        self,
        levels: Sequence[Level],
        claimed: Mapping[str, Level] | None = None,
        outside: Collection[str] = frozenset(),
    ) -> None:
        """Take in records that are gone at the source or, `outside`, left the scope; see `take`."""
        context, data = self._context, self._context.data

        async def resolve(held: _HeldByKey) -> list[TargetState]:
            # What is there under a name that another record has is that one's.
            names = {key: data.held_names(of_key) for key, of_key in held.items()}
            taken = await context.ledger.names.claim_many(names, unclaimed=names.keys() - (claimed or {}).keys())
            return [data.deleted(key, of_key, held[key], outside=key in outside) for key, of_key in taken.items()]

        known = {level.key: level for level in levels}
        await self._take(known, resolve, known, claimed or {}, LINGER)

    async def drain(self) -> None:
        """Return when everything that was taken in is done."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def settle(self) -> None:
        """Return when everything that is in hand at this moment is done, whatever comes meanwhile."""
        if self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _take(
        self,
        keys: Collection[str],
        resolve: _Resolve,
        levels: Mapping[str, Level],
        claimed: Mapping[str, Level],
        linger: float,
        again: Mapping[str, datetime] = NOTHING,
    ) -> None:
        held = {key: held_of(levels.get(key)) for key in keys}
        states = {state.key: state for state in await resolve(held)}
        await self._give_up(held.keys() - states.keys())
        if moved := await self._moved(states.values()):
            held |= moved
            states.update((state.key, state) for state in await resolve(moved))
        observed = await self._observe(list(states.values()))
        otherwise = self._otherwise(held, levels, observed)
        if otherwise:
            # They were resolved for a target that holds what we noted.
            states.update((state.key, state) for state in await resolve(otherwise))
        quiet: dict[str, int | None] = {}
        busy: list[Work] = []
        for key, state in states.items():
            level, claim = levels.get(key), claimed.get(key)
            known = self._known(state, level, observed)
            self._untold.compared(state, claim, level)
            parts = state.removes.union(part for part, value in state.prints.items() if known.get(part) != value)
            # What is removed is done with, whatever was wanted of it.
            revision = None if self._context.mode is Mode.REMOVE else revision_of(level, claim)
            retry_at = again.get(key)
            if retry_at is not None:
                revision = 0
            has_news = key in otherwise or tells_something(level, state, known)
            if parts or state.problems or has_news or retry_at is not None:
                token = run_token(claim is not None, self._context.run.id)
                busy.append(Work(state, level, known, parts, revision, token, retry_at))
            else:
                quiet[key] = revision
        await self._untold.note()
        await self._note_quiet(quiet, levels, claimed)
        await self._write(busy, linger)

    async def _moved(self, states: Iterable[TargetState]) -> dict[str, Held]:
        """Return what the target holds of records that got new IDs, noted as theirs by now."""
        asked = {state.was: state.key for state in states if state.was is not None}
        if not asked:
            return {}
        context = self._context
        readings = await asyncio.gather(*(context.source.one(old) for old in asked))
        gone = {old: asked[old] for old, reading in zip(asked, readings, strict=True) if reading.is_gone}
        before = await context.ledger.records.levels(gone)
        await context.ledger.records.move(gone)
        return {gone[old]: level.held for old, level in before.items()}

    async def _note_quiet(
        self, quiet: Mapping[str, int | None], levels: Mapping[str, Level], claimed: Collection[str]
    ) -> None:
        """Record that nothing is to be done on records."""
        if quiet:
            run_id, each = self._context.run.id, {"seen": 1, "unchanged": 1}
            newly = {key for key in quiet if not was_counted(levels.get(key))}
            looks = {key: look for key in quiet if (look := self._looks.pop(key, None)) is not None}
            news = {key: look for key, look in looks.items() if key not in levels or levels[key].look != look}
            refused = await self._context.ledger.records.seen(
                run_id, quiet, each, news, newly=newly, token=run_id, unclaimed=quiet.keys() - claimed
            )
            await self._give_up(refused, claimed)
            counted = newly.difference(refused)
            self._once.found_unchanged(counted.intersection(claimed))
            self._tally.add({name: len(counted) * count for name, count in each.items()})

    async def _write(self, busy: Sequence[Work], linger: float) -> None:
        """Put the parts in doubt that are to be sent, and then send them side by side."""
        company = None if self._gathering is None else self._gathering.company
        if self._context.stopping:
            # Of the others nothing would be sent.
            busy = [work for work in busy if not work.parts]
        refused = await self._begun.begin([work for work in busy if work.parts])
        await self._give_up(refused, [work.state.key for work in busy if work.token is not None])
        for work in busy:
            if work.state.key in refused:
                continue
            await self._slots.acquire()
            place = Place(self._slots, self._waiting, linger, company)
            task = self._hands.create_task(self._bring(work, place))
            self._under_way.add(task)
            task.add_done_callback(partial(self._let_go, work.state.key, place))

    def _let_go(self, key: str, place: Place, task: asyncio.Task[None]) -> None:
        self._begun.end(key)
        self._under_way.discard(task)
        place.leave()

    def coming(self) -> AbstractContextManager[None]:
        """Within, more may be taken in: what goes in batches may wait for that."""
        return nullcontext() if self._gathering is None else self._gathering.company.coming()

    @cached_property
    def _gathering(self) -> Gathering | None:
        sink: Any = self._context.sink
        return sink if isinstance(sink, Gathering) else None

    async def _observe(self, states: Sequence[TargetState]) -> Observation:
        if not self._context.mode.looks or not states:
            return Observation()
        return await self._context.sink.observe(states, self._context.whole)

    def _otherwise(self, held: _HeldByKey, levels: Mapping[str, Level], observed: Observation) -> dict[str, Held]:
        """Return what the target holds of the records of which it was seen to hold something else than we noted."""
        data = self._context.data
        found = {key: data.lost(held[key]) for key in observed.missing & held.keys() if held[key]}
        for key, returned in observed.returned.items():
            # Else others have taken the name since: a site that is restored has the old record as well.
            if self._is_not_as_left(key, levels.get(key), observed):
                found[key] = data.returned(found.get(key, held[key]), returned)
        return found

    def _is_not_as_left(self, key: str, level: Level | None, observed: Observation) -> bool:
        own = self._context.data.parts[0]
        return level is not None and level.prints.get(own) != observed.prints[key].get(own)

    def _known(self, state: TargetState, level: Level | None, observed: Observation) -> Mapping[str, bytes]:
        """Return fingerprints of what the target holds of a record: what was just seen, else what is believed."""
        if self._context.mode is Mode.VERIFY:
            return observed.prints.get(state.key, NOTHING)
        if level is None or self._context.mode is Mode.PULL:
            return NOTHING
        prints = level.prints
        if self._context.mode is Mode.REWRITE:
            prints = self._rewritten(level, observed)
        return {part: value for part, value in prints.items() if part not in state.moved}

    def _rewritten(self, level: Level, observed: Observation) -> Mapping[str, bytes]:
        """Return fingerprints of what this run sent of a record, maybe in an earlier process, as far as it is there.

        One that it saw and that is closed was sent, or the fence leaves it to a claim: what failed or was put back is
        open until it is sent.
        """
        if not level.is_seen or level.is_open or level.key in observed.missing:
            return NOTHING
        there = observed.prints.get(level.key, NOTHING)
        return {part: value for part, value in level.prints.items() if there.get(part, value) == value}

    async def _bring(self, work: Work, place: Place) -> None:
        try:
            written = await self._sent(work, place)
        except (NotBegun, ComesBackAt) as left:
            # Of a run that ends to come back, what may have been carried out stays in doubt.
            if not isinstance(left, ComesBackAt) or left.unsent:
                await self._begun.give_up(work.state.key)
            return
        except ApiError as error:
            if not error.is_transient:
                raise
            await self._fail(work, error)
            return
        result = self._result(work, written)
        if await self._recorder.record(Done(result)):
            self._tally.problems += bool(result.problems) and "seen" in result.counts

    async def _sent(self, work: Work, place: Place) -> Written:
        if not work.parts:
            return Written(frozenset(), sent=False)
        state = replace(work.state, known=work.known) if work.known else work.state
        if self._gathering is not None:
            return await self._gathering.write(state, work.parts, place.wait)
        return await self._context.sink.write(state, work.parts)

    def _result(self, work: Work, written: Written) -> Result:
        state = work.state
        whole = written.done == work.parts
        # What was not written is as it should be: that is why.
        good = written.done | (state.prints.keys() - work.parts)
        return Result(
            key=state.key,
            revision=work.revision,
            prints={**kept_of(work), **{part: value if part in good else None for part, value in state.prints.items()}},
            held=state.held(whole=whole) if written.held is None else written.held,
            problems=tuple(self._row(problem) for problem in (*state.problems, *written.refused)),
            due_at=state.due,
            gone=state.gone,
            retry_at=work.retry_at,
            # What somebody overrode the limit for does not count for it, nor what is told and left alone.
            gone_at=self._context.job.now() if work.deletes and not self._context.limit_lifted else None,
            names=state.keeps if whole else written.keeps,
            token=work.token,
            unclaimed=work.token is None,
            counts=self._once.came_to(state.key, work.level, outcome_of(state, written), was_gone=work.was_gone),
            written=written.sent and bool(written.done),
            held_back=state.held_back or (bool(written.refused) and not good),
            look=self._looks.pop(state.key, None),
        )

    async def _fail(self, work: Work, error: ApiError) -> None:
        context, key = self._context, work.state.key
        attempts = (work.level.attempts if work.level is not None else 0) + 1
        dead = attempts >= RECORD_ATTEMPTS
        if dead:
            words = f"It could not be written after {attempts} attempts: {context.sink.why_failed(error)}"
            problem = self._row(RecordProblem(key, context.data.parts[0], "failed", words))
            result = Result(
                key,
                prints=kept_of(work),
                problems=(problem,),
                held=work.state.held(whole=False),
                token=work.token,
                unclaimed=work.token is None,
                counts=self._once.came_to(key, work.level, FAILED),
                held_back=not work.known,
            )
            if await self._recorder.record(Done(result)):
                await context.ledger.records.failed(key, attempts, None, dead=True)
            return
        retry_at = context.source_now + jittered(retry_after(attempts))
        await context.ledger.records.failed(key, attempts, retry_at, token=work.token, unclaimed=work.token is None)

    def _row(self, problem: RecordProblem) -> ProblemRow:
        url = self._context.data.link(problem.external_id, self._context.job.source_url)
        return ProblemRow(problem.external_id, str(problem.part), problem.code, problem.message, url)
