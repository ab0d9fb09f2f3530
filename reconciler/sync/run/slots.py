"""Slots for runs: how many a process carries out at once, whichever threads they are in."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """So many may work at once; who comes then waits, the first first. For coroutines of any thread's event loop.

    Two hundred runs that begin at once in one process would share its processor until none of them gets anywhere.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self._lock = threading.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Within, one of them is ours."""
        await self._take()
        try:
            yield
        finally:
            self._give_back()

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            given = loop.create_future()
            self._waiting.append((loop, given))
        try:
            await given
        except asyncio.CancelledError:
            with self._lock:
                still_waits = (loop, given) in self._waiting
                if still_waits:
                    self._waiting.remove((loop, given))
            if given.done() and not given.cancelled():  # it was given while we were cancelled
                self._give_back()
            raise

    def _give_back(self) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            loop, given = self._waiting.popleft()
        try:
            loop.call_soon_threadsafe(self._give, given)
        except RuntimeError:  # that loop has ended, and nobody waits there any more
            self._give_back()

    def _give(self, given: asyncio.Future[None]) -> None:
        if given.done():
            self._give_back()
        else:
            given.set_result(None)
