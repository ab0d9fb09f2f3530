"""The emulator's clock: real time, shifted or frozen."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from reconciler.errors import UsageError

# Token lifetimes, sales and lags are added to it, so both ends leave room.
_EARLIEST, _LATEST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1970, 9000))


class ClockSetting(BaseModel):
    """Body of `PUT /_emulator/clock`; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime | None = None
    advance: float = 0
    frozen: bool | None = None


class Clock:
    """Clock that tokens expire by and that the marketplace stamps on its records."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Reset to real time."""
        self._offset = 0.0
        self._frozen_at: float | None = None
        self._date = (-1, b"")

    def timestamp(self) -> float:
        """Return the time by this clock, in seconds since the epoch."""
        return time.time() + self._offset if self._frozen_at is None else self._frozen_at

    def now(self) -> datetime:
        """Return the time by this clock, in UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def http_date(self) -> bytes:
        """Return the time by this clock in the form of a Date header."""
        second = int(self.timestamp())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]

    def set(self, setting: ClockSetting) -> None:
        """Set, advance, freeze or unfreeze the clock, in this order.

        Raises:
            UsageError: that time is out of range; the clock is then as it was.
        """
        target = (self.timestamp() if setting.now is None else setting.now.timestamp()) + setting.advance
        if not _EARLIEST <= target < _LATEST:
            raise UsageError(
                "the clock cannot show that time",
                next_step="Name one of the years 1970 to 8999; advance is in seconds.",
            )
        frozen = self._frozen_at is not None if setting.frozen is None else setting.frozen
        self._offset = target - time.time()
        self._frozen_at = target if frozen else None

    def dump(self) -> dict[str, Any]:
        """Return the clock as JSON: `now` and `frozen`, and the `offset` to real time in seconds."""
        return {"now": self.now().isoformat(), "frozen": self._frozen_at is not None, "offset": self._offset}

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump` returned; a running clock keeps its offset, a frozen one its time.

        Raises:
            ValueError: that time is out of range.
        """
        offset = float(dumped["offset"])
        frozen_at = datetime.fromisoformat(dumped["now"]).timestamp() if dumped["frozen"] else None
        if not _EARLIEST <= (time.time() + offset if frozen_at is None else frozen_at) < _LATEST:
            raise ValueError("out of range")
        self._offset, self._frozen_at = offset, frozen_at
