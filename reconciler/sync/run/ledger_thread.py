"""The ledger's own thread: transactions that do not hold up the requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")


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
        work = asyncio.get_running_loop().run_in_executor(self._pool, lambda: method(*arguments, **named))
        work.add_done_callback(_heard)
        return await asyncio.shield(work)


def _heard(work: asyncio.Future[Any]) -> None:
    """Take note of how it ended: where the caller was cancelled meanwhile, asyncio would print a traceback."""
    if not work.cancelled():
        work.exception()
