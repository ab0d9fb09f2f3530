"""Pauses: what a manifest declares, and whether a sync should stand still at a given moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class DeclaredPause:
    """A pause as a manifest declares it, already parsed.

    `until` is timezone-aware, or None for a pause without an end. `paused` false means: should run.
    """

    paused: bool
    until: datetime | None = None
    reason: str | None = None
    owner: str | None = None

    def is_active(self, now: datetime) -> bool:
        """Whether the sync should be paused at `now` (timezone-aware)."""
        return self.paused and (self.until is None or now < self.until)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the pause was declared and its end has passed."""
        return self.paused and self.until is not None and now >= self.until

    def remaining(self, now: datetime) -> timedelta | None:
        """How long the pause still lasts, or None where it has no end or is not active."""
        if not self.is_active(now) or self.until is None:
            return None
        return self.until - now
