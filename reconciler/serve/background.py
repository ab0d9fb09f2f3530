"""Work of a handler that blocks, in threads of its own, each with an event loop; nothing of it holds up the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


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
