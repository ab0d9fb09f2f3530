"""Bounds of a list that is read: that it ends, and that its IDs ascend. What it announces is no promise of either."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Json

PAGE_SIZE = 100
# documented: a paged list ends at 100,000 entries.
MOST_PAGES = 1_000
# What comes beside what was announced may come and go meanwhile; more than that, or than this, is a list without end.
_SPARE = 10_000
_MOST_ENTRIES = 10_000_000
# A list that is divided by its first letters shows some entries several times, a page of one entry each time at worst.
_SPARE_PAGES = 1_000
_ENTRIES_PER_PAGE = 20

# IDs that every order we know of sorts alike: no mixed case, no sign that a collation may skip, and beginning with a
# letter, so that nothing takes them for numbers; or digits of one length.
_ALIKE = (
    re.compile(r"[a-z][0-9a-z]*", re.ASCII),
    re.compile(r"[A-Z][0-9A-Z]*", re.ASCII),
    re.compile(r"[0-9]+", re.ASCII),
)


def count_of(value: Json) -> int | None:
    """Return a value that counts something, or None where it does not: a boolean, a negative, no whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class WalkBound(Struct):
    """Counts what a walk reads, and ends it where it reads more than any such list can hold.

    Args:
        path: the list, for the error.
        announced: its first TotalCount; None where it is too large to be listed.
    """

    path: str
    announced: int | None
    _entries: int = 0
    _pages: int = 0
    _taken: int = 0
    _counted: int = 0

    @property
    def most(self) -> int:
        """Most entries that may come: twice the first TotalCount and 10,000, and never more than 10 million."""
        return _MOST_ENTRIES if self.announced is None else min(2 * self.announced + _SPARE, _MOST_ENTRIES)

    def page(self) -> None:
        """Count a request.

        Raises:
            UnexpectedAnswer: so many are not needed for a list of that size.
        """
        self._pages += 1
        if self._pages > _SPARE_PAGES + self.most // _ENTRIES_PER_PAGE:
            raise self._endless(f"{self._pages - 1:,} pages were read")

    def take(self, entries: int, *, goes_on: bool = False) -> None:
        """Count entries that belong to what is read.

        Args:
            entries: how many.
            goes_on: they are a page that is not the last, so it counts as a full one, however few came on it.

        Raises:
            UnexpectedAnswer: there are too many.
        """
        self._taken += 1
        self._entries += entries
        self._counted += max(entries, PAGE_SIZE) if goes_on else entries
        if self._entries > self.most:
            raise self._endless(f"{self._entries:,} entries came")
        if self._counted > self.most:
            raise self._endless(f"{self._taken:,} pages were read, and not all of them were full")

    def _endless(self, what: str) -> UnexpectedAnswer:
        said = "" if self.announced is None else f" and it said it holds {self.announced:,}"
        return UnexpectedAnswer(
            f"GET {self.path}: the list does not end: {what}{said}",
            request=f"GET {self.path}",
            next_step="Run it again; if it stays so, the API does not filter and sort by ID as it is documented to.",
        )


def ascend(names: Sequence[str], *, strictly: bool = True) -> bool:
    """Whether IDs may stand in this order. How the API sorts is not known in full, so only what no order does is told.

    Args:
        names: the IDs.
        strictly: none may come twice in a row.
    """
    return not any((strictly and first == second) or _is_before(second, first) for first, second in pairwise(names))


def _is_before(first: str, second: str) -> bool:
    """Whether an ID is before another one in every order we know of."""
    comparable = any(alike.fullmatch(first) and alike.fullmatch(second) for alike in _ALIKE)
    return comparable and first < second and (not first.isdigit() or len(first) == len(second))
