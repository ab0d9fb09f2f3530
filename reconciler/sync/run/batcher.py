"""Batcher of items that wait a moment for company: writes of one request, results of one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
        waiting: so many who added something do not wait for more; None: they do.
        quiet: seconds to wait for company where all that `come` wait already; None: no less than `linger`.
    """

    def __init__(
        self,
        send: Callable[[Sequence[ItemT]], Awaitable[Mapping[ItemT, AnswerT]]],
        *,
        most: int = 500,
        linger: float = 0.4,
        side_by_side: int = 4,
        waiting: int | None = None,
        quiet: float | None = None,
    ) -> None:
        self._send = send
        self._most = most
        self._under_way = asyncio.Semaphore(side_by_side)
        self._linger = linger
        self._most_waiting = waiting
        self._quiet = quiet
        self._waiting: list[tuple[tuple[ItemT, ...], asyncio.Future[Mapping[ItemT, AnswerT]]]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()
        # Those that may still add something, and those of them that did and wait.
        self._coming = 0
        self._added = 0

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Within, the caller may still add something, so that others may wait for that."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1
            self._listen()

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
        if self._count >= self._most or len(self._waiting) == self._most_waiting:
            self._start()
        elif self._timer is None:
            self._timer = loop.call_later(self._linger, self._start)
        self._added += 1
        self._listen()
        try:
            return await done
        finally:
            self._added -= 1

    def _listen(self) -> None:
        """Wait no longer than a moment where nobody else comes."""
        if self._quiet is not None and self._quiet_timer is None and self._is_quiet:
            self._quiet_timer = asyncio.get_running_loop().call_later(self._quiet, self._stop_listening)

    def _stop_listening(self) -> None:
        self._quiet_timer = None
        if self._is_quiet:
            self._start()

    @property
    def _is_quiet(self) -> bool:
        return bool(self._waiting) and self._coming <= self._added

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
