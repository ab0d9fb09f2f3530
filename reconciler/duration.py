"""Durations as manifests and options write them: `30m`, `2h`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta

PATTERN = r"^[1-9][0-9]*(s|m|h|d|w)$"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """Return the duration that a text such as `30m` stands for.

    Raises:
        ValueError: the text is no duration, or one of more than 100 years.
    """
    if not re.match(PATTERN, text) or len(text) > 12:
        raise ValueError("expected a number and a unit, such as 30m, 2h or 7d")
    duration = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    if duration > timedelta(days=36_525):
        raise ValueError("longer than 100 years")
    return duration
