"""Windows begin when the clock on the wall says so, last as long as they say, and are right where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.pause.declared import DeclaredPause
from reconciler.pause.window import Occurrence, Window, Windows, cron_problem, timezone_exists
from support.examples import examples

LONDON, NEW_YORK, SYDNEY, LORD_HOWE = "Europe/London", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def window(cron: str, duration: str | timedelta = "2h", timezone: str = "UTC", reason: str = "Load") -> Window:
    if isinstance(duration, str):
        number, unit = int(duration[:-1]), {"m": "minutes", "h": "hours", "d": "days"}[duration[-1]]
        duration = timedelta(**{unit: number})
    return Window(cron, duration, timezone, reason)


# Zone, expression, duration, asked from, and where the next two windows begin and end.
NEXT = {
    "London in winter": (LONDON, "0 1 * * *", "2h", "2026-01-05T00:00+00:00", [
        ("2026-01-05T01:00+00:00", "2026-01-05T03:00+00:00"), ("2026-01-06T01:00+00:00", "2026-01-06T03:00+00:00"),
    ]),
    "London, the hour that is left out: right after it, and as long as ever": (
        LONDON, "30 1 * * *", "2h", "2026-03-29T00:00+00:00", [
        ("2026-03-29T02:00+01:00", "2026-03-29T04:00+01:00"), ("2026-03-30T01:30+01:00", "2026-03-30T03:30+01:00"),
    ]),
    "London, the hour that comes twice: once, the first time": (LONDON, "30 1 * * *", "15m", "2026-10-25T00:00+01:00", [
        ("2026-10-25T01:30+01:00", "2026-10-25T01:45+01:00"), ("2026-10-26T01:30+00:00", "2026-10-26T01:45+00:00"),
    ]),
    "London, across the hour that comes twice": (LONDON, "0 0 * * *", "3h", "2026-10-24T23:00+01:00", [
        ("2026-10-25T00:00+01:00", "2026-10-25T02:00+00:00"), ("2026-10-26T00:00+00:00", "2026-10-26T03:00+00:00"),
    ]),
    "London, every hour goes by the time that passes": (LONDON, "0 * * * *", "15m", "2026-10-25T00:30+01:00", [
        ("2026-10-25T01:00+01:00", "2026-10-25T01:15+01:00"), ("2026-10-25T01:00+00:00", "2026-10-25T01:15+00:00"),
    ]),
    "New York, spring": (NEW_YORK, "0 2 * * *", "1h", "2026-03-08T00:00-05:00", [
        ("2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"), ("2026-03-09T02:00-04:00", "2026-03-09T03:00-04:00"),
    ]),
    "New York, autumn": (NEW_YORK, "0 1 * * *", "2h", "2026-11-01T00:30-04:00", [
        ("2026-11-01T01:00-04:00", "2026-11-01T02:00-05:00"), ("2026-11-02T01:00-05:00", "2026-11-02T03:00-05:00"),
    ]),
    "Sydney, spring, which is in October": (SYDNEY, "15 2 * * *", "1h", "2026-10-04T00:00+10:00", [
        ("2026-10-04T03:00+11:00", "2026-10-04T04:00+11:00"), ("2026-10-05T02:15+11:00", "2026-10-05T03:15+11:00"),
    ]),
    "Sydney, autumn, which is in April": (SYDNEY, "30 2 * * *", "1h", "2026-04-05T00:00+11:00", [
        ("2026-04-05T02:30+11:00", "2026-04-05T02:30+10:00"), ("2026-04-06T02:30+10:00", "2026-04-06T03:30+10:00"),
    ]),
    "Lord Howe puts its clocks half an hour forward": (LORD_HOWE, "15 2 * * *", "1h", "2026-10-04T00:00+10:30", [
        ("2026-10-04T02:30+11:00", "2026-10-04T03:30+11:00"), ("2026-10-05T02:15+11:00", "2026-10-05T03:15+11:00"),
    ]),
    "Lord Howe puts its clocks half an hour back": (LORD_HOWE, "45 1 * * *", "1h", "2026-04-05T00:00+11:00", [
        ("2026-04-05T01:45+11:00", "2026-04-05T02:15+10:30"), ("2026-04-06T01:45+10:30", "2026-04-06T02:45+10:30"),
    ]),
    "Lord Howe, every other hour": (LORD_HOWE, "0 */2 * * *", "15m", "2026-04-05T00:30+11:00", [
        ("2026-04-05T02:00+10:30", "2026-04-05T02:15+10:30"), ("2026-04-05T04:00+10:30", "2026-04-05T04:15+10:30"),
    ]),
    "leap days": (LONDON, "0 6 29 2 *", "1d", "2026-01-01T00:00+00:00", [
        ("2028-02-29T06:00+00:00", "2028-03-01T06:00+00:00"), ("2032-02-29T06:00+00:00", "2032-03-01T06:00+00:00"),
    ]),
    "the last day of the month, across midnight and the year": (LONDON, "0 23 L * *", "2h", "2026-12-30T00:00+00:00", [
        ("2026-12-31T23:00+00:00", "2027-01-01T01:00+00:00"), ("2027-01-31T23:00+00:00", "2027-02-01T01:00+00:00"),
    ]),
    "weekdays": (LONDON, "0 1 * * 1-5", "2h", "2026-07-03T12:00+01:00", [  # a Friday
        ("2026-07-06T01:00+01:00", "2026-07-06T03:00+01:00"), ("2026-07-07T01:00+01:00", "2026-07-07T03:00+01:00"),
    ]),
    "what begins at the very moment is no next one": (LONDON, "0 1 * * *", "2h", "2026-01-05T01:00+00:00", [
        ("2026-01-06T01:00+00:00", "2026-01-06T03:00+00:00"), ("2026-01-07T01:00+00:00", "2026-01-07T03:00+00:00"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("case", NEXT)
def test_the_next_windows(case: str) -> None:
    timezone, cron, duration, asked, expected = NEXT[case]
    found = Windows((window(cron, duration, timezone),)).next(moment(asked), 2)
    assert [(each.start, each.end) for each in found] == [(moment(start), moment(end)) for start, end in expected]


@pytest.mark.parametrize("case", NEXT)
def test_a_window_is_open_from_its_first_moment_up_to_its_end(case: str) -> None:
    timezone, cron, duration, asked, _ = NEXT[case]
    windows = Windows((window(cron, duration, timezone),))
    first, _ = windows.next(moment(asked), 2)
    second = timedelta(seconds=1)
    assert windows.active(first.start) == windows.active(first.end - second) == (first,)
    assert not windows.active(first.start - second)
    assert not windows.active(first.end)
    assert windows.last_end(first.end) == first.end
    assert windows.open_until(first.start) == first.end


def test_windows_that_overlap_or_touch_are_one_pause() -> None:
    night = window("0 1 * * *", "2h", reason="Import")
    late = window("30 2 * * *", "1h", reason="Prices")
    touching = window("30 3 * * *", "30m", reason="Stock")
    windows = Windows((night, late, touching))
    at = moment("2026-06-01T02:45+00:00")
    assert [each.reason for each in windows.active(at)] == ["Prices", "Import"]
    assert windows.open_until(at) == windows.open_until(moment("2026-06-01T01:00+00:00"))
    assert windows.open_until(at) == moment("2026-06-01T04:00+00:00")
    assert windows.last_end(moment("2026-06-01T09:00+00:00")) == moment("2026-06-01T04:00+00:00")
    assert [each.reason for each in windows.next(at, 3)] == ["Stock", "Import", "Prices"]


def test_the_longest_pause_of_joined_windows_is_found() -> None:
    daily = Windows((window("0 0 * * *", "1d"),))
    now = moment("2026-06-01T12:00+00:00")
    assert daily.open_until(now, horizon=timedelta(days=7)) > now + timedelta(days=7)
    found = daily.longest(now, timedelta(days=7))
    assert found is not None
    assert found.start == moment("2026-06-02T00:00+00:00")
    almost = Windows((window("0 0 * * *", timedelta(hours=23, minutes=59)),))
    assert almost.longest(now, timedelta(days=7)) is None
    assert almost.open_until(now) == moment("2026-06-01T23:59+00:00")


UNTIL = moment("2026-06-01T02:00+00:00")
WINDOWS = Windows((window("0 1 * * *", "2h", reason="Import"),))


@pytest.mark.parametrize(
    ("until", "at", "active_until", "reason", "ended", "overdue"),
    [
        (UNTIL, "2026-06-01T00:30", "2026-06-01T03:00", "Season", None, False),  # both, one after the other
        (UNTIL, "2026-06-01T02:30", "2026-06-01T03:00", "Import", None, False),
        (UNTIL, "2026-06-01T03:00", None, None, "2026-06-01T03:00", False),
        (moment("2026-06-01T12:00+00:00"), "2026-06-01T01:30", "2026-06-01T12:00", "Season", None, False),
        (moment("2026-06-01T12:00+00:00"), "2026-06-01T13:00", None, None, "2026-06-01T12:00", True),
        (None, "2026-06-01T01:30", "2026-06-01T03:00", "Import", None, False),
        (None, "2026-06-01T13:00", None, None, "2026-06-01T03:00", False),
    ],
)
def test_until_and_windows_are_their_union(
    until: datetime | None, at: str, active_until: str | None, reason: str | None, ended: str | None, overdue: bool
) -> None:
    pause = DeclaredPause(True, until, "Season", "pricing", WINDOWS)
    now = moment(f"{at}+00:00")
    assert pause.began(now) == (moment("2026-06-01T01:00+00:00") if reason == "Import" else None)
    assert pause.is_active(now) == (active_until is not None)
    assert pause.active_until(now) == (None if active_until is None else moment(f"{active_until}+00:00"))
    if reason is not None:
        assert pause.reason_at(now) == reason
    assert pause.ended(now) == (None if ended is None else moment(f"{ended}+00:00"))
    assert pause.is_overdue(now) is overdue


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 1 * * 1-5", None),
        ("0 0 * FEB MON#5", None),
        ("* * * *", "has not five fields"),
        ("0 0 1 * * *", "has not five fields"),
        ("@daily", "has not five fields"),
        ("61 * * * *", "is no cron expression: the field is wrong that names the minute"),
        ("0 0 31 2 *", "is no cron expression: the field is wrong that names the day-of-month"),
        ("0 0 30 2 *", "is no cron expression: the field is wrong that names the day-of-month"),
    ],
)
def test_what_is_wrong_with_an_expression(expression: str, words: str | None) -> None:
    assert cron_problem(expression) == words


@pytest.mark.parametrize("name", ["", "Europe/Londn", "../etc/passwd", "/etc/localtime", "Europe", "a\0b"])
def test_what_is_no_time_zone(name: str) -> None:
    assert not timezone_exists(name)


# A naive model: a clock on the wall is looked at every minute, and what it shows is compared with the expression.
ZONES = {
    LONDON: ["2026-03-28T12:00+00:00", "2026-10-24T12:00+00:00"],
    NEW_YORK: ["2026-03-07T12:00+00:00", "2026-10-31T12:00+00:00"],
    SYDNEY: ["2026-04-04T06:00+00:00", "2026-10-03T06:00+00:00"],
    LORD_HOWE: ["2026-04-04T06:00+00:00", "2026-10-03T06:00+00:00"],
    "UTC": ["2026-02-28T00:00+00:00", "2028-02-28T00:00+00:00"],
}
HOURS = 30


def field(values: set[int] | None) -> str:
    return "*" if values is None else ",".join(map(str, sorted(values)))


def naive_starts(minutes: set[int] | None, hours: set[int] | None, zone: ZoneInfo, begin: datetime) -> list[datetime]:
    """Watch a clock on the wall: each minute that passes, and each minute that it leaves out."""
    found: list[datetime] = []
    passing = minutes is None or hours is None
    shown: set[datetime] = set()
    previous = begin.astimezone(zone).replace(tzinfo=None) - timedelta(minutes=1)
    for number in range(HOURS * 60):
        now = begin + timedelta(minutes=number)
        wall = now.astimezone(zone).replace(tzinfo=None)
        due = [wall] if passing or wall not in shown else []
        skipped = previous + timedelta(minutes=1)
        while not passing and skipped < wall:
            due.append(skipped)
            skipped += timedelta(minutes=1)
        shown.update(due)
        if any((minutes is None or at.minute in minutes) and (hours is None or at.hour in hours) for at in due):
            found.append(now)
        previous = max(previous, wall) if not passing else wall
    return found


@settings(max_examples=examples(12), deadline=None)
@given(
    minutes=st.none() | st.sets(st.sampled_from([0, 1, 15, 29, 30, 45, 59]), min_size=1, max_size=3),
    hours=st.none() | st.sets(st.sampled_from([0, 1, 2, 3, 12, 23]), min_size=1, max_size=4),
    place=st.sampled_from([(zone, begin) for zone, begins in ZONES.items() for begin in begins]),
    duration=st.integers(1, 400).map(lambda minutes: timedelta(minutes=minutes)),
    probe=st.integers(0, (HOURS - 6) * 60),
)
def test_windows_are_as_somebody_sees_them_who_looks_at_the_clock_every_minute(
    minutes: set[int] | None, hours: set[int] | None, place: tuple[str, str], duration: timedelta, probe: int
) -> None:
    name, begin = place[0], moment(place[1])
    end = begin + timedelta(hours=HOURS)
    starts = naive_starts(minutes, hours, ZoneInfo(name), begin)
    seen = window(f"{field(minutes)} {field(hours)} * * *", duration, name)
    found = [each.start for each in islice(seen.occurrences(begin - timedelta(seconds=1)), len(starts) + 1)]
    assert [start for start in found if start < end] == starts
    at = begin + timedelta(minutes=probe)
    begun = [start for start in starts if start <= at]
    if begun:
        newest = seen.last(at)
        assert newest == Occurrence(begun[-1], begun[-1] + duration, "Load")
        assert bool(Windows((seen,)).active(at)) == (at < begun[-1] + duration)
        assert Windows((seen,)).active(at) == ((newest,) if newest is not None and newest.is_at(at) else ())
    until = Windows((seen,)).open_until(at)
    if begun and until < end:
        covered = at
        for start in starts:
            if start <= covered < start + duration:
                covered = start + duration
        assert until == covered
