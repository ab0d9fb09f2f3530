"""Batcher of items that wait a moment for company: writes of one request, results of one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT", bound=Hashable)
AnswerT = TypeVar("AnswerT")


class Batcher(Generic[ItemT, AnswerT]):
    """Collects items for a moment and sends them together; whoever added some waits for what became of them.

    Args:
        send: sends items, and returns the answers for those that have one.
        most: items per batch; what was added together stays together.
        linger: seconds to wait for company.
        side_by_side: batches that may be under way at once.
    """

    def __init__(
        self,
        send: Callable[[Sequence[ItemT]], Awaitable[Mapping[ItemT, AnswerT]]],
        *,
        most: int = 500,
        linger: float = 0.4,
        side_by_side: int = 4,
    ) -> None:
        self._send = send
        self._most = most
        self._under_way = asyncio.Semaphore(side_by_side)
        self._linger = linger
        self._waiting: list[tuple[tuple[ItemT, ...], asyncio.Future[Mapping[ItemT, AnswerT]]]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def add(self, items: Sequence[ItemT]) -> Mapping[ItemT, AnswerT]:
        """Send items in company, and return the answers for those of them that have one.

        Raises:
            Exception: what `send` raised, so that none of them is known to be there.
        """
        if not items:
            return {}
        if self._count and self._count + len(items) > self._most:
            self._start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Mapping[ItemT, AnswerT]] = loop.create_future()
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

    async def _sent(self, batch: list[tuple[tuple[ItemT, ...], asyncio.Future[Mapping[ItemT, AnswerT]]]]) -> None:
        try:
            async with self._under_way:
                answers = await self._send([item for items, _ in batch for item in items])
        except BaseException as error:  # whoever waits is told, whatever it was
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for items, done in batch:
                if not done.done():
                    done.set_result({item: answers[item] for item in items if item in answers})
