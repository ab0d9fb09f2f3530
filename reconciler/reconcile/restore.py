"""When OrderCloud last overwrote staging from production (documented: every Sunday 03:00 UTC). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WINDOW = re.compile(r"^(?P<day>[A-Za-z]+) (?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])$")


def last_restore(window: str, now: datetime) -> datetime:
    """Return the latest moment of a weekly window such as `Sunday 03:00` (UTC) that is not after `now`.

    Raises:
        ValueError: the window is not a weekday and a time.
    """
    match = _WINDOW.match(window)
    if match is None or match["day"].lower() not in _DAYS:
        raise ValueError("expected a weekday and a time (UTC), such as Sunday 03:00")
    now = now.astimezone(UTC)
    moment = now.replace(hour=int(match["hour"]), minute=int(match["minute"]), second=0, microsecond=0)
    moment -= timedelta(days=(now.weekday() - _DAYS.index(match["day"].lower())) % 7)
    return moment if moment <= now else moment - timedelta(days=7)
