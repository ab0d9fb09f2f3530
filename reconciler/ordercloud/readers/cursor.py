"""Cursor in a list: what is left of it, as plain data, so that any process can read on where another one stopped.

A walk keeps its place in memory and reads side by side (walk.py). A cursor reads one page after the other, by the same
stretches: of IDs in order, from the last one that came; of IDs that may look like numbers, by their first letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.ordercloud.readers.pages import Listing, Part
from reconciler.ordercloud.readers.walk import NUMBERS, TEXTS, Prefix, check_moved

# Requests for one page: only where most stretches are empty are there more than a few.
_MOST_REQUESTS = 60
_PARTS = 5
_LONGEST = 100


class Stretch(Struct, frozen=True):
    """Stretch of a list that is left to read.

    Args:
        sort: what IDs are in it: `all`, or of a list from the search index `texts` or `numbers`.
        prefix: what they begin with.
        after: the last one that came; None: none did.
    """

    sort: str
    prefix: Prefix = field(default_factory=Prefix)
    after: str | None = None

    @property
    def where(self) -> tuple[str, ...]:
        """ID expressions that name it."""
        after = () if self.after is None else (f">{self.after}",)
        return (*_SORTS[self.sort], *self.prefix.where, *after)

    def to_json(self) -> list[str | None]:
        """Return it as JSON data."""
        return [self.sort, self.prefix.text, self.prefix.chosen, self.prefix.without, self.after]


_SORTS: dict[str, tuple[str, ...]] = {"all": (), "texts": TEXTS, "numbers": NUMBERS}


def beginning(*, searched: bool) -> tuple[Stretch, ...]:
    """Return a whole list; `searched`: it comes from the search index, where IDs that look like numbers sort so."""
    return (Stretch("texts"), Stretch("numbers")) if searched else (Stretch("all"),)


def stretches_of(data: Any) -> tuple[Stretch, ...]:
    """Return what `to_json` made of stretches.

    Raises:
        ValueError: it did not make that.
    """
    if not isinstance(data, list):
        raise ValueError("no stretches")  # noqa: TRY004 - as for every text that is none of ours
    found = []
    for item in data:
        if not isinstance(item, list) or len(item) != _PARTS or item[0] not in _SORTS:
            raise ValueError("no stretch")
        sort, text, chosen, without, after = item
        texts = (text, chosen, without, "" if after is None else after)
        if not all(isinstance(each, str) and len(each) <= _LONGEST and "|" not in each for each in texts):
            raise ValueError("no stretch")
        found.append(Stretch(sort, Prefix(text, chosen, without), after))
    return tuple(found)


async def read_on(listing: Listing, left: Sequence[Stretch]) -> tuple[list[Wire], tuple[Stretch, ...]]:
    """Read the next objects of a list.

    Args:
        listing: the list.
        left: what is left of it.

    Returns:
        A page of objects, empty only where none are left, or none came in many requests; and what is left then.

    Raises:
        ApiError: a page could not be read.
        UnexpectedAnswer: the list does not filter or sort as it is documented to.
    """
    for _ in range(_MOST_REQUESTS):
        if not left:
            break
        stretch, left = left[0], left[1:]
        part = await listing.page_within_cap(stretch.where)
        if part is None or not (part.reaches_end or stretch.sort != "numbers"):
            left = (*_divided(listing, stretch, part), *left)
            continue
        check_moved(listing, part, stretch.after)
        if not part.reaches_end:
            left = (replace(stretch, after=part.last_id), *left)
        if part.items:
            return part.items, tuple(left)
    return [], tuple(left)


def _divided(listing: Listing, stretch: Stretch, part: Part | None) -> list[Stretch]:
    """Return smaller stretches that are the same together, in the order of their first letters."""
    smaller = stretch.prefix.divided(part)
    if not smaller:
        raise listing.broken("entries come that the filter by ID should have kept out")
    return [replace(stretch, prefix=prefix) for prefix in smaller]
