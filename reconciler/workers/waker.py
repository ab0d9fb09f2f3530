"""Wake workers where messages were taken in: after the ledger's commit, and at most twice a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from reconciler.errors import ReconcilerError
from reconciler.intake.inbox import AsyncInbox
from reconciler.ledger.async_postgres import AsyncPostgres
from reconciler.ledger.url import LedgerUrl
from reconciler.sync.run.queue import JobKind, QueuedJob
from reconciler.workers.jobs import JobQueue

_AT_MOST_EVERY_SECONDS = 0.5


class Waker:
    """Offers jobs for what messages raised. What it does not offer a sweep finds: it saves seconds, and no more.

    Args:
        url: of the ledger.
        environment: name of the Environment.
        types: returns the names of a DataSync's data types; it may ask the ledger.
        on_lost: told why jobs could not be queued.
    """

    def __init__(
        self,
        url: LedgerUrl,
        environment: str,
        types: Callable[[str], Sequence[str]],
        on_lost: Callable[[ReconcilerError], None] = lambda _: None,
    ) -> None:
        self._server = AsyncPostgres(url)
        self._queue = JobQueue(self._server, self._tell)
        self._environment = environment
        self._types = types
        self._on_lost = on_lost
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, data_sync: str, inbox: AsyncInbox) -> None:
        """Wake workers from now on where the inbox of a DataSync raised something."""
        self._tasks.add(asyncio.create_task(self._watch(data_sync, inbox), name=f"waking workers for {data_sync}"))

    async def close(self) -> None:
        """Wake nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.close()

    def _tell(self, error: ReconcilerError | None) -> None:
        if error is not None:
            self._on_lost(error)

    async def _watch(self, data_sync: str, inbox: AsyncInbox) -> None:
        types: Sequence[str] = ()
        while True:
            await inbox.raised.wait()
            inbox.raised.clear()
            try:
                types = types or await asyncio.to_thread(self._types, data_sync)
            except ReconcilerError as error:
                self._on_lost(error)
            await self._queue.offer(
                [QueuedJob(JobKind.RUN, self._environment, data_sync, data_type) for data_type in types]
            )
            await asyncio.sleep(_AT_MOST_EVERY_SECONDS)
