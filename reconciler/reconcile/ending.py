"""The end of what is under way: cut off, and told all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any


async def cut_off(futures: Sequence[asyncio.Future[Any]], stop: asyncio.Event, *sums: asyncio.Future[Any]) -> None:
    """Cancel what is under way, and return when it has ended.

    Once an end was asked for, a cancellation meanwhile changes nothing: all is cut off, and what is known is yet told.

    Args:
        futures: what is under way.
        stop: set once an end was asked for.
        sums: futures that end by themselves when those have.
    """
    for future in futures:
        future.cancel()
    await ended((*futures, *sums), stop)


async def ended(futures: Sequence[asyncio.Future[Any]], stop: asyncio.Event) -> None:
    """Return when all of these have ended; once an end was asked for, a cancellation meanwhile changes nothing.

    Args:
        futures: what ends by itself.
        stop: set once an end was asked for.
    """
    while not all(future.done() for future in futures):
        try:
            await asyncio.wait(futures)
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
    for future in futures:
        if not future.cancelled():
            future.exception()  # seen, so that nobody logs it
