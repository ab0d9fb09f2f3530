"""Requests in manifests, and when they are over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def soon(**ahead: float) -> str:
    """Return a moment from now, five hours where nothing else is said, as manifests write it."""
    return (datetime.now(UTC) + timedelta(**(ahead or {"hours": 5}))).isoformat(timespec="seconds")
