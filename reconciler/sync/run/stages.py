"""Stages of one run: look at the target, set the watermark, read the source, write what differs, close the sync log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.errors import TargetIncomplete, Unreachable
from reconciler.sync.datatype import Telling
from reconciler.sync.mode import Mode
from reconciler.sync.run.abilities import Learning, Nameless, Remembering
from reconciler.sync.run.breaker import ComesBackAt, Outage
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.counts import count_as_before
from reconciler.sync.run.crew import Crew
from reconciler.sync.run.deletes import Deletes, TooManyGone
from reconciler.sync.run.feed import Feed
from reconciler.sync.run.listening import Bell, Listening
from reconciler.sync.run.pipeline import Pipeline
from reconciler.sync.run.preflight import check_target
from reconciler.sync.run.progress import Phase
from reconciler.sync.run.queue import Inline
from reconciler.sync.run.ranges import Ranges, divide
from reconciler.sync.run.stopping import take_until
from reconciler.sync.run.synclog import Logbook
from reconciler.words import counted, spoken

OVERLAP = timedelta(minutes=10)
"""Longer than the search index lags behind."""
_OFF = timedelta(minutes=5)
_WISH_SECONDS = 1.0


class Stopped(Exception):
    """The run was asked to stop, and nothing is under way any more."""


class Incomplete(Exception):
    """The run came to its end, and something is still to be written."""


class Stages:
    """Does what a run has to do, stage by stage.

    Args:
        context: of the run.
        logbook: its sync log.
    """

    def __init__(self, context: RunContext, logbook: Logbook) -> None:
        self._context = context
        self._logbook = logbook
        self.crew = Crew(context)
        self._is_divided = False
        # What is open since then was done, and raised anew.
        self._listed_at: datetime | None = None
        # Writes, problems and resolutions up to what the log's date was last written for.
        self._did = (0, 0, 0)

    async def do(self) -> None:
        """Do all of it.

        Raises:
            Stopped: it was asked to stop.
            Incomplete: records are left that could not be written.
            TooManyGone: more records are gone than the manifest allows to delete.
            TargetIncomplete: something that manifests declare is not at the target; nothing was written.
            SourceIncomplete: something that decides the scope is not at the source; nothing was written.
            Outage: an API stayed away, or asked to be left alone.
            ApiError: an API refused what is no record's fault.
            LedgerError: the ledger cannot be used, or the lock was lost.
        """
        context = self._context
        removes = context.mode is Mode.REMOVE
        await (self._begin_removal() if removes else self._preflight())
        if context.job.shared and not removes:
            # Both sides have answered.
            await context.ledger.outages.over(context.job.shared.values())
        await self._logbook.begin()
        # Before anybody joins, who would find nothing to list.
        self._is_divided = not context.run.listed and await divide(context)
        await self.crew.take()
        context.whole = await context.sink.whole() if context.mode.looks else None
        limit: TooManyGone | None = None
        listened = False
        async with asyncio.TaskGroup() as hands:
            pipeline = Pipeline(context, hands)
            beside = [hands.create_task(self._logbook.keep()), hands.create_task(self.crew.call())]
            try:
                await (self._remove(pipeline) if removes else self._work(pipeline, hands))
                if context.listening is not None and context.mode is Mode.INCREMENTAL and not context.stopping:
                    await self._listen(context.listening, pipeline, hands)
                    listened = True
                if not context.stopping and await self.crew.dismiss():
                    await self._take_over(pipeline, hands)
            except TooManyGone as error:
                # What the walk found belongs into the log all the same.
                limit = error
            except ComesBackAt:
                pass  # it was told to stop, too: what is under way comes to its end within the group
            finally:
                for each in beside:
                    each.cancel()
        with suppress(ComesBackAt):
            await self._logbook.flush()
        if context.back.asked is not None:
            raise context.back.asked
        if limit is not None:
            raise limit
        if context.stopping and not listened:
            raise Stopped
        await self._close()

    async def _listen(self, listening: Listening, pipeline: Pipeline, hands: asyncio.TaskGroup) -> None:
        """Bring what events raise to where it should be, as long as somebody wants that.

        Raises:
            TooManyGone: more records are gone than the manifest allows to delete.
        """
        context = self._context
        # Whoever looks at the log meanwhile sees what the run has done so far.
        await self._logbook.flush()
        await self._close()
        context.meter.phase = Phase.LISTENING
        listening.begun.set()
        deletes = Deletes(context, pipeline)
        feed = Feed(context, pipeline, deletes, hands)
        listens = context.job.store.listening(context.job.holder)
        await asyncio.to_thread(listens.__enter__)
        try:
            yields = hands.create_task(self._yield_to_others(listening))
            with pipeline.coming():
                await feed.work(listening.enough, listening.bell)
            yields.cancel()
            await pipeline.drain()
        finally:
            await asyncio.to_thread(listens.__exit__, None, None, None)
        if feed.limit is not None:
            raise feed.limit

    async def _yield_to_others(self, listening: Listening) -> None:
        """End the listening where somebody else waits for the lock, or wants a full sync; walks wait their turn."""
        ledger, is_wanted = self._context.ledger, False
        while not listening.enough.is_set():
            await asyncio.sleep(_WISH_SECONDS)
            # Whoever wants it may be about to run it: that one comes first, so it is looked at twice.
            was_wanted, is_wanted = is_wanted, any(Mode.of(mode).is_full for mode in await ledger.runs.wanted())
            if await ledger.is_wished():
                listening.enough.set()
            elif was_wanted and is_wanted:
                listening.outdone = True
                listening.enough.set()

    async def _preflight(self) -> None:
        job = self._context.job
        try:
            async with asyncio.timeout(job.patience):
                await self._look()
        except TimeoutError:
            names = f"{job.source_traffic.api} and {job.target_traffic.api}"
            words = f"to look at {names} took longer than {job.patience:.0f} s, and nothing was begun"
            raise Outage(Unreachable(words)) from None

    async def _look(self) -> None:
        """Look at both sides and decide how to treat the target; before that nothing is written."""
        context = self._context
        context.meter.phase = Phase.CHECKING
        # The answer carries the source's clock.
        census = await context.source.census()
        known = (await context.ledger.records.counts(context.job.now())).records
        context.facts = await self._facts(known)
        if isinstance(context.source, Learning):
            context.source.learn(context.facts)
        finding = await check_target(context, self._logbook, known)
        context.remarks += finding.remarks
        if finding.otherwise:
            await context.ledger.records.forget_prints(finding.otherwise)
        if finding.mode is not context.mode:
            await context.begin(finding.mode)
        if not context.resumed:
            await self._mark(context.source_start - OVERLAP)
        if isinstance(context.source, Remembering):
            context.source.remember(context.ledger.memos, skips=context.run.spares)
        context.remarks += _clock_remarks(context)
        if finding.otherwise and not context.mode.walks:
            await context.ledger.records.want(finding.otherwise)
        context.remarks += census.remarks
        context.meter.total = census.total if context.mode.lists else None

    async def _mark(self, watermark: datetime) -> None:
        context = self._context
        await context.ledger.runs.update(context.run.id, watermark=watermark)
        context.run = replace(context.run, watermark=watermark)

    async def _facts(self, known: int) -> Any:
        try:
            return await self._context.sink.facts()
        except TargetIncomplete:
            if known and not self._context.mode.looks:
                # What was written to it is gone with it. The next run goes on from this one's mode.
                await self._context.begin(Mode.VERIFY)
            raise

    async def _begin_removal(self) -> None:
        """Prepare to discontinue everything. A log that is gone, or is not ours, is left alone."""
        context = self._context
        if not await self._logbook.is_ours():
            self._logbook.lost = True
        if not context.resumed:
            await self._mark(context.source_start - OVERLAP)
        context.meter.total = (await context.ledger.records.counts(context.job.now())).in_scope

    async def _remove(self, pipeline: Pipeline) -> None:
        context = self._context
        context.meter.phase = Phase.DELETES
        deletes = Deletes(context, pipeline)
        await deletes.take_all()
        await deletes.carry_out()
        if context.stopping:
            return
        await context.ledger.problems.close_unconfirmed(context.run.id)
        if left := (await context.ledger.records.counts(context.job.now())).in_scope:
            raise Incomplete(f"{counted(left, context.data.noun)} could not be discontinued yet")

    async def _work(self, pipeline: Pipeline, hands: asyncio.TaskGroup) -> None:
        context = self._context
        deletes = Deletes(context, pipeline)
        feed = Feed(context, pipeline, deletes, hands)
        if not context.run.listed:
            context.meter.phase = Phase.READING
            enough = asyncio.Event()
            # What events raise need not wait for the end of a walk.
            since = await context.ledger.records.clock()
            fed = hands.create_task(feed.work(enough, _bell_of(context), since)) if context.mode.lists else None
            try:
                shared = await self._shares_first_walk()
                if context.mode is Mode.LIGHT or shared:
                    await self._look_at_lists(pipeline)
                else:
                    with pipeline.coming():
                        await self._read(pipeline)
                    if isinstance(context.source, Telling):
                        context.remarks += context.source.remarks
                # Nor for the end of what it has in hand, which may take minutes where the target is slow.
                await pipeline.settle()
            finally:
                enough.set()
            if fed is not None:
                await fed
            if shared:
                await feed.drain(asyncio.Event())
            await pipeline.drain()
            if context.stopping:
                return
            await context.ledger.runs.update(context.run.id, listed=True)
        self._listed_at = await context.ledger.records.clock()
        context.meter.phase = Phase.RETRYING
        await feed.work_off(patiently=context.mode.walks)
        if context.stopping:
            return
        await self._delete(deletes)
        if context.stopping:
            return
        # What was deleted set names free.
        context.meter.phase = Phase.RETRYING
        await feed.work_off(patiently=context.mode.walks)
        await deletes.carry_out()

    async def _take_over(self, pipeline: Pipeline, hands: asyncio.TaskGroup) -> None:
        """Work off what other hands put back when they went."""
        deletes = Deletes(self._context, pipeline)
        await Feed(self._context, pipeline, deletes, hands).work_off(patiently=self._context.mode.walks)
        await deletes.carry_out()

    async def _delete(self, deletes: Deletes) -> None:
        """Delete what was asked for and has to go, and what a complete walk, light or not, did not see."""
        context = self._context
        context.meter.phase = Phase.DELETES
        left = await deletes.look_for_unseen() if context.mode.lists else 0
        try:
            await deletes.carry_out()
        except TooManyGone:
            # What the walk did not see and the target never had is gone, whatever may not go there.
            await self._close_unconfirmed()
            raise
        if context.mode.looks:
            await deletes.verify()
        if not context.mode.lists or context.stopping:
            return
        if left:
            context.meter.tally.left += left
            noun = counted(left, context.data.noun)
            what = "did not come in the lists and still exist, but cannot be read yet: left as they are"
            context.remarks.append(f"{noun} {what}")
        await self._close_unconfirmed()

    async def _close_unconfirmed(self) -> None:
        if self._context.mode.lists:
            await self._context.ledger.problems.close_unconfirmed(self._context.run.id)

    async def _read(self, pipeline: Pipeline) -> None:
        context = self._context
        if self._is_divided:
            if await Ranges(context, pipeline).walk_all():
                return
            context.remarks.append("the ranges of the walk had a gap between them: everything was read once more")
        await take_until(context.stop, self._chunks(), pipeline.take)

    async def _shares_first_walk(self) -> bool:
        """Whether records are listed by the keeper and read by all hands: nobody knows keys that could bound ranges."""
        context = self._context
        if isinstance(context.job.queue, Inline) or not self.crew.takes or not context.data.lights:
            return False
        return context.mode.walks and await context.ledger.runs.last(walks=True) is None

    async def _look_at_lists(self, pipeline: Pipeline) -> None:
        """List everything, and want what lists show otherwise than before: the retries read it as a whole."""
        context, source = self._context, self._context.source

        async def look(looks: Any) -> None:
            context.meter.tally.add(await context.ledger.records.look(context.run.id, looks, count_as_before))
            if isinstance(source, Nameless) and (found := source.nameless()):
                await pipeline.take(found)

        await take_until(context.stop, source.listed(), look)

    async def _chunks(self) -> AsyncGenerator[list[Any], None]:
        """Yield what the run has to read: everything, or what is known to have changed."""
        context, source = self._context, self._context.source
        if context.mode.walks:
            records = source.everything()
        elif context.since is not None:
            # A watermark that lies ahead is none: nothing would have changed since.
            records = source.changed_since(min(context.since, context.source_start - OVERLAP))
        else:
            return
        async with aclosing(records) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _close(self) -> None:
        context = self._context
        context.meter.phase = Phase.CLOSING
        if context.mode.walks and (
            still_open := await context.ledger.records.open_count(context.run.id, self._listed_at)
        ):
            raise Incomplete(f"{counted(still_open, 'record')} could not be written yet")
        watermark = context.source_start - OVERLAP
        if not context.resumed and (context.run.watermark is None or watermark < context.run.watermark):
            await self._mark(watermark)
        now = context.job.now()
        # What an earlier process of this run was about to say is said again.
        was_closing = context.run.completed_at is not None
        # Noted before it is said: whoever finds it in the log knows it for ours.
        await context.ledger.runs.update(context.run.id, completed_at=now)
        if not self._logbook.has_dates or (context.mode is Mode.REMOVE and self._logbook.lost):
            return
        did = context.meter.writes, self._logbook.added, self._logbook.resolved
        if context.mode.is_full:
            await self._logbook.close_full(now)
        elif was_closing or self._did != did:
            await self._logbook.close_partial(now)
            self._did = did


def _bell_of(context: RunContext) -> Bell:
    return Bell() if context.listening is None else context.listening.bell


def _clock_remarks(context: RunContext) -> Iterator[str]:
    """Say which clocks do not agree; what depends on them goes by the source's, and dates by the ledger's."""
    offset, previous, ours = context.source.clock_offset, context.previous, context.job.machine_ahead
    if abs(ours) > _OFF:
        side = "ahead of" if ours > timedelta() else "behind"
        yield f"the clock of this machine is {spoken(abs(ours))} {side} that of the ledger's database"
    if abs(offset) > _OFF:
        side = "ahead of" if offset > timedelta() else "behind"
        yield f"the clock of {context.job.source_traffic.api} is {spoken(abs(offset))} {side} that of this machine"
    if previous is not None and not context.resumed:
        ahead = (previous.ended_at or previous.started_at) - context.run.started_at
        if ahead > _OFF:
            words = "an earlier run ended" if previous.ended_at is not None else "an earlier run began"
            yield f"{words} {spoken(ahead)} in the future: the clock of this machine is wrong, or was"
