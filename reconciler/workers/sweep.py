"""Sweep of a worker: make jobs for whatever is due in the ledger, whoever lost the job that was to wake a hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from random import SystemRandom
from time import monotonic

from reconciler.errors import LedgerError, ReconcilerError
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.turns import TurnStore, Waits
from reconciler.sync.run.queue import JobKind, QueuedJob
from reconciler.workers.due import is_due
from reconciler.workers.jobs import JobQueue
from reconciler.workers.start import Manned

EVERY_SECONDS = 10.0
_LEAST_SECONDS = 0.5
_FORGETS_EVERY_SECONDS = 3_600.0


class Sweep:
    """Asks the ledger again and again what is due, and offers a job for each; what is queued already stays so.

    Args:
        turns: of the ledger.
        manned: the environments, by name.
        queue: takes the jobs.
        waits: told why the ledger could not be asked; None: it could.
    """

    def __init__(
        self,
        turns: TurnStore,
        manned: Mapping[str, Manned],
        queue: JobQueue,
        waits: Callable[[ReconcilerError | None], None] = lambda _: None,
    ) -> None:
        self._turns = turns
        self._manned = manned
        self._queue = queue
        self._waits = waits
        self._rung = asyncio.Event()
        self._random = SystemRandom()
        self._forgets_at = monotonic()

    def ring(self) -> None:
        """Sweep soon: a job has ended, and what was raised while it did may have found its key taken."""
        self._rung.set()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                self._waits(await self.once())
            except ReconcilerError as error:
                self._waits(error)
            except Exception as error:  # noqa: BLE001 - without a sweep nothing would ever be due
                self._waits(LedgerError(f"what is due could not be looked up: {type(error).__name__}"))
            await asyncio.sleep(_LEAST_SECONDS)
            # Workers that began together sweep apart.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), EVERY_SECONDS * self._random.uniform(0.8, 1.2))

    async def once(self) -> ReconcilerError | None:
        """Offer a job for each run that is due; return why an environment could not be looked at.

        Raises:
            ReconcilerError: the ledger cannot be read.
        """
        self._rung.clear()
        now, waits = await asyncio.to_thread(self._turns.waits, self._manned.keys())
        due, failed = await asyncio.to_thread(self._due, now, waits)
        await self._queue.offer(due)
        if monotonic() >= self._forgets_at:
            self._forgets_at = monotonic() + _FORGETS_EVERY_SECONDS
            await self._queue.forget_log()
        return failed

    def _due(self, now: datetime, waits: Mapping[DataScope, Waits]) -> tuple[list[QueuedJob], ReconcilerError | None]:
        due: list[QueuedJob] = []
        failed: ReconcilerError | None = None
        for name, each in self._manned.items():
            try:
                known = each.known(waits)
            except ReconcilerError as error:
                failed = error
                continue
            for sync in known:
                found = waits.get(sync.scope)
                if found is not None and is_due(found, sync.settings, sync.data.digest, now):
                    due.append(QueuedJob(JobKind.RUN, name, sync.name, sync.type))
        return due, failed
