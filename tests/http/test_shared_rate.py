"""One rate for all processes of a ledger: what each is given, by a clock that moves when it is told to."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import LedgerError
from reconciler.http.limit import OnHold
from reconciler.http.shared_limit import Portion, SharedClock, SharedLimit
from reconciler.quota import ROUND, USED, Ask, Grant, Quota, Share, owner_of_rate
from support.fleet import RULES, Fleet, Process
from support.http_client_helpers import real_clock
from support.scripted_server import FakeClock

SHARE = Share("production", 20)


def workers(number, rate, **how):
    return [Process(f"w{place}", Share("production", rate), off=1_000.0 * place, **how) for place in range(number)]


def between(begin, end):
    return lambda now: begin <= now - 1_000_000 < end


@pytest.mark.parametrize("rate", [20, 200])
@pytest.mark.parametrize("busy", ["all", "one"])
def test_eight_processes_use_the_rate_and_never_send_more_by_any_rule(rate, busy):
    seconds = 8 if rate == 20 else 3
    processes = workers(8, rate)
    if busy == "one":
        for each in processes[1:]:
            each.busy = lambda _now: False
    fleet = Fleet(processes)
    fleet.run(1)
    begun, sent = len(fleet.sent), [len(each.sent) for each in processes]
    fleet.run(seconds)
    assert len(fleet.sent) - begun >= 0.95 * rate * seconds
    for rule in RULES:
        assert fleet.refused(rule, rate, within=0.01) == 0
    # Far fewer than a round trip for each.
    assert sum(each.asked for each in processes) <= 3 * (seconds + 1) * (8 if busy == "all" else 2)
    if busy == "all":
        shares = [len(each.sent) - before for each, before in zip(processes, sent, strict=True)]
        assert max(shares) <= 1.1 * min(shares) + 2


# When processes are there, when they are busy, where the database is not: whatever comes.
@st.composite
def fleets(draw):
    rate = draw(st.sampled_from([1, 3, 20, 75]))
    processes = []
    for place in range(draw(st.integers(1, 5))):
        begin, length = draw(st.floats(0, 3)), draw(st.floats(0.1, 4))
        stop, back = draw(st.floats(0, 4)), draw(st.sampled_from([0.0, 0.3, 2.0]))
        on = between(begin, begin + length)
        gone = between(stop, stop + back)
        slower = draw(st.sampled_from([rate, rate, rate / 2]))
        processes.append(
            Process(
                f"w{place}",
                Share(f"e{place}", slower, kept=draw(st.booleans())),
                off=draw(st.floats(-1e6, 1e6)),
                line=draw(st.integers(1, 16)),
                busy=on,
                alive=partial(lambda gone, now: not gone(now), gone),
            )
        )
    away = between(draw(st.floats(0, 5)), draw(st.floats(0, 5)))
    return rate, Fleet(processes, reachable=lambda now: not away(now), seed=draw(st.integers(0, 99)))


@settings(max_examples=25, deadline=None)
@given(fleets())
def test_no_second_sees_more_than_the_rate_whatever_comes(found):
    rate, fleet = found
    fleet.run(5)
    assert [fleet.refused(rule, rate, within=0.008) for rule in RULES] == [0, 0, 0]


def test_what_a_process_leaves_unused_is_used_by_others_within_two_seconds():
    ends, dies = workers(3, 20)[:2]
    other = Process("other", SHARE)
    ends.busy, dies.alive = between(0, 3), between(0, 3)
    fleet = Fleet([ends, dies, other])
    fleet.run(5)
    begun = len(other.sent)
    fleet.run(3)
    assert len(other.sent) - begun >= 0.95 * 20 * 3


def test_nothing_is_given_while_the_database_is_away():
    fleet = Fleet(workers(2, 20), reachable=lambda now: not between(1, 6)(now))
    fleet.run(6)
    began = 1_000_000
    assert [moment for moment in fleet.sent if began + 2 < moment < began + 6] == []
    fleet.run(3)
    assert len([moment for moment in fleet.sent if moment > began + 6]) >= 0.85 * 20 * 3


def test_a_share_is_kept_for_plans_while_workers_are_busy_and_lent_to_them_else():
    processes = workers(9, 40)
    plan = Process("plan", Share("production", 40, kept=True, kept_share=0.25), busy=between(2, 4))
    fleet = Fleet([*processes, plan])
    fleet.run(6)
    sent = [moment for moment in plan.sent if 1_000_003 < moment < 1_000_004]
    assert len(sent) >= 9
    everybody = [moment for moment in fleet.sent if moment > 1_000_005]
    assert len(everybody) >= 0.95 * 40


def test_an_answer_that_says_later_stops_everybody_and_no_burst_follows():
    processes = workers(4, 20)
    fleet = Fleet(processes)
    fleet.run(2)
    fleet.processes[0].portion.hold(3)
    told = fleet.now
    fleet.run(6)
    # Who said so stops at once, the others when they ask next.
    assert [moment for moment in processes[0].sent if told + 0.01 < moment < told + 3] == []
    assert [moment for moment in fleet.sent if told + ROUND < moment < told + 3] == []
    after = [moment for moment in fleet.sent if told + 3 <= moment < told + 4]
    assert 17 <= len(after) <= 20


def test_the_smallest_rate_of_those_who_send_counts_and_it_is_known_whose_that_is():
    quota = Quota(0.0)
    quota.exchange("a", Ask(Share("production", 50), 9), 0.0)
    quota.exchange("b", Ask(Share("staging", 5), 9), 0.1)
    # What a pull request plans with changes the rate for nobody.
    quota.exchange("c", Ask(Share("preview", 0.1, kept=True), 9), 0.2)
    assert (quota.rate, owner_of_rate(quota, 0.2)) == (5, ("staging", 5))
    # An hour after it was last used, it counts no more.
    quota.exchange("a", Ask(Share("production", 50), 9), 4_000.0)
    assert owner_of_rate(quota, 4_000.0) == ("production", 50)


def test_a_clock_that_is_set_back_stops_nobody_for_long():
    quota = Quota(100_000.0)
    for step in range(4):
        quota.exchange("a", Ask(SHARE, 9), 100_000.0 + step / 2)
    found = [slot for step in range(6) for slot in quota.exchange("a", Ask(SHARE, 9), 50_000.0 + step / 2).slots]
    assert min(found) == pytest.approx(50_000 + 2 * ROUND, abs=ROUND)


def test_a_slot_is_given_once_and_slots_are_a_step_apart():
    quota, given_out = Quota(0.0), {}
    for moment in range(40):
        for token in "abc":
            for slot in quota.exchange(token, Ask(SHARE, 9), moment / 10).slots:
                assert given_out.setdefault(slot, token) == token
    slots = sorted(given_out)
    assert all(later - earlier >= 1 / (20 * USED) - 1e-9 for earlier, later in itertools.pairwise(slots))


def test_what_the_database_kept_is_read_back_and_else_refused():
    quota = Quota(1.0)
    quota.exchange("a", Ask(SHARE, 5), 1.0)
    quota.exchange("b", Ask(Share("plan", 3, kept=True), 0, hold=9), 1.2)
    assert Quota.read(quota.data()) == quota
    for data in ({}, {**quota.data(), "rounds": [[1]]}, {**quota.data(), "members": 3}):
        with pytest.raises(ValueError, match=r"quota|unpack"):
            Quota.read(data)


def test_a_shared_clock_is_known_better_with_each_look_and_forgets_a_time_that_was_set():
    own = 10.0
    clock = SharedClock(lambda: own)
    clock.observe(110.0, 9.0, 10.0)
    assert clock.now() == pytest.approx(110.5)
    clock.observe(110.2, 10.0, 10.1)
    assert clock.now() == pytest.approx(110.15, abs=0.01)
    clock.observe(5_000.0, 10.0, 10.1)
    assert clock.now() == pytest.approx(4_999.95, abs=0.1)


class Given:
    """A portion that is given what it asks for at once."""

    def __init__(self, clock):
        shared = SharedClock(lambda: clock.now)
        self.quota = Quota(clock.now)
        self.portion = Portion(SHARE, shared, wake=self.wake)
        self.clock = clock
        self.woken = asyncio.Event()

    def wake(self):
        self.woken.set()

    async def give(self):
        while True:
            await self.woken.wait()
            self.woken.clear()
            self.portion._clock.observe(self.clock.now, self.clock.now, self.clock.now)
            self.portion.given(self.quota.exchange("us", self.portion.ask(), self.clock.now))


def asked(work):
    """Run a test with a portion that is given what it asks for."""

    async def run():
        clock = FakeClock(1_000)
        given_to_it = Given(clock)
        giving = asyncio.create_task(given_to_it.give())
        try:
            return await asyncio.wait_for(work(given_to_it, clock), 20)
        finally:
            giving.cancel()

    return asyncio.run(run())


def test_requests_of_one_connection_pass_in_the_order_of_asking_a_step_apart():
    passed = []

    async def work(it, clock):
        limit = SharedLimit(it.portion, real_clock(clock))

        async def one(number):
            await limit.acquire()
            passed.append((number, clock.now))

        await asyncio.gather(*(one(number) for number in range(30)))

    asked(work)
    assert [number for number, _ in passed] == list(range(30))
    moments = [moment for _, moment in passed]
    assert all(later - earlier >= 1 / 20 for earlier, later in itertools.pairwise(moments))


def test_one_request_of_a_connection_does_not_wait_for_the_many_of_another():
    passed = []

    async def work(it, clock):
        many, single = (SharedLimit(it.portion, real_clock(clock)) for _ in range(2))

        async def send(limit, name):
            await limit.acquire()
            passed.append(name)
            # Others go on meanwhile, as while an answer is waited for.
            await asyncio.sleep(0)

        line = [asyncio.create_task(send(many, "many")) for _ in range(40)]
        await asyncio.gather(*line[:5])
        for _ in range(3):
            before = len(passed)
            await send(single, "single")
            # One of the many has its slot already, and one may be there first.
            assert passed[before:].count("many") <= 2
        await asyncio.gather(*line)

    asked(work)
    assert (passed.count("many"), passed.count("single")) == (40, 3)


def test_what_goes_first_has_the_next_slots_and_others_what_it_leaves():
    portion = Portion(SHARE, SharedClock(lambda: 0.0))
    for first in (False, False, True, True):
        portion.enter(first=first)
    portion.given(Grant((0.1, 0.2, 0.3)))
    assert portion.take(first=False) == (0.3, 0.3)
    assert portion.take(first=False) is None
    assert [portion.take(first=True), portion.take(first=True)] == [(0.1, 0.1), (0.2, 0.2)]
    portion.given(Grant((0.4,)))
    assert portion.take(first=False) == (0.4, 0.4)


def test_a_request_now_and_then_keeps_its_slot_until_it_is_sent_and_no_other():
    clock = FakeClock(0)
    portion = Portion(SHARE, SharedClock(lambda: clock.now))
    portion.enter(first=False)
    assert portion.ask().wanted == 1
    portion.given(Grant((0.9,)))
    assert portion.take(first=False) == (0.9, 0.9)
    wanted = []
    for clock.now in (0.0, ROUND + 0.1, 1.0):
        wanted.append(portion.ask().wanted)
    assert wanted == [1, 1, 0]


def test_who_gives_up_leaves_its_slot_to_the_next():
    async def work(it, clock):
        limit, never = SharedLimit(it.portion, real_clock(clock)), asyncio.Event()
        await limit.acquire()
        sleep, clock.sleep = clock.sleep, lambda _seconds: never.wait()
        limit._clock = real_clock(clock)
        waiting = asyncio.create_task(limit.acquire())
        for _ in range(5):
            await asyncio.sleep(0)
        behind = asyncio.create_task(limit.acquire())
        clock.sleep = sleep
        limit._clock = real_clock(clock)
        waiting.cancel()
        await behind
        assert it.portion._waiting == {True: 0, False: 0}
        return clock.now

    assert asked(work) == pytest.approx(1_000.05, abs=0.01)


def test_a_slot_that_was_slept_through_is_not_used():
    async def work(it, clock):
        limit, slept = SharedLimit(it.portion, real_clock(clock)), []
        await limit.acquire()

        async def too_long(seconds):
            slept.append(seconds)
            clock.now += seconds + (0.2 if len(slept) == 1 else 0)
            await asyncio.sleep(0)

        limit._clock = type(limit._clock)(lambda: clock.now, lambda: clock.now, too_long)
        await limit.acquire()
        return clock.now, len(slept)

    moment, sleeps = asked(work)
    assert sleeps >= 1
    assert moment >= 1_000.25 - 0.05


def test_who_waits_is_told_once_nobody_can_be_asked_and_asks_again_the_next_time():
    async def run():
        clock = FakeClock(0)
        portion = Portion(SHARE, SharedClock(lambda: clock.now))
        limit = SharedLimit(portion, real_clock(clock))
        waiting = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        portion.failed(LedgerError("The ledger is away"))
        with pytest.raises(LedgerError, match="away"):
            await waiting
        again = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        portion.given(Grant((0.001,)))
        await asyncio.wait_for(again, 5)

    asyncio.run(run())


def test_where_nobody_can_be_asked_a_connection_keeps_to_a_rate_of_its_own():
    async def run():
        clock = FakeClock(0)
        portion = Portion(SHARE, SharedClock(lambda: clock.now))
        limit = SharedLimit(portion, real_clock(clock))
        waiting = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        portion.keep_alone(2.0)
        await waiting
        await limit.acquire()
        assert clock.now == pytest.approx(0.5)
        limit.hold(7)
        await limit.acquire()
        assert clock.now >= 7.5

    asyncio.run(run())


def test_who_has_better_to_do_is_told_of_a_long_hold_also_where_it_waits_already():
    async def work(it, clock):
        limit = SharedLimit(it.portion, real_clock(clock))
        waiting = asyncio.create_task(limit.acquire(5))
        patient = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        it.portion.hold(60)
        with pytest.raises(OnHold) as told:
            await waiting
        patient.cancel()
        await asyncio.gather(patient, return_exceptions=True)
        assert it.portion._waiting == {True: 0, False: 0}
        return told.value.seconds

    assert asked(work) == pytest.approx(60, abs=1)
