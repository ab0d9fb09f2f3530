"""Spans of a list by ID, which several may read side by side, and which are together the whole list.

Bounds are complements: what is not less than one (`!<b`) and less than the next (`<c`). So each ID is in at least one
span, whatever order the API compares IDs in. IDs that may look like numbers have a span of their own, without bounds:
lists from the search index sort them as numbers, and nobody knows whether filters compare them so.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Sequence

from msgspec import Struct

from reconciler.ordercloud.readers.pages import Listing
from reconciler.ordercloud.readers.walk import NUMBERS, TEXTS, Piece, walk

# An ID that no filter takes for an expression, and in which one letter at least says that it is no number.
_BOUND = re.compile(r"(?=.*[A-DF-Za-df-z_])[A-Za-z0-9_-]{1,100}", re.ASCII)


class Span(Struct, frozen=True):
    """Span of a list by ID.

    Args:
        numbers: whether it is all IDs that may look like numbers; else of the others those between the bounds.
        low: the ID that it begins with; None: it begins with the first.
        high: the ID before which it ends; None: it has no end.
    """

    numbers: bool = False
    low: str | None = None
    high: str | None = None

    @property
    def where(self) -> tuple[str, ...]:
        """ID expressions that name it."""
        if self.numbers:
            return NUMBERS
        low = () if self.low is None else (f"!<{self.low}",)
        high = () if self.high is None else (f"<{self.high}",)
        return (*TEXTS, *low, *high)


def spans(ids: Iterable[str]) -> Sequence[Span]:
    """Return the spans between some IDs, which are together everything; none where no ID can be a bound."""
    # Orders may differ in case: so bounds ascend in most of them. Where they do not, spans overlap, and have no gap.
    bounds = sorted({name for name in ids if _BOUND.fullmatch(name)}, key=lambda name: (name.lower(), name))
    if not bounds:
        return ()
    pairs = zip([None, *bounds], [*bounds, None], strict=True)
    return (*(Span(low=low, high=high) for low, high in pairs), Span(numbers=True))


def walk_span(listing: Listing, span: Span) -> AsyncGenerator[Piece, None]:
    """Read a span of a list from the search index; see `walk.walk`."""
    return walk(listing, where=span.where, ordered=not span.numbers)
