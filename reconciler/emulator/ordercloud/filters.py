"""Filter expressions and sort keys, as OrderCloud's lists have them (fact sheet §5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fnmatch import translate
from functools import lru_cache
from typing import Any

JsonObject = dict[str, Any]
Predicate = Callable[[Any], bool]
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def values_at(value: Any, names: Sequence[str]) -> list[Any]:
    """Return all values at a dotted path; lists on the way are searched through, nulls left out."""
    for index, name in enumerate(names):
        if isinstance(value, list):
            return [found for item in value for found in values_at(item, names[index:])]
        if not isinstance(value, dict):
            return []
        value = value[name] if name in value else _ignoring_case(value, name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _ignoring_case(value: JsonObject, name: str) -> Any:
    return next((held for key, held in value.items() if key.lower() == name.lower()), None)


@lru_cache(maxsize=256)
def expression(text: str) -> Callable[[list[Any]], bool]:
    """Compile a filter: `a|b` or, `!a` not, `>a` `<a`, `!<a` at least, `!*` no value, `*` any characters."""
    tests = [_single(part) for part in text.split("|")]
    return lambda values: any(test(values) for test in tests)


def _single(text: str) -> Callable[[list[Any]], bool]:
    if text == "!*":
        return lambda values: not values
    negated = text.startswith("!")
    test = _value_test(text.removeprefix("!"))
    if negated:
        return lambda values: bool(values) and not any(test(value) for value in values)
    return lambda values: any(test(value) for value in values)


def _value_test(text: str) -> Predicate:
    if text[:1] in (">", "<"):
        greater, limit = text[0] == ">", text[1:]
        return lambda value: _compare(value, limit) == (1 if greater else -1)
    if "*" in text:
        # Only * is special here; fnmatch knows ? and [ as well.
        pattern = re.compile(translate(text.replace("[", "[[]").replace("?", "[?]")), re.IGNORECASE)
        return lambda value: pattern.match(text_of(value)) is not None
    wanted = text.lower()
    return lambda value: text_of(value).lower() == wanted or _compare(value, text) == 0


def text_of(value: Any) -> str:
    """Return a value as the text that filters and searches compare."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _compare(value: Any, limit: str) -> int | None:
    """Compare numbers, dates, or else texts whatever their case: -1, 0 or 1; None: cannot be compared."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(limit)
        except ValueError:
            return None
        return (value > number) - (value < number)
    if isinstance(value, str) and _DATE.match(value) and _DATE.match(limit):
        then, bound = date_of(value), date_of(limit)
        if then is not None and bound is not None:
            return (then > bound) - (then < bound)
    left, right = text_of(value).lower(), limit.lower()
    return (left > right) - (left < right)


@lru_cache(maxsize=65_536)
def date_of(text: str) -> datetime | None:
    """Parse a date into an instant, in UTC where it names no zone; None where it is none."""
    try:
        # A plus that was not encoded arrives as a space.
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def sort_key(path: Sequence[str], item: JsonObject) -> tuple[int, float, str]:
    """Return the sort key of an object by the member at `path`: nothing first, then numbers, then text."""
    values = values_at(item, path)
    if not values:
        return (0, 0, "")
    value = values[0]
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (2, 0, str(value).lower())
