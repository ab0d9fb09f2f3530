"""Durations as manifests and options write them (`30m`, `2h`, `7d`) and as people read them; numbers and names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

PATTERN = r"^[1-9][0-9]*(s|m|h|d|w)$"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST = timedelta(days=36_525)
_STEPS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def parse_duration(text: str) -> timedelta:
    """Return the duration that a text such as `30m` stands for.

    Raises:
        ValueError: the text is no duration, or one of more than 100 years.
    """
    if not re.fullmatch(PATTERN, text) or len(text) > 12 or text[-1] not in _UNITS:
        raise ValueError("expected a number and a unit, such as 30m, 2h or 7d")
    seconds = int(text[:-1]) * _UNITS[text[-1]]
    if seconds > _LONGEST.total_seconds():
        raise ValueError("longer than 100 years")
    return timedelta(seconds=seconds)


def spoken(duration: timedelta) -> str:
    """Return a duration for people, in its two largest units: `2 h 5 min`, `45 s`, `3 d`, `under 1 s`."""
    rest = max(round(duration.total_seconds()), 0)
    parts: list[tuple[int, str]] = []
    for unit, seconds in _STEPS:
        number, rest = divmod(rest, seconds)
        parts.append((number, unit))
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    kept = [f"{number} {unit}" for number, unit in parts[first : first + 2] if number]
    return " ".join(kept) or "under 1 s"


def some(names: Sequence[str], shown: int = 5) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def listed(names: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 record`, `2 records`, `12,000 entries`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
