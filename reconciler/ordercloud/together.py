"""Several reads at once, and nothing left under way when one of them fails."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # kinds import this module, and validating them needs no event loop
    import asyncio

OutT = TypeVar("OutT")


async def together(reads: Iterable[Coroutine[Any, Any, OutT]]) -> list[OutT]:
    """Run the reads at once and return their results in order; the first that fails ends the others."""
    import asyncio

    tasks = [asyncio.create_task(read) for read in reads]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await ended(tasks)


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what still runs and wait until it is over."""
    import asyncio

    under_way: list[asyncio.Task[Any]] = []
    for task in tasks:
        if not task.done():
            task.cancel()
            under_way.append(task)
        elif not task.cancelled():
            task.exception()  # whoever wants to know of it was told
    if under_way:
        await asyncio.gather(*under_way, return_exceptions=True)
