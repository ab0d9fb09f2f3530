"""Streams that read ahead: a bounded number of reads under way, results in order, nothing left behind at the end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from reconciler.errors import NotFound
from reconciler.ordercloud.together import ended

InT = TypeVar("InT")
OutT = TypeVar("OutT")
_END = object()


async def found_or_none(read: Coroutine[Any, Any, OutT]) -> OutT | None:
    """Return what a read returns, or None where the API says that there is no such object."""
    try:
        return await read
    except NotFound:
        return None


async def both(first: Coroutine[Any, Any, InT], second: Coroutine[Any, Any, OutT]) -> tuple[InT, OutT]:
    """Run two reads at once and return both results; the first that fails ends the other."""
    tasks = (asyncio.create_task(first), asyncio.create_task(second))
    try:
        return await asyncio.gather(*tasks)
    finally:
        await ended(tasks)


async def mapped(
    source: AsyncGenerator[InT, None], work: Callable[[InT], Coroutine[Any, Any, OutT]], ahead: int
) -> AsyncGenerator[OutT, None]:
    """Yield `work` of every item in the order of the source, on up to `ahead` items at once.

    Args:
        source: is closed with this stream.
        work: what to do with an item.
        ahead: how many may be under way or waiting to be taken.
    """
    under_way: deque[asyncio.Task[OutT]] = deque()
    async with aclosing(source):
        try:
            async for item in source:
                under_way.append(asyncio.create_task(work(item)))
                if len(under_way) >= ahead:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        finally:
            await ended(under_way)


async def read_ahead(source: AsyncGenerator[OutT, None]) -> AsyncGenerator[OutT, None]:
    """Yield what the source yields, and read the next item while the last one is worked on."""

    async def following() -> OutT | object:
        return await anext(source, _END)

    async with aclosing(source):
        upcoming = asyncio.create_task(following())
        try:
            while (item := await upcoming) is not _END:
                upcoming = asyncio.create_task(following())
                yield item  # type: ignore[misc]  # a sentinel has no type of its own
        finally:
            await ended([upcoming])
