"""Members of a decoded JSON document from outside, asked for by their path: of the type that is meant, or None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from reconciler.errors import UnexpectedAnswer

Member = TypeVar("Member")

# A whole number beyond that is no ID, and no API takes it.
_MOST = 2**63


def at(body: Any, *path: str) -> Any:
    """Return what stands at a path of member names; None where there is nothing."""
    for name in path:
        if not isinstance(body, Mapping):
            return None
        body = body.get(name)
    return body


def text(body: Any, *path: str) -> str | None:
    """Return the text at a path; None for anything else, the empty text included."""
    found = at(body, *path)
    return found if isinstance(found, str) and found else None


def number(body: Any, *path: str) -> int | None:
    """Return the whole number at a path, from 0; None for anything else."""
    found = at(body, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _MOST else None


def items(body: Any, *path: str) -> list[Any]:
    """Return the list at a path; an empty one for anything else."""
    found = at(body, *path)
    return found if isinstance(found, list) else []


def needed(found: Member | None, what: str) -> Member:
    """Return a member that has to be there.

    Raises:
        UnexpectedAnswer: it is not.
    """
    if found is None:
        raise UnexpectedAnswer(
            f"the forge's answer has no {what}",
            next_step="Check the URL of the forge's API, and that no proxy or gateway answers in its place.",
        )
    return found
