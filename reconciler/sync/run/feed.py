"""Feed of a run: works off what is open or due, and what events raise while it reads everything, or listens."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from time import monotonic

from reconciler.ledger.data.model import Level
from reconciler.sync.run.breaker import ComesBackAt
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.deletes import Deletes, TooManyGone
from reconciler.sync.run.listening import Bell
from reconciler.sync.run.pipeline import Pipeline
from reconciler.sync.run.retries import Retries

_POLL_SECONDS = 0.5
# So that what is raised together is read together.
_COMPANY_SECONDS = 0.02
_SIDE_BY_SIDE = 4
# So long a hand waits for more before it goes: to come back costs it a look at both sides.
_IDLE_SECONDS = 1.5
# Of those that are claimed at once, so many are those that wait the shortest: one is through soon beside many.
_NEWEST = 30
# Longer than any wait between two tries of a record.
_LONGEST_IDLE = 180.0
# After that long, what comes meanwhile is left to whoever listens, or to the next run.
_TAIL_SECONDS = 60.0
# So long what has to be deleted is counted together before any of it is: where it is too much, nothing is deleted.
_COUNTING_SECONDS = 5.0


class Feed:
    """Claims what is due, again and again, and brings it on its way, several batches side by side.

    Args:
        context: of the run.
        pipeline: how to write.
        deletes: what has to be deleted waits there.
        hands: tasks run in it; an error of one ends them all.
    """

    def __init__(self, context: RunContext, pipeline: Pipeline, deletes: Deletes, hands: asyncio.TaskGroup) -> None:
        self._context = context
        self._pipeline = pipeline
        self._retries = Retries(context, pipeline, deletes)
        self._deletes = deletes
        self._hands = hands
        self._slots = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._deleting = asyncio.Lock()
        self._deletes_from = 0.0
        self._batches: set[asyncio.Task[None]] = set()
        self.limit: TooManyGone | None = None
        """The limit of deletes that was reached: nothing more is deleted."""

    async def work(self, enough: asyncio.Event, bell: Bell, since: datetime | None = None) -> None:
        """Work until told that it is enough, or until the run is to stop; what was claimed comes to its end.

        Args:
            enough: ends it.
            bell: rings where something was raised.
            since: only what was raised since this moment of the ledger's clock; None: whatever is open or due.

        Raises:
            ApiError: the source or the target could not be read.
            LedgerError: the ledger cannot be used, or the lock was lost.
        """
        listens = since is None
        while not (enough.is_set() or self._context.stopping or (listens and self.limit is not None)):
            rung = bell.next
            if await self._begin_batch(since):
                await asyncio.sleep(_COMPANY_SECONDS)
            else:
                await _first_of(_POLL_SECONDS, rung, enough, self._context.stop)
        await self._end_batches()

    async def drain(self, enough: asyncio.Event) -> None:
        """Work until nothing is left that is open or due, or until told that it is enough; see `work`.

        Args:
            enough: ends it.
        """
        idle = 0.0
        while not (enough.is_set() or self._context.stopping or self.limit is not None):
            if await self._begin_batch():
                idle = 0.0
                continue
            if await self._batch_ended():
                continue
            await self._pipeline.drain()
            if idle > _IDLE_SECONDS:
                break
            idle += _POLL_SECONDS
            await _first_of(_POLL_SECONDS, enough, self._context.stop)
        await self._end_batches()

    async def work_off(self, *, patiently: bool) -> None:
        """Work until nothing is left that is open or due now; patiently: nor what will be tried again. See `work`.

        What comes meanwhile is worked off as well, and not waited for. What has to be deleted may be left in
        `deletes`: what takes only a moment is deleted with whatever else has to be.
        """
        context, records = self._context, self._context.ledger.records
        idle, enough = 0.0, monotonic() + _TAIL_SECONDS
        self._deletes_from = monotonic() + _COUNTING_SECONDS
        begun = await records.clock()
        while not context.stopping:
            is_tail = monotonic() >= enough and not await records.waits_since(begun, context.source_now)
            if not is_tail and await self._begin_batch():
                idle = 0.0
                continue
            if await self._batch_ended():
                continue
            if not (patiently and idle < _LONGEST_IDLE and await self._something_waits(begun)):
                break
            idle += _POLL_SECONDS
            await _first_of(_POLL_SECONDS, context.stop)
        await self._end_batches()
        self._retries.tell()

    async def _something_waits(self, since: datetime) -> bool:
        return await self._context.ledger.records.open_count(None, since) > self._deletes.waiting

    async def _begin_batch(self, since: datetime | None = None) -> bool:
        """Claim what is open or due and bring it on its way; say whether there was anything."""
        await self._slots.acquire()
        claimed = await self._retries.claim(_NEWEST, since)
        if not claimed:
            self._slots.release()
            return False
        batch = self._hands.create_task(self._bring(claimed))
        self._batches.add(batch)
        batch.add_done_callback(self._let_go)
        return True

    async def _batch_ended(self) -> bool:
        """Return once one of the batches has ended, after the last one with all that it wrote: that may raise more.

        Returns:
            Whether there was one.
        """
        if not self._batches:
            return False
        await asyncio.wait(set(self._batches), return_when=asyncio.FIRST_COMPLETED)
        if not self._batches:
            await self._pipeline.drain()
        return True

    async def _end_batches(self) -> None:
        while self._batches:
            await asyncio.wait(set(self._batches))

    def _let_go(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._slots.release()

    async def _bring(self, claimed: list[Level]) -> None:
        with suppress(ComesBackAt):  # the run ends in order, and what it has claimed is free with that
            await self._carry(claimed)

    async def _carry(self, claimed: list[Level]) -> None:
        with self._pipeline.coming():
            await self._retries.bring(claimed)
        if self._deletes.waiting and self.limit is None and monotonic() >= self._deletes_from:
            async with self._deleting:
                try:
                    await self._deletes.carry_out()
                except TooManyGone as error:
                    self.limit = error


async def _first_of(seconds: float, *events: asyncio.Event) -> None:
    """Wait until one of some events is set, at most so long."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
