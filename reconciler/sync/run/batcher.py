"""Batcher of items that wait a moment for company: writes of one request, results of one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

from reconciler.errors import ApiError
from reconciler.sync.run.breaker import ComesBackAt
from reconciler.sync.run.company import LINGER, Company

ItemT = TypeVar("ItemT", bound=Hashable)
AnswerT = TypeVar("AnswerT")
_Added: TypeAlias = tuple[tuple[ItemT, ...], asyncio.Future[Mapping[ItemT, AnswerT]]]


class Batcher(Generic[ItemT, AnswerT]):
    """Collects items for a moment and sends them together; whoever added some waits for what became of them.

    A batch leaves when it is full, when one of its items has waited long enough, or when nothing else comes.

    Args:
        send: sends items, and returns the answers for those that have one.
        most: items per batch; what was added together stays together.
        linger: seconds to wait for company, unless told.
        side_by_side: batches that may be under way at once.
        company: says whether anything else comes; None: nobody knows.
        apart: whether those of a batch that the API fails are sent apart then, half by half: it may fail but one.
    """

    def __init__(
        self,
        send: Callable[[Sequence[ItemT]], Awaitable[Mapping[ItemT, AnswerT]]],
        *,
        most: int = 500,
        linger: float = LINGER,
        side_by_side: int = 4,
        company: Company | None = None,
        apart: bool = False,
    ) -> None:
        self._send = send
        self._most = most
        self._under_way = asyncio.Semaphore(side_by_side)
        self._linger = linger
        self._company = company
        self._apart = apart
        self._waiting: list[_Added[ItemT, AnswerT]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()
        if company is not None:
            company.serve(self._start)

    async def add(self, items: Sequence[ItemT], linger: float | None = None) -> Mapping[ItemT, AnswerT]:
        """Send items in company, and return the answers for those of them that have one.

        Args:
            items: what to send.
            linger: how many seconds these wait for company at most; None: as usual.

        Raises:
            Exception: what `send` raised, so that none of them is known to be there.
        """
        return await self.put(items, linger)

    def put(self, items: Sequence[ItemT], linger: float | None = None) -> asyncio.Future[Mapping[ItemT, AnswerT]]:
        """Begin what `add` does, and return what will have the answers."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Mapping[ItemT, AnswerT]] = loop.create_future()
        if not items:
            done.set_result({})
            return done
        if self._count and self._count + len(items) > self._most:
            self._start()
        self._waiting.append((tuple(items), done))
        self._count += len(items)
        if self._count >= self._most:
            self._start()
        else:
            self._leave_by(loop.time() + (self._linger if linger is None else linger))
        return done

    def _leave_by(self, moment: float) -> None:
        if self._timer is None or moment < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(moment, self._start)
        if self._company is not None:
            self._company.look()

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            batch, self._waiting, self._count = self._waiting, [], 0
            self._begin(batch)

    def _begin(self, batch: list[_Added[ItemT, AnswerT]], *, unsure: bool = False) -> None:
        task = asyncio.get_running_loop().create_task(self._sent(batch, unsure=unsure))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _sent(self, batch: list[_Added[ItemT, AnswerT]], *, unsure: bool) -> None:
        try:
            async with self._under_way:
                answers = await self._send([item for items, _ in batch for item in items])
        except BaseException as error:  # whoever waits is told, whatever it was
            if self._apart and len(batch) > 1 and isinstance(error, ApiError) and error.is_transient:
                half, unsure = len(batch) // 2, unsure or error.is_unsure
                self._begin(batch[:half], unsure=unsure)
                self._begin(batch[half:], unsure=unsure)
                return
            if isinstance(error, ComesBackAt) and unsure:
                error.unsent = False  # what went with more before may have been carried out
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for items, done in batch:
                if not done.done():
                    done.set_result({item: answers[item] for item in items if item in answers})
