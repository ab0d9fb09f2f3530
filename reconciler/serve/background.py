"""Work of a handler that blocks, in threads of its own with an event loop each; and how much of something is let in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


class Bucket:
    """Lets `per_second` through on average, and two seconds' worth at once; what comes beyond that is refused.

    Args:
        per_second: how many.
        clock: seconds that only grow.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._tokens = self._most = 2 * per_second
        self._since = clock()

    def take(self) -> bool:
        """Take one, and return whether there was one."""
        now = self._clock()
        self._tokens = min(self._most, self._tokens + (now - self._since) * self._per_second)
        self._since = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Hands:
    """Threads that work for one subject, so that what is slow there starves nobody else.

    Args:
        most: how many work at once; what comes then waits.
        name: of the subject.
    """

    def __init__(self, most: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)

    async def do(self, work: Callable[[], Coroutine[Any, Any, _Answer]]) -> _Answer:
        """Run a coroutine in a thread with an event loop of its own, and return its answer."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: asyncio.run(work()))

    async def call(self, work: Callable[[], _Answer]) -> _Answer:
        """Call a function in a thread, and return its answer."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
