from __future__ import annotations

import asyncio

import pytest

from reconciler.http.clock import Clock
from reconciler.http.limit import OnHold, Precedence, RateLimit, Turn
from support.http_client_helpers import client, real_clock
from support.scripted_server import FakeClock, ScriptedServer, answer, gated

pytestmark = pytest.mark.usefixtures("engine")


def test_the_rate_holds_after_half_a_seconds_burst_in_the_order_of_asking() -> None:
    clock = FakeClock(0)
    passed: list[tuple[int, float]] = []

    async def one(limit: RateLimit, number: int) -> None:
        await limit.acquire()
        passed.append((number, clock.now))

    async def run() -> None:
        limit = RateLimit(10, clock=real_clock(clock))
        await asyncio.gather(*(one(limit, number) for number in range(35)))

    asyncio.run(run())
    assert [number for number, _ in passed] == list(range(35))
    assert [moment for _, moment in passed][:5] == [0] * 5
    for place, (_, moment) in enumerate(passed[5:], start=1):
        assert moment == pytest.approx(place / 10)


def test_a_rate_below_one_a_second_still_lets_one_through_at_once() -> None:
    clock = FakeClock(0)

    async def run() -> None:
        limit = RateLimit(0.5, clock=real_clock(clock))
        await limit.acquire()
        assert clock.now == 0
        await limit.acquire()
        assert clock.now == pytest.approx(2)

    asyncio.run(run())


def test_a_hold_stops_everybody_and_no_burst_follows() -> None:
    clock = FakeClock(0)

    async def run() -> list[float]:
        limit = RateLimit(10, clock=real_clock(clock))
        limit.hold(5)
        limit.hold(1)  # a shorter one does not shorten it
        moments = []
        for _ in range(3):
            await limit.acquire()
            moments.append(clock.now)
        return moments

    assert asyncio.run(run()) == pytest.approx([5.1, 5.2, 5.3])


def test_a_waiter_that_is_cancelled_does_not_block_the_next() -> None:
    clock = FakeClock(0)
    never = asyncio.Event()

    async def stuck(seconds: float) -> None:
        await never.wait()

    async def run() -> None:
        limit = RateLimit(1, clock=real_clock(clock))
        await limit.acquire()
        clock.sleep = stuck  # type: ignore[method-assign]
        limit._clock = real_clock(clock)
        waiting = asyncio.create_task(limit.acquire())
        behind = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        clock.now += 1
        await asyncio.wait_for(behind, 5)

    asyncio.run(run())


def test_after_a_429_the_other_requests_wait_too() -> None:
    clock = FakeClock(0)
    server = ScriptedServer(script=[answer(429, retry_after="9")])

    async def run() -> None:
        async with server, client(server, clock=clock, attempts=1) as api:
            [first] = await asyncio.gather(api.get("first"), return_exceptions=True)
            assert isinstance(first, Exception)
            await api.get("second")

    asyncio.run(run())
    assert clock.now >= 9


def test_no_more_is_in_flight_than_the_cap() -> None:
    async def run() -> None:
        gate = asyncio.Event()
        server = ScriptedServer(otherwise=gated(gate, answer(200, {})))
        async with server, client(server, in_flight=3) as api:
            reads = [asyncio.create_task(api.get("things")) for _ in range(10)]
            await server.busy(3)
            for _ in range(50):
                await asyncio.sleep(0)
            gate.set()
            await asyncio.gather(*reads)
        assert server.most_in_flight == 3
        assert len(server.requests) == 10

    asyncio.run(run())


def test_connections_are_kept_and_used_again() -> None:
    server = ScriptedServer()

    async def run() -> None:
        async with server, client(server) as api:
            for _ in range(10):
                await api.get("things")

    asyncio.run(run())
    assert server.connections == 1


def test_a_cancelled_request_leaves_a_client_that_works() -> None:
    async def run() -> None:
        gate = asyncio.Event()
        server = ScriptedServer(script=[gated(gate, answer(200, {"ID": "late"}))])
        async with server, client(server, in_flight=1) as api:
            read = asyncio.create_task(api.get("things"))
            await server.busy()
            read.cancel()
            await asyncio.gather(read, return_exceptions=True)
            gate.set()
            assert await api.get("things") == {}

    asyncio.run(run())


def test_who_has_half_a_request_saved_waits_for_the_other_half_only() -> None:
    clock = FakeClock(0)

    async def run() -> None:
        limit = RateLimit(1, clock=real_clock(clock))
        await limit.acquire()
        clock.now += 0.5
        await limit.acquire()
        assert clock.now == pytest.approx(1)

    asyncio.run(run())


def test_a_bucket_holds_what_it_is_told() -> None:
    clock = FakeClock(0)

    async def run() -> None:
        limit = RateLimit(10, burst=1, clock=real_clock(clock))
        await limit.acquire()
        assert clock.now == 0
        await limit.acquire()
        assert clock.now == pytest.approx(0.1)

    asyncio.run(run())


class Timeline:
    """Time that goes on to the next end of a sleep once everybody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ends: list[tuple[float, asyncio.Event]] = []

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        end = self.now + seconds, asyncio.Event()
        self._ends.append(end)
        await end[1].wait()

    async def pass_until(self, *tasks: asyncio.Task[None]) -> None:
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await asyncio.sleep(0)
            if self._ends:
                first = min(self._ends, key=lambda end: end[0])
                self._ends.remove(first)
                self.now = max(self.now, first[0])
                first[1].set()


def test_what_goes_first_has_the_rate_for_itself_and_the_others_what_is_left_of_it() -> None:
    line, precedence = Timeline(), Precedence()
    passed: dict[bool, list[float]] = {True: [], False: []}

    async def run() -> None:
        clock = Clock(line.read, line.read, line.sleep)
        limits = {first: RateLimit(10, clock=clock, turn=Turn(precedence, first)) for first in passed}

        async def ask(*, first: bool, number: int, after: float = 0) -> None:
            await line.sleep(after)
            for _ in range(number):
                await limits[first].acquire()
                passed[first].append(line.now)

        others = asyncio.create_task(ask(first=False, number=100))
        await line.pass_until(others, asyncio.create_task(ask(first=True, number=55, after=2)))

    asyncio.run(run())
    began, ended = passed[True][0], passed[True][-1]
    # After the burst of a rest, the rate.
    assert ended - began == pytest.approx(5, abs=0.1)
    # The others wait, but for moments, and go on at the rate soon after.
    assert len([moment for moment in passed[False] if began < moment < ended]) <= 3
    assert len([moment for moment in passed[False] if ended + 1 < moment < ended + 3]) == pytest.approx(20, abs=1)
    # What anybody sees in a second is the rate and two bursts at most.
    everything = sorted(passed[True] + passed[False])
    assert all(later - earlier > 1 for earlier, later in zip(everything, everything[21:], strict=False))


def test_several_that_go_first_at_once_leave_no_debt_behind() -> None:
    clock, precedence = FakeClock(0), Precedence()

    async def run() -> None:
        other = RateLimit(10, clock=real_clock(clock), turn=Turn(precedence, goes_first=False))
        for _ in range(1_000):
            precedence.take()
        await other.acquire()

    asyncio.run(run())
    assert clock.now <= 1.2


def test_who_has_better_to_do_does_not_wait_for_a_long_hold() -> None:
    clock = FakeClock(0)

    async def run() -> None:
        limit = RateLimit(10, clock=real_clock(clock))
        limit.hold(60)
        with pytest.raises(OnHold) as told:
            await limit.acquire(5)
        assert (told.value.seconds, clock.now) == (60, 0)
        clock.now = 56
        await limit.acquire(5)
        assert clock.now == pytest.approx(60.1)

    asyncio.run(run())
