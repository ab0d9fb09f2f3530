"""Types of what a mapping's expressions give for customers. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from reconciler.sync.customers.limits import MOST_PERCENT
from reconciler.sync.mapping.values import Misfit, number, text


def flag(value: Any) -> bool | None:
    """Return a truth value, or None for null; raises Misfit."""
    if value is None or isinstance(value, bool):
        return value
    raise Misfit(value)


def texts(value: Any) -> list[str] | None:
    """Return a list of texts, each once, or None for null; one text is a list of it. Raises Misfit."""
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    found = [text(item) for item in listed]
    return list(dict.fromkeys(item for item in found if item is not None))


def percentage(value: Any) -> Decimal | None:
    """Return percent points from 0 to 100, or None for null; raises Misfit."""
    found = number(value)
    if found is not None and not 0 <= found <= MOST_PERCENT:
        raise Misfit(value)
    return found


def account(value: Any) -> dict[str, Any] | None:
    """Return an object as it is, or None for null; raises Misfit."""
    if value is None or isinstance(value, dict):
        return value
    raise Misfit(value)
