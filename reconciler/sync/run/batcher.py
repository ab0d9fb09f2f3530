"""Items that wait a moment for company: writes that go out in one request, results committed in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from reconciler.sync.run.ledger_thread import LedgerThread

ItemT = TypeVar("ItemT", bound=Hashable)
_Item = TypeVar("_Item")


class Batches(Generic[ItemT]):
    """Collects items of several records and sends them in one request.

    Args:
        send: sends items and returns why some were refused.
        most: items per request; the items of one record stay together.
        linger: seconds to wait for company.
        side_by_side: requests that may be under way at once.
    """

    def __init__(
        self,
        send: Callable[[Sequence[ItemT]], Awaitable[Mapping[ItemT, str]]],
        *,
        most: int = 500,
        linger: float = 0.4,
        side_by_side: int = 4,
    ) -> None:
        self._send = send
        self._most = most
        self._under_way = asyncio.Semaphore(side_by_side)
        self._linger = linger
        self._waiting: list[tuple[tuple[ItemT, ...], asyncio.Future[Mapping[ItemT, str]]]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def add(self, items: Sequence[ItemT]) -> Mapping[ItemT, str]:
        """Send the items of one record, in company, and return which of them were refused and why.

        Raises:
            ApiError: the request failed, so that none of them is known to be there.
        """
        if not items:
            return {}
        if self._count and self._count + len(items) > self._most:
            self._start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Mapping[ItemT, str]] = loop.create_future()
        self._waiting.append((tuple(items), done))
        self._count += len(items)
        if self._count >= self._most:
            self._start()
        elif self._timer is None:
            self._timer = loop.call_later(self._linger, self._start)
        return await done

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            batch, self._waiting, self._count = self._waiting, [], 0
            task = asyncio.get_running_loop().create_task(self._sent(batch))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _sent(self, batch: list[tuple[tuple[ItemT, ...], asyncio.Future[Mapping[ItemT, str]]]]) -> None:
        try:
            async with self._under_way:
                refused = await self._send([item for items, _ in batch for item in items])
        except BaseException as error:  # whoever waits is told, whatever it was
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for items, done in batch:
                if not done.done():
                    done.set_result({item: refused[item] for item in items if item in refused})


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
