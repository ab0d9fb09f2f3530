"""A run bears with an API: it repeats, tells one bad record from an outage, and gives up in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from reconciler.errors import Rejected, ServerFault
from reconciler.sync.run.breaker import Breaker, Outage


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.seconds += seconds

    monkeypatch.setattr("reconciler.sync.run.breaker.asyncio.sleep", sleep)
    return clock


def fails(times: int, then: str = "done") -> Callable[[], Awaitable[str]]:
    left = [times]

    async def work() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise ServerFault("HTTP 503")
        return then

    return work


def test_what_failed_for_reasons_of_the_api_is_tried_again(clock: Clock) -> None:
    assert asyncio.run(Breaker(900, clock=clock).repeat(fails(8))) == "done"


def test_it_waits_longer_each_time_and_never_longer_than_half_a_minute(clock: Clock) -> None:
    asyncio.run(Breaker(9000, clock=clock).repeat(fails(1)))
    first = clock.seconds
    asyncio.run(Breaker(9000, clock=clock).repeat(fails(12)))
    assert first <= 0.5
    assert 20 < clock.seconds < 12 * 30


def test_an_api_that_stays_away_ends_it(clock: Clock) -> None:
    with pytest.raises(Outage) as ended:
        asyncio.run(Breaker(60, clock=clock, provider="sparklayer").repeat(fails(10**6)))
    assert (ended.value.error.message, ended.value.provider) == ("HTTP 503", "sparklayer")
    assert 60 < clock.seconds < 120


def test_much_work_at_once_ends_as_soon_as_one(clock: Clock) -> None:
    async def run() -> list[str | BaseException]:
        breaker = Breaker(60, clock=clock)
        return await asyncio.gather(*(breaker.repeat(fails(10**6)) for _ in range(30)), return_exceptions=True)

    assert {type(ended) for ended in asyncio.run(run())} == {Outage}
    assert 60 < clock.seconds < 120


def test_what_fails_while_other_work_goes_through_is_its_own_fault(clock: Clock) -> None:
    breaker = Breaker(900, clock=clock)
    bad = fails(10**6)

    async def work() -> str:
        await breaker.repeat(fails(0))
        clock.seconds += 0.1
        return await bad()

    with pytest.raises(ServerFault):
        asyncio.run(breaker.repeat(work))
    assert clock.seconds < 65


def test_one_record_that_fails_for_ever_is_told_from_an_outage_by_a_probe(clock: Clock) -> None:
    probes = []

    async def probe() -> None:
        probes.append(clock.seconds)

    with pytest.raises(ServerFault):
        asyncio.run(Breaker(900, probe, clock).repeat(fails(10**6)))
    assert len(probes) == 1
    assert clock.seconds < 120


@pytest.mark.parametrize("tries", [2, 3, 7])
def test_an_api_that_comes_back_between_a_try_and_the_probe_blames_nobody(clock: Clock, tries: int) -> None:
    """What ended runs at the end of an outage: the probe was the first to get through, and the work was blamed."""
    for back_after in range(1, 20):
        tried = [0]

        async def work() -> str:
            tried[0] += 1  # noqa: B023
            if tried[0] <= back_after:  # noqa: B023
                raise ServerFault("HTTP 503")
            return "done"

        async def probe() -> None:
            if tried[0] < back_after:  # noqa: B023
                raise ServerFault("HTTP 503")

        assert asyncio.run(Breaker(9000, probe, clock).repeat(work, tries=tries)) == "done"


@pytest.mark.parametrize("tries", [2, 3, 7])
def test_what_fails_by_itself_is_tried_so_often_and_no_more(clock: Clock, tries: int) -> None:
    tried = []

    async def work() -> None:
        tried.append(1)
        raise ServerFault("HTTP 500")

    async def probe() -> None:
        pass

    with pytest.raises(ServerFault):
        asyncio.run(Breaker(9000, probe, clock).repeat(work, tries=tries))
    assert len(tried) == tries


def test_a_probe_that_fails_too_makes_it_an_outage(clock: Clock) -> None:
    async def probe() -> None:
        raise ServerFault("HTTP 503")

    with pytest.raises(Outage):
        asyncio.run(Breaker(60, probe, clock).repeat(fails(10**6)))


def test_while_the_api_is_away_one_request_at_a_time_asks_whether_it_is_back(clock: Clock) -> None:
    under_way, most, tries = [0], [0], [0]

    async def work() -> None:
        under_way[0] += 1
        tries[0] += 1
        most[0] = max(most[0], under_way[0] if tries[0] > 40 else 0)
        clock.seconds += 0.01
        under_way[0] -= 1
        if tries[0] < 60:
            raise ServerFault("HTTP 503")

    async def run() -> None:
        breaker = Breaker(9000, clock=clock)
        await asyncio.gather(*(breaker.repeat(work) for _ in range(20)))

    asyncio.run(run())
    assert most[0] == 1
    assert tries[0] < 100


def test_what_the_api_refuses_is_not_tried_again(clock: Clock) -> None:
    tries = []

    async def work() -> None:
        tries.append(1)
        raise Rejected("no")

    with pytest.raises(Rejected):
        asyncio.run(Breaker(900, clock=clock).repeat(work))
    assert len(tries) == 1
