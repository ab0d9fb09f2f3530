"""An API asks for a long wait: a run that gives its slot back ends in order, and the ledger says so for all."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.errors import AnswerLost, RateLimited, ServerFault
from reconciler.ledger.data.outages import FIRST_PAUSE, LONGEST_ASKED
from reconciler.sync.mode import Mode
from reconciler.sync.run import feed, loop
from reconciler.sync.run.hand import End, lend_hand
from reconciler.sync.run.report import State

ASKED = timedelta(minutes=10)
SHARED = {"source": "source api.example client", "target": "target app.example site"}


def asks(seconds=600.0):
    error = RateLimited("PUT things: slow down (HTTP 429)", status=429)
    error.retry_after = seconds
    return error


@pytest.fixture
def engine(engine):
    engine.gives_back, engine.shared = 5.0, SHARED
    return engine


def standing(engine):
    return engine.levels.store.outages.standing(SHARED.values())


def test_a_run_that_is_asked_to_wait_ends_in_order_and_says_when_it_comes_back(engine):
    engine.things.fails["a"] = asks
    report = engine.run(Mode.FULL)
    assert (report.state, report.away, report.again_in) == (State.INTERRUPTED, "target", ASKED)
    assert report.message == "Target asks to be left alone for 10 min"
    away = standing(engine)
    assert (away.reason, away.holder) == (report.message, "test")
    assert away.left <= ASKED
    # What was refused unprocessed is in nobody's hands, and in no doubt that another would wait for.
    assert engine.level("a").is_open
    assert engine.levels.store.records.is_anything_waiting(engine.tell())
    del engine.things.fails["a"]
    report = engine.run()
    assert (report.state, report.resumed, engine.things.site) == (State.FINISHED, True, {"a": "A", "b": "B", "c": "C"})
    assert engine.things.sent.count("a") == 1
    assert not any(engine.level(key).is_open for key in "abc")
    # Both sides answered.
    assert standing(engine) is None


def test_what_is_under_way_is_answered_before_the_run_gives_its_slot_back(engine):
    """The source asks for a wait while a write is on its way: the write is not cut off, and in no doubt."""
    on_its_way, asked = asyncio.Event(), asyncio.Event()
    send = engine.things._send

    async def slowly(state):
        on_its_way.set()
        await asked.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        await send(state)

    async def page(_key):
        await on_its_way.wait()
        asked.set()
        raise asks()

    engine.things._send, engine.things._page = slowly, page
    engine.things.fails["page b"] = lambda: None
    report = engine.run(Mode.FULL)
    assert (report.state, report.away, report.again_in) == (State.INTERRUPTED, "source", ASKED)
    assert engine.things.site == {"a": "A"}
    level = engine.level("a")
    assert not level.is_open
    assert not level.doubtful


def test_what_may_have_been_carried_out_stays_in_doubt(engine):
    answers = [AnswerLost("PUT things: it was sent"), asks()]
    engine.things.there = {"a": "A"}
    engine.things.fails["a"] = lambda: answers.pop(0)
    assert engine.run(Mode.FULL).again_in == ASKED
    level = engine.level("a")
    assert level.is_open
    assert level.doubtful
    engine.things.fails.clear()
    # It was sent, and may arrive after what is sent now: it is written once more when it no longer can.
    assert engine.run().state is State.FINISHED
    assert (engine.things.site, engine.level("a").is_open) == ({"a": "A"}, True)


def test_a_short_wait_is_waited_for_and_a_run_by_hand_waits_for_a_long_one(engine):
    asked = [asks(4.0), asks(4.0)]
    engine.things.fails["a"] = lambda: asked.pop() if asked else None
    assert engine.run(Mode.FULL).state is State.FINISHED
    engine.gives_back, asked = None, [asks(), asks()]
    engine.things.fails["a"] = lambda: asked.pop() if asked else None
    engine.things.there["a"] = "A2"
    assert engine.run(Mode.FULL).state is State.FINISHED
    assert not asked


def test_an_api_that_fails_for_longer_is_away_for_all(engine):
    engine.gives_back = 0.05
    engine.site.away = True
    engine.things.fails["a"] = lambda: ServerFault("HTTP 503")
    report = engine.run(Mode.FULL)
    assert (report.state, report.away, report.again_in) == (State.INTERRUPTED, "target", FIRST_PAUSE)
    assert standing(engine).reason == "HTTP 503"


def test_nobody_is_told_where_the_ledger_is_of_one_machine(engine):
    engine.shared = {}
    engine.things.fails["a"] = asks
    assert engine.run(Mode.FULL).again_in == ASKED
    assert standing(engine) is None


def test_what_an_api_asked_of_one_holds_though_another_finds_less_and_for_an_hour_at_most(engine):
    outages, key = engine.levels.store.outages, SHARED["target"]
    assert outages.found(key, "asked", "one", timedelta(days=1)) == LONGEST_ASKED
    left = outages.found(key, "no connection", "another")
    assert LONGEST_ASKED - timedelta(minutes=1) < left <= LONGEST_ASKED
    assert (standing(engine).reason, standing(engine).holder) == ("asked", "one")


def test_a_hand_joins_nothing_while_an_api_is_away_and_tells_what_it_finds(engine, monkeypatch):
    monkeypatch.setattr(feed, "_IDLE_SECONDS", 0.0)
    engine.run(Mode.FULL)

    def lent(changes):
        async def lend():
            with engine.levels.lock("keeper"):
                run = engine.levels.store.runs.begin("walk", "one", "keeper", engine.now, walks=True, full=False)
                engine.levels.store.hands.take(run.id, takes=True)
                engine.levels.want(changes)
                return await lend_hand(engine.hand(), run.id, stop=asyncio.Event())

        return asyncio.run(lend())

    engine.things.there["a"] = "A2"
    engine.things.fails["a"] = asks
    found = lent(["a"])
    assert (found.end, found.message) == (End.AWAY, "target asks to be left alone for 10 min")
    assert standing(engine).holder == "hand"
    assert engine.level("a").is_open
    engine.things.fails.clear()
    asked = len(engine.things.asked)
    assert lent(["b"]).end is End.AWAY
    assert len(engine.things.asked) == asked
    engine.levels.store.outages.over(SHARED.values())
    assert (lent(["b"]).end, engine.things.site["a"]) == (End.DONE, "A2")


def test_a_watch_begins_nothing_while_others_found_an_api_away(engine, monkeypatch):
    monkeypatch.setattr(loop, "_LOOK_EVERY", timedelta(milliseconds=5))
    outages, told, reports = engine.levels.store.outages, [], []
    outages.found(SHARED["target"], "no connection", "a worker")
    job = replace(engine.job(), gives_back=None)

    async def watched():
        stop = asyncio.Event()

        def missing(error, following):
            told.append(f"{error.message}, until {following - engine.now > FIRST_PAUSE / 2}")
            engine.later(minutes=5)
            outages.over(SHARED.values())

        def ended(report, _following):
            reports.append(report)
            stop.set()

        await loop.watch([job], stop=stop, on_missing=missing, on_report=ended)

    asyncio.run(watched())
    assert told == ["no connection, as a worker found, until True"]
    assert [each.state for each in reports] == [State.FINISHED]


def test_what_a_watch_finds_others_hear_of(engine):
    engine.things.fails["page a"] = lambda: ServerFault("HTTP 503")
    job, reports = replace(engine.job(), gives_back=0.05), []

    async def watched():
        stop = asyncio.Event()

        def ended(report, following):
            reports.append((report.again_in, following - report.ended_at))
            stop.set()

        await loop.watch([job], stop=stop, on_report=ended)

    asyncio.run(watched())
    assert reports == [(FIRST_PAUSE, FIRST_PAUSE)]
    assert standing(engine).reason == "HTTP 503"


def test_nothing_of_a_run_is_begun_where_it_is_asked_to_wait_at_once(engine):
    async def facts():
        await engine.things.breaker.repeat(lambda: engine.things._page("facts"))

    engine.things.facts = facts
    engine.things.fails["page facts"] = asks
    report = engine.run(Mode.FULL)
    assert (report.state, report.again_in, engine.things.sent) == (State.INTERRUPTED, ASKED, [])
