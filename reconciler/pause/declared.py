"""Pauses: what a manifest declares, and whether a sync should stand still at a given moment. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.pause.window import HORIZON, Windows


class DeclaredPause(Struct, frozen=True):
    """A pause as a manifest declares it, already parsed: until a moment, in windows, or both together.

    `until` is timezone-aware, or None. Without it and without windows the pause has no end. `paused` false means:
    should run.
    """

    paused: bool
    until: datetime | None = None
    reason: str | None = None
    owner: str | None = None
    windows: Windows | None = None

    def is_active(self, now: datetime) -> bool:
        """Whether the sync should be paused at `now` (timezone-aware)."""
        return self.holds_without_windows(now) or self.in_window(now)

    def holds_without_windows(self, now: datetime) -> bool:
        """Whether the sync should be paused at `now` whatever the windows say."""
        return self.paused and (self.windows is None if self.until is None else now < self.until)

    def in_window(self, now: datetime) -> bool:
        """Whether a window is open at `now`."""
        return self.paused and self.windows is not None and bool(self.windows.active(now))

    def is_overdue(self, now: datetime) -> bool:
        """Whether `until` has passed, and no window has been open since."""
        return self.until is not None and self.ended(now) == self.until

    def began(self, now: datetime) -> datetime | None:
        """Return since when the windows are open that pause it at `now`; None where none of them does."""
        if self.windows is None or self.holds_without_windows(now) or not self.in_window(now):
            return None
        return min(each.start for each in self.windows.active(now))

    def ended(self, now: datetime) -> datetime | None:
        """Return when the pause ended last, by `until` or by a window; None where it is active or never was."""
        if not self.paused or self.is_active(now):
            return None
        window = None if self.windows is None else self.windows.last_end(now)
        return max(filter(None, [self.until, window]), default=None)

    def reason_at(self, now: datetime) -> str | None:
        """Return why it is paused at `now`: what `until` is for, else the window that lasts longest."""
        if self.windows is None or self.holds_without_windows(now):
            return self.reason
        return next((each.reason for each in self.windows.active(now)), self.reason)

    def active_until(self, now: datetime, horizon: timedelta = HORIZON) -> datetime | None:
        """Return when the pause ends that is active at `now`; None where it has no end or is not active.

        Args:
            now: timezone-aware.
            horizon: how far ahead windows are looked at. A moment beyond it says that the pause lasts longer than
                that, not when it ends.
        """
        if not self.is_active(now) or (self.until is None and self.windows is None):
            return None
        if self.windows is None:
            return self.until
        since = self.until if self.holds_without_windows(now) else None
        return self.windows.open_until(now, since=since, horizon=horizon)

    def remaining(self, now: datetime, horizon: timedelta = HORIZON) -> timedelta | None:
        """How long the pause still lasts, or None where it has no end or is not active; see `active_until`."""
        end = self.active_until(now, horizon)
        return None if end is None else end - now
