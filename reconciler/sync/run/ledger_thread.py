"""The ledger's own thread: transactions that do not hold up the requests, and many results in one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, ParamSpec, Self, TypeVar

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")
_Item = TypeVar("_Item")


class LedgerThread:
    """Runs the ledger's methods one after the other, beside the event loop. Use it as an async context manager."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    async def call(
        self,
        method: Callable[_Arguments, _Answer],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Answer:
        """Run a method in the thread. Once begun it comes to its end, also where the caller is cancelled meanwhile."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._pool, lambda: method(*arguments, **named)))


class Group(Generic[_Item]):
    """Collects items for a moment and commits them together; whoever added one waits for the commit.

    Args:
        thread: where to commit.
        commit: takes the collected items in one transaction.
        most: items per transaction.
        linger: seconds to wait for company.
    """

    def __init__(
        self, thread: LedgerThread, commit: Callable[[Sequence[_Item]], None], *, most: int = 200, linger: float = 0.05
    ) -> None:
        self._thread = thread
        self._commit = commit
        self._most = most
        self._linger = linger
        self._waiting: list[tuple[_Item, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._flushes: set[asyncio.Task[None]] = set()

    async def add(self, item: _Item) -> None:
        """Add an item and return when it is committed.

        Raises:
            LedgerError: it is not.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((item, done))
        if len(self._waiting) >= self._most:
            self._start()
        elif self._timer is None:
            self._timer = loop.call_later(self._linger, self._start)
        await done

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            batch, self._waiting = self._waiting, []
            task = asyncio.get_running_loop().create_task(self._flush(batch))
            self._flushes.add(task)
            task.add_done_callback(self._flushes.discard)

    async def _flush(self, batch: list[tuple[_Item, asyncio.Future[None]]]) -> None:
        try:
            await self._thread.call(self._commit, [item for item, _ in batch])
        except BaseException as error:  # whoever waits is told, whatever it was
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)
