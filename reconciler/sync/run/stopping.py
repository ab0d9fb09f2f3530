"""Reading that ends when a run is asked to stop: what is being read is given up, what was read is finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

CANCEL_GRACE_SECONDS = 3.0
"""How long a cancelled run waits for what it sent. With the second after which each of its hands hears of it, and the
end of the run, that is less than five. What has no answer by then stays in doubt, and is written again after that."""

_Item = TypeVar("_Item")
_END: Any = object()


async def take_until(
    stop: asyncio.Event, items: AsyncGenerator[_Item, None], take: Callable[[_Item], Awaitable[object]]
) -> None:
    """Take what comes, until there is no more or an end is asked for. While one is taken, the next is read.

    Args:
        stop: once set, what is being waited for is given up, and what is being taken is finished.
        items: what comes; closed in any case.
        take: takes one.
    """
    taking = False

    async def work() -> None:
        nonlocal taking
        async with aclosing(items):
            upcoming = asyncio.create_task(_next(items))
            try:
                while (item := await upcoming) is not _END:
                    upcoming = asyncio.create_task(_next(items))
                    taking = True
                    await take(item)
                    taking = False
                    if stop.is_set():
                        return
            finally:
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)

    working, stopped = asyncio.create_task(work()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not taking:
            working.cancel()
        await asyncio.wait({working})
        if not working.cancelled():
            working.result()
    finally:
        for task in (working, stopped):
            task.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)


async def _next(items: AsyncGenerator[_Item, None]) -> _Item:
    return await anext(items, _END)
