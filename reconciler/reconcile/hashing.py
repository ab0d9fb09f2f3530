"""Hash secrets in threads, while something else is waited for: their fingerprints are slow on purpose."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache

from reconciler.ledger.config.secret_fingerprint import slow_key

# Of the process, whatever it compares side by side: each takes 4 MiB and a core.
_AT_ONCE = min(8, os.cpu_count() or 1)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="secrets")


def begin_to_hash(salt: bytes, value: str) -> Future[bytes]:
    """Begin to compute the slow part of a secret's fingerprint, and return the future of it."""
    return _threads().submit(slow_key, salt, value)


@asynccontextmanager
async def hashed_meanwhile(salt: bytes, values: Iterable[str]) -> AsyncIterator[None]:
    """Within, the slow part of these secrets' fingerprints is computed; afterwards comparing them takes no time."""
    # Few are begun ahead of time, so that little is left to wait for where it is cut off.
    waiting = iter(dict.fromkeys(values))

    async def one_by_one() -> None:
        for value in waiting:
            await asyncio.wrap_future(begin_to_hash(salt, value))

    tasks = [asyncio.create_task(one_by_one()) for _ in range(_AT_ONCE)]
    try:
        yield
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
