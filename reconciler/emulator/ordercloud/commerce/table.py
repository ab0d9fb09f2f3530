"""Table of rows by ID, as JSON text beside a sorted index: small in memory, quick to page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import orjson

JsonObject = dict[str, Any]
KEPT_RESULTS = 16


def fold(key: str) -> tuple[str, str]:
    """Return the sort key of a key: whatever its case, and by case where that is all that differs."""
    return key.lower(), key


class Table:
    """Table of one resource within one parent.

    `results` may hold query results; each write empties it.
    """

    __slots__ = ("_order", "_rows", "results")

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}
        self._order: list[str] | None = None
        self.results: dict[Hashable, Any] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def get(self, key: str) -> bytes | None:
        """Return a row's JSON text, or None."""
        return self._rows.get(key)

    def load(self, key: str) -> JsonObject:
        """Return a row.

        Raises:
            KeyError: there is none.
        """
        row: JsonObject = orjson.loads(self._rows[key])
        return row

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Return all keys and JSON texts, in any order."""
        return iter(self._rows.items())

    def put(self, key: str, text: bytes) -> None:
        """Add or replace a row."""
        if self._order is not None and key not in self._rows:
            insort(self._order, key, key=fold)
        self._rows[key] = text
        self.results = None

    def remove(self, key: str) -> None:
        """Remove a row, if it is there."""
        if self._rows.pop(key, None) is not None and self._order is not None:
            del self._order[bisect_left(self._order, fold(key), key=fold)]
        self.results = None

    def copy(self) -> Table:
        """Return a table with the same rows."""
        copied = Table()
        copied._rows = dict(self._rows)
        copied._order = None if self._order is None else list(self._order)
        return copied

    def ordered(self) -> Sequence[str]:
        """Return the keys in order. Not to be changed."""
        if self._order is None:
            self._order = sorted(self._rows, key=fold)
        return self._order

    def starting_with(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with `prefix`, in order."""
        order = self.ordered()
        low = prefix.lower()
        start = bisect_left(order, low, key=str.lower)
        found = order[start : bisect_right(order, low + "\U0010ffff", key=str.lower)]
        return [key for key in found if key.startswith(prefix)]


EMPTY = Table()
