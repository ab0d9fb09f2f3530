"""Chunks of keys that fit into one SQL statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

BULK = 500
"""Keys per statement."""


def chunks(keys: Iterable[str], size: int = BULK) -> Iterator[list[str]]:
    """Split keys into lists that fit into one SQL statement."""
    rest = iter(keys)
    while chunk := list(islice(rest, size)):
        yield chunk
