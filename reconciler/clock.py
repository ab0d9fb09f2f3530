"""The time of a run, read in one place."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time now, timezone-aware."""
    return datetime.now(UTC)
