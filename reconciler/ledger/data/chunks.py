"""Long lists of keys in pieces that fit into a statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

BULK = 500
"""Keys per statement."""


def chunks(keys: Iterable[str], size: int = BULK) -> Iterator[list[str]]:
    """Yield keys in lists that fit into a statement."""
    rest = iter(keys)
    while chunk := list(islice(rest, size)):
        yield chunk
