"""Batches of rows of which the API may refuse some: these are found, and the others written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

from reconciler.errors import Rejected
from reconciler.sparklayer.reasons import why_refused

_Row = TypeVar("_Row")

# No maximum is published; public clients send 500 and 1,000.
BATCH = 500


async def write_rows(rows: Sequence[_Row], send: Callable[[Sequence[_Row]], Awaitable[Any]]) -> dict[_Row, str]:
    """Send rows, at most `BATCH` at once; return those that the API refused, with its words. The others are in.

    Args:
        rows: what to write; sending a row twice must do no harm.
        send: sends some of them in one request.

    Raises:
        AnswerLost: whether it was carried out is not known.
        ApiError: something failed that is not about the rows.
    """
    refused: dict[_Row, str] = {}
    batches = chunks(rows)
    while batches:
        batch = batches.pop()
        try:
            await send(batch)
        except Rejected as error:
            if not error.is_about_record:
                raise
            named = {place: words for place, words in error.rows.items() if 0 <= place < len(batch)}
            if len(batch) > 1 and len(named) < len(batch):
                # What the answer names is a hint how to split, no verdict: how it counts rows is inferred.
                batches += _split(batch, named)
            else:
                refused |= {row: named.get(place) or why_refused(error) for place, row in enumerate(batch)}
    return refused


def chunks(rows: Sequence[_Row]) -> list[Sequence[_Row]]:
    """Return the rows in batches of at most `BATCH`."""
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def _split(batch: Sequence[_Row], named: Collection[int]) -> tuple[Sequence[_Row], Sequence[_Row]]:
    """Part a refused batch: into the named rows and the others, else into halves."""
    first = named or range(len(batch) // 2)
    return (
        [row for place, row in enumerate(batch) if place in first],
        [row for place, row in enumerate(batch) if place not in first],
    )
