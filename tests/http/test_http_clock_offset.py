"""A client knows how far the API's clock is from ours."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from statistics import median_low

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import NotFound
from reconciler.http.clock import Agreement, ApiClock, Clock
from support.http_client_helpers import client
from support.scripted_server import FakeClock, ScriptedServer, answer

pytestmark = pytest.mark.usefixtures("engine")


def dated(clock: FakeClock, seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(clock.now + seconds, UTC), usegmt=True)


def test_the_offset_is_what_most_answers_say() -> None:
    clock = FakeClock()
    seen: list[timedelta | None] = []

    async def call() -> None:
        dates = [dated(clock, 90), dated(clock, 7), dated(clock, 12)]
        script = [answer(200, {}, date=dates[0]), answer(404, {"code": "x"}, date=dates[1]), answer(204, date=dates[2])]
        async with ScriptedServer(script=script) as server, client(server, clock=clock) as api:
            seen.append(api.clock_offset)
            await api.get("a")
            seen.append(api.clock_offset)
            with pytest.raises(NotFound):
                await api.get("a")
            seen.append(api.read_only().clock_offset)
            await api.put("a", {})
            seen.append(api.clock_offset)

    asyncio.run(call())
    assert seen[0] is None
    offsets = [each.total_seconds() for each in seen[1:] if each is not None]
    assert offsets == pytest.approx([90, 7, 12], abs=1)


def test_an_answer_without_a_date_changes_nothing() -> None:
    clock = FakeClock()

    async def call() -> None:
        script = [answer(200, {}), answer(200, {}, date=dated(clock, 40)), answer(200, {})]
        async with ScriptedServer(script=script) as server, client(server, clock=clock) as api:
            await api.get("a")
            assert api.clock_offset is None
            await api.get("a")
            await api.get("a")
            assert api.clock_offset is not None

    asyncio.run(call())


@pytest.mark.parametrize("date", ["soon", "", "Mon, 99 Jan 1970 13:46:50 GMT"])
def test_a_date_that_is_none_counts_as_not_known(date: str) -> None:
    async def call() -> None:
        async with ScriptedServer(otherwise=answer(200, {}, date=date)) as server, client(server) as api:
            await api.get("a")
            assert api.clock_offset is None

    asyncio.run(call())


def test_the_date_of_a_login_does_not_count() -> None:
    async def call() -> None:
        token = answer(200, {"access_token": "t", "expires_in": 600}, date="Mon, 12 Jan 1970 13:46:50 GMT")
        async with ScriptedServer(token_script=[token]) as server, client(server) as api:
            await api.get("a")
            assert api.clock_offset is None

    asyncio.run(call())


DAY = 86_400.0


def measured(*dates: float, jumps: float = 0.0) -> tuple[ApiClock, FakeClock, FakeClock]:
    """A clock that has seen answers with these dates, each a second after the other; ours jumps after the first."""
    wall, monotonic = FakeClock(1_800_000_000.0), FakeClock(5_000.0)
    seen = ApiClock(Clock(monotonic.read, wall.read))
    for number, offset in enumerate(dates):
        seen.observe(1_800_000_000.0 + number + offset)
        wall.now += 1 + (jumps if number == 0 else 0)
        monotonic.now += 1
    return seen, wall, monotonic


def seconds(clock: ApiClock) -> float | None:
    return None if clock.offset is None else clock.offset.total_seconds()


@pytest.mark.parametrize("wrong", [DAY, -DAY, 301, 400 * DAY])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_date_that_is_far_off_the_others_is_ignored(wrong: float, place: int) -> None:
    dates = [2.0] * 6
    dates.insert(place, wrong)
    assert seconds(measured(*dates)[0]) == pytest.approx(2)


def test_dates_within_five_minutes_count() -> None:
    assert seconds(measured(-100, 0, 299, 299, 299)[0]) == pytest.approx(299)


def test_the_first_date_alone_convinces_nobody_who_is_far_off_it() -> None:
    assert seconds(measured(DAY)[0]) is None
    assert seconds(measured(200)[0]) == pytest.approx(200)
    assert seconds(measured(DAY, DAY)[0]) == pytest.approx(DAY)


@pytest.mark.parametrize("absurd", [253_402_300_799.0, -62_135_596_800.0, 40 * 365 * DAY])
def test_a_date_of_another_age_is_none(absurd: float) -> None:
    clock = measured()[0]
    for _ in range(9):
        clock.observe(absurd)
    assert clock.offset is None
    assert clock.at(5_000.0) is None


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_our_own_clock_may_be_set_meanwhile(jump: float) -> None:
    """The API's time is measured against time that never goes back."""
    clock, wall, monotonic = measured(*[30.0] * 9, jumps=jump)
    start = clock.at(5_000.0)
    assert start is not None
    assert start.timestamp() == pytest.approx(1_800_000_030)
    assert clock.offset is not None
    now = clock.at(monotonic.now)
    assert now is not None
    assert now.timestamp() == pytest.approx(wall.now + clock.offset.total_seconds())


@given(st.lists(st.floats(-1e9, 1e9), max_size=1_200), st.floats(-1e9, 1e9))
@settings(max_examples=50)
def test_agreement_is_the_naive_median_of_what_is_near_the_median_of_all(values: list[float], own: float) -> None:
    agreement = Agreement()
    for value in values:
        agreement.add(value)
    kept = values[-501:]
    middle = median_low([*kept, own])
    near = [value for value in kept if abs(value - middle) <= 300]
    assert agreement.estimate(own) == (median_low(near) if near else None)


def test_a_client_ignores_one_wrong_date_and_tells_the_time_of_the_api_at_any_moment() -> None:
    clock = FakeClock()

    async def call() -> None:
        offsets = [5, DAY, 5, 5]
        script = [answer(200, {}, date=dated(clock, offset)) for offset in offsets]
        async with ScriptedServer(script=script) as server, client(server, clock=clock) as api:
            for _ in offsets:
                await api.get("a")
            assert api.clock_offset is not None
            assert api.clock_offset.total_seconds() == pytest.approx(5, abs=1)
            began = api.api_time(1_000_000.0)
            assert began is not None
            assert began.timestamp() == pytest.approx(1_000_005, abs=1)

    asyncio.run(call())


def test_what_was_measured_long_ago_has_no_voice_any_more() -> None:
    agreement = Agreement()
    for moment in [0.0] * 600 + [1_000.0] * 501:
        agreement.add(moment)
    assert agreement.estimate(1_000.0) == 1_000.0
    assert agreement.estimate(0.0) == 1_000.0
