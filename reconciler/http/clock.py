"""The clock as an input, so that waiting can be tested without waiting."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from msgspec import Struct


class Clock(Struct, frozen=True):
    """Time as the HTTP room sees it.

    Args:
        monotonic: seconds that never go back; for rates and durations.
        wall: seconds since the epoch; for token expiry and HTTP dates.
        sleep: waits that many seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


# An answer whose time is further off than this from that of the others is not believed.
_TOLERANCE = 300.0
# One further off than this from our own clock is no time at all.
_ABSURD = 10 * 365 * 86_400.0
_KEPT = 501


class Agreement:
    """Estimates one number from many measurements, by what most of them say. Holds the last 501 of them.

    A measurement that is more than five minutes off the median of all counts for nothing.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._ordered: list[float] = []

    def add(self, value: float) -> None:
        """Add a measurement."""
        if len(self._recent) == _KEPT:
            del self._ordered[bisect_left(self._ordered, self._recent.popleft())]
        self._recent.append(value)
        insort(self._ordered, value)

    def estimate(self, own: float) -> float | None:
        """Return the median of the measurements that agree; None where none of them does.

        Args:
            own: what we believe ourselves. It has one voice in what the median is, so that the first measurement alone
                convinces nobody. Of an even number the lower one is taken: a time that is too early costs a second
                look, one that is too late costs what happened in between.
        """
        middle = self._low_median(own)
        first = bisect_left(self._ordered, middle - _TOLERANCE)
        last = bisect_right(self._ordered, middle + _TOLERANCE) - 1
        return self._ordered[(first + last) // 2] if first <= last else None

    def _low_median(self, own: float) -> float:
        # The place of the median among all voices, and our own voice's place among them.
        middle, place = len(self._ordered) // 2, bisect_left(self._ordered, own)
        if middle == place:
            return own
        return self._ordered[middle if middle < place else middle - 1]


class ApiClock:
    """Tells what an API's clock shows, by the Date of its answers; it is measured against time that never goes back.

    Args:
        clock: our own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._dates = Agreement()

    def observe(self, date: float) -> None:
        """Take the date of an answer that came just now, in seconds since the epoch."""
        if abs(date - self._clock.wall()) <= _ABSURD:
            self._dates.add(date - self._clock.monotonic())

    @property
    def offset(self) -> timedelta | None:
        """Offset of the API's clock from ours; None where no answer said so, or none can be believed."""
        ours = self._clock.wall()
        theirs = self._seconds(self._clock.monotonic())
        return None if theirs is None else timedelta(seconds=theirs - ours)

    def at(self, moment: float) -> datetime | None:
        """Return the API's time at a moment of our monotonic clock; None where that is not known."""
        seconds = self._seconds(moment)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def _seconds(self, moment: float) -> float | None:
        beginning = self._dates.estimate(self._clock.wall() - self._clock.monotonic())
        return None if beginning is None else beginning + moment
