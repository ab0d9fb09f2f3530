"""Feed of a run: works off what events raise while the run reads everything, or while it listens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from reconciler.ledger.data.model import Level
from reconciler.sync.run.breaker import ComesBackAt
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.deletes import Deletes, TooManyGone
from reconciler.sync.run.listening import Bell
from reconciler.sync.run.retries import Retries

_POLL_SECONDS = 0.5
# So that what is raised together is read together.
_COMPANY_SECONDS = 0.02
_SIDE_BY_SIDE = 4
# So long a hand waits for more before it goes: to come back costs it a look at both sides.
_IDLE_SECONDS = 1.5
# Of those that are claimed at once, so many are those that wait the shortest: one is through soon beside many.
_NEWEST = 30


class Feed:
    """Claims what is due, again and again, and brings it on its way, several batches side by side.

    Args:
        context: of the run.
        retries: read what was claimed.
        deletes: what has to be deleted waits there.
        hands: tasks run in it; an error of one ends them all.
    """

    def __init__(self, context: RunContext, retries: Retries, deletes: Deletes, hands: asyncio.TaskGroup) -> None:
        self._context = context
        self._retries = retries
        self._deletes = deletes
        self._hands = hands
        self._slots = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._deleting = asyncio.Lock()
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
            await self._slots.acquire()
            claimed = await self._retries.claim(_NEWEST, since)
            if claimed:
                batch = self._hands.create_task(self._bring(claimed))
                self._batches.add(batch)
                batch.add_done_callback(self._let_go)
                await asyncio.sleep(_COMPANY_SECONDS)
            else:
                self._slots.release()
                await _first_of(_POLL_SECONDS, rung, enough, self._context.stop)
        while self._batches:
            await asyncio.wait(set(self._batches))

    async def drain(self, enough: asyncio.Event, settle: Callable[[], Awaitable[None]]) -> None:
        """Work until nothing is left that is open or due, or until told that it is enough; see `work`.

        Args:
            enough: ends it.
            settle: returns once what was brought on its way is done: that may raise something else.
        """
        idle = 0.0
        while not (enough.is_set() or self._context.stopping or self.limit is not None):
            await self._slots.acquire()
            claimed = await self._retries.claim(_NEWEST)
            if claimed:
                idle = 0.0
                batch = self._hands.create_task(self._bring(claimed))
                self._batches.add(batch)
                batch.add_done_callback(self._let_go)
                continue
            self._slots.release()
            if self._batches:
                await asyncio.wait(set(self._batches), return_when=asyncio.FIRST_COMPLETED)
                continue
            await settle()
            if idle > _IDLE_SECONDS:
                break
            idle += _POLL_SECONDS
            await _first_of(_POLL_SECONDS, enough, self._context.stop)
        while self._batches:
            await asyncio.wait(set(self._batches))

    def _let_go(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._slots.release()

    async def _bring(self, claimed: list[Level]) -> None:
        with suppress(ComesBackAt):  # the run ends in order, and what it has claimed is free with that
            await self._carry(claimed)

    async def _carry(self, claimed: list[Level]) -> None:
        await self._retries.bring(claimed)
        if self._deletes.waiting and self.limit is None:
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
