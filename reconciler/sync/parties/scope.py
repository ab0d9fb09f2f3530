"""Scope of buyers: those whose users flow, and get price lists of their own. Pure."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase


def in_scope(buyer: str, patterns: Collection[str]) -> bool:
    """Whether a buyer is in the scope.

    Args:
        buyer: its ID.
        patterns: of such IDs, without regard to case; `*` alone stands for any characters. None: all are.
    """
    folded = (pattern.casefold().replace("[", "[[]").replace("?", "[?]") for pattern in patterns)
    return not patterns or any(fnmatchcase(buyer.casefold(), pattern) for pattern in folded)
