"""Chunks of keys that fit into one SQL statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Key = TypeVar("_Key")

BULK = 500
"""Keys per statement."""


def chunks(keys: Iterable[_Key], size: int = BULK) -> Iterator[list[_Key]]:
    """Split keys into lists that fit into one SQL statement."""
    rest = iter(keys)
    while chunk := list(islice(rest, size)):
        yield chunk
