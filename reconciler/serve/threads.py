"""Few threads with an event loop each, among which the loops of all environments are shared out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MOST = 8
"""How many threads work beside the requests, however many environments are served."""

_WAITING = 8
"""How many calls wait for the ledger at once in one thread; further ones wait for those."""


class Threads:
    """Shares work out among threads: each takes what is begun next with the least to do. Call it in one event loop.

    A thread begins with the first work that it gets, and ends with the last.

    Args:
        most: how many threads there are at most.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._threads: list[_Thread] = []

    @property
    def count(self) -> int:
        """How many threads there are now."""
        return len(self._threads)

    async def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine in one of the threads, and return when it ends."""
        if len(self._threads) < self._most:
            self._threads.append(_Thread())
        thread = min(self._threads, key=lambda each: each.load)
        thread.load += 1
        try:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), thread.loop))
        finally:
            thread.load -= 1
            if not thread.load:
                self._threads.remove(thread)
                thread.end()


class _Thread:
    """One thread with an event loop, until `end`."""

    def __init__(self) -> None:
        self.load = 0
        self.loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        # A thread that waits for a ledger which is away keeps nobody from ending the process.
        threading.Thread(target=self._work, name="loops", daemon=True).start()

    def end(self) -> None:
        """End the thread once it has nothing to do."""
        self.loop.call_soon_threadsafe(self._ended.set)

    def _work(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            self.loop.set_default_executor(ThreadPoolExecutor(_WAITING, thread_name_prefix="loops"))
            runner.run(self._wait())

    async def _wait(self) -> None:
        await self._ended.wait()
