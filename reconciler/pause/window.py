"""Windows: times at which a sync is paused again and again, right where clocks change. Pure.

A window begins when its cron expression names the time on the wall of its zone, and lasts for its duration as a
stopwatch measures it. Where clocks go back, a time that comes twice begins it once, the first time; where they go
forward, a time that is left out begins it right after. An expression that names every minute or every hour (a star,
`*/n`) goes by the time that passes instead, as Debian's cron has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby, islice
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
# How far ahead the end of what is paused is looked for, and how many beginnings are looked at on the way.
HORIZON = timedelta(days=31)
_MOST = 50_000


class Occurrence(Struct, frozen=True, order=True):
    """One time that a window is open: from `start` up to `end`, both in UTC, `end` no part of it."""

    start: datetime
    end: datetime
    reason: str

    def is_at(self, moment: datetime) -> bool:
        """Whether the window is open at a moment."""
        return self.start <= moment < self.end


class Window(Struct, frozen=True):
    """One window as a manifest declares it, checked: five fields of cron, a duration, an IANA time zone, a reason."""

    cron: str
    duration: timedelta
    timezone: str
    reason: str

    def occurrences(self, after: datetime) -> Iterator[Occurrence]:
        """Yield every occurrence that begins after a moment, in order."""
        from cronsim import CronSim

        walls = CronSim(self.cron, self._wall(after) - _DAY)
        return (self._at(start) for start in self._instants(walls) if start > after)

    def last(self, moment: datetime) -> Occurrence | None:
        """Return the newest occurrence that has begun at a moment, over or not; None where there never was one."""
        from cronsim import CronSim

        walls = CronSim(self.cron, self._wall(moment) + _DAY, reverse=True)
        start = next((start for start in self._instants(walls, reverse=True) if start <= moment), None)
        return None if start is None else self._at(start)

    def _at(self, start: datetime) -> Occurrence:
        return Occurrence(start, start + self.duration, self.reason)

    def _wall(self, moment: datetime) -> datetime:
        """Return what the clock on the wall shows, without its zone."""
        return moment.astimezone(_zone(self.timezone)).replace(tzinfo=None)

    def _instants(self, walls: Iterator[datetime], *, reverse: bool = False) -> Iterator[datetime]:
        """Turn times on the wall into moments, day by day: within one day they may change their order."""
        minute, hour, *_ = self.cron.split()
        passing = minute.startswith("*") or hour.startswith("*")
        zone, last = _zone(self.timezone), None
        for _, day in groupby(walls, key=datetime.date):
            found = {moment for wall in day for moment in _moments(wall, zone, passing=passing)}
            for moment in sorted(found, reverse=reverse):
                if moment != last:
                    yield moment
                last = moment


class Windows(Struct, frozen=True):
    """All windows of one pause: the sync is paused while any of them is open."""

    windows: tuple[Window, ...]

    def active(self, now: datetime) -> tuple[Occurrence, ...]:
        """Return what is open at a moment, that which lasts longest first."""
        begun = filter(None, (window.last(now) for window in self.windows))
        return tuple(sorted((each for each in begun if each.is_at(now)), key=lambda each: each.end, reverse=True))

    def next(self, after: datetime, count: int) -> tuple[Occurrence, ...]:
        """Return the next occurrences that begin after a moment, in order; fewer where no more come."""
        return tuple(islice(self._all(after), count))

    def open_until(self, now: datetime, *, since: datetime | None = None, horizon: timedelta = HORIZON) -> datetime:
        """Return when a pause ends that these windows carry on, one after the other without a gap.

        Args:
            now: the moment from which on it is asked for; that itself where no window is open.
            since: up to when something else pauses it.
            horizon: how far to look. A moment further ahead says that it lasts beyond, not when it ends.
        """
        end = max([now, *filter(None, [since]), *(each.end for each in self.active(now))])
        for each in islice(self._all(now), _MOST):
            if each.start > end or end > now + horizon:
                break
            end = max(end, each.end)
        return end

    def last_end(self, now: datetime) -> datetime | None:
        """Return when the newest occurrence ended that is over at a moment; None where none is."""
        ends = (window.last(now - window.duration) for window in self.windows)
        return max((each.end for each in ends if each is not None), default=None)

    def longest(self, after: datetime, limit: timedelta) -> Occurrence | None:
        """Return the first pause of the year to come in which windows join to more than a limit, or None.

        Its `end` may be before the last of them is over: it is where the limit is passed.
        """
        joined: Occurrence | None = None
        for each in islice(self._all(after), _MOST // 10):
            if each.start > after + timedelta(days=366):
                break
            if joined is None or each.start > joined.end:
                joined = each
            else:
                joined = Occurrence(joined.start, max(joined.end, each.end), joined.reason)
            if joined.end - joined.start > limit:
                return joined
        return None

    def _all(self, after: datetime) -> Iterator[Occurrence]:
        return merge(*(window.occurrences(after) for window in self.windows))


def cron_problem(expression: str) -> str | None:
    """Return what is wrong with a cron expression, in words that follow its name; None where it is right."""
    from cronsim import CronSim, CronSimError

    if len(expression.split()) != 5:
        return "has not five fields"
    try:
        times = CronSim(expression, datetime(2000, 1, 1))  # noqa: DTZ001 - a time on a wall
    except CronSimError as error:
        return f"is no cron expression: {str(error).replace('Bad', 'the field is wrong that names the')}"
    return None if next(times, None) is not None else "names a day that never comes"


def timezone_exists(name: str) -> bool:
    """Whether there is a time zone of this name: in the system, else in the package tzdata."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def timezones() -> list[str]:
    """Return the names of all time zones."""
    from zoneinfo import available_timezones

    return sorted(available_timezones())


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _moments(wall: datetime, zone: ZoneInfo, *, passing: bool) -> list[datetime]:
    """Return the moments, in UTC, at which a clock on the wall shows a time.

    Args:
        wall: the time, without a zone.
        zone: where the wall is.
        passing: whether each time counts that it is shown, and none where it is left out; else it is one moment.
    """
    twice = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    real = [moment for moment in twice if moment.astimezone(zone).replace(tzinfo=None) == wall]
    if passing or real:
        return real if passing else real[:1]
    after = wall
    while (moment := after.replace(tzinfo=zone).astimezone(UTC)).astimezone(zone).replace(tzinfo=None) != after:
        after += _MINUTE
    return [moment]
