"""What failed is tried again, as often as the table in attempts.py says; then it is a problem of its record."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from msgspec.structs import replace

from reconciler.errors import AnswerLost, ApiError, ServerFault
from reconciler.sync.mode import Mode
from reconciler.sync.run import context
from reconciler.sync.run.attempts import RECORD_ATTEMPTS, RECORD_TRIES, STALE_READS, retry_after
from reconciler.sync.run.breaker import Breaker
from reconciler.sync.run.report import State
from support.engine import Engine


def lost() -> ApiError:
    return AnswerLost("no answer")


def test_a_write_that_never_comes_through_is_sent_so_often_and_no_more(engine: Engine) -> None:
    engine.patience = 60.0
    engine.tick = timedelta(seconds=5)
    engine.things.fails["b"] = lost
    report = engine.run()
    assert report.state is State.FINISHED
    assert engine.things.sent.count("b") == RECORD_TRIES * RECORD_ATTEMPTS == 15
    assert (report.counts["written"], report.counts["failed"], report.counts["problems"]) == (2, 1, 1)
    assert list(engine.site.errors) == ["b"]
    assert "after 5 attempts" in engine.site.errors["b"]
    assert engine.level("b").dead


def test_attempts_wait_longer_each_time() -> None:
    assert [retry_after(number).total_seconds() for number in range(1, 5)] == [5, 10, 20, 40]


def test_a_record_that_failed_comes_through_in_the_same_run(engine: Engine) -> None:
    engine.tick = timedelta(seconds=5)
    left = [RECORD_TRIES + 1]

    def sometimes() -> ApiError | None:
        left[0] -= 1
        return ServerFault("HTTP 500") if left[0] >= 0 else None

    engine.things.fails["b"] = sometimes
    report = engine.run()
    assert engine.things.site["b"] == "B"
    assert (report.counts["seen"], report.counts["written"], report.counts.get("failed", 0)) == (3, 3, 0)
    assert engine.level("b").attempts == 0


def test_attempts_are_counted_over_runs(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"], engine.things.fails["b"] = "B2", lost
    for attempts in range(1, RECORD_ATTEMPTS):
        engine.levels.want([]) if attempts > 1 else engine.levels.want(["b"])
        engine.run(Mode.INCREMENTAL)
        assert engine.level("b").attempts == attempts
        engine.later(minutes=5)
    engine.run(Mode.INCREMENTAL)
    assert engine.level("b").dead
    engine.run(Mode.INCREMENTAL)
    assert engine.things.sent == []


def test_a_record_that_was_given_up_is_tried_again_when_it_is_wanted(engine: Engine) -> None:
    engine.tick = timedelta(seconds=5)
    engine.things.fails["b"] = lost
    engine.run()
    engine.things.fails.clear()
    assert engine.levels.retry(["b"]) == 1
    engine.run(Mode.INCREMENTAL)
    assert engine.things.site["b"] == "B"
    assert engine.site.errors == {}


def test_a_stale_read_is_waited_for(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"] = "B2"
    engine.things.stale = {"b"}
    engine.levels.want(["b"])
    engine.run(Mode.INCREMENTAL)
    assert (engine.things.sent, engine.level("b").is_open, engine.level("b").attempts) == ([], True, 0)
    engine.things.stale = set()
    engine.run(Mode.INCREMENTAL)
    assert engine.things.sent == ["b"]


def test_a_read_that_stays_stale_is_taken_as_it_is_in_the_end(engine: Engine) -> None:
    engine.run()
    engine.tick = timedelta(seconds=5)
    engine.things.there["b"] = "B2"
    engine.things.stale = {"b"}
    engine.things.unlisted = {"b"}
    engine.levels.want(["b"])
    engine.run(Mode.WALK)
    assert engine.things.asked.count("b") == STALE_READS + 1
    assert engine.things.site["b"] == "B2"


@pytest.mark.parametrize("mode", [Mode.INCREMENTAL, Mode.WALK])
@pytest.mark.parametrize("outside", [False, True])
def test_a_wanted_record_that_is_gone_or_left_the_scope_is_deleted(engine: Engine, mode: Mode, outside: bool) -> None:
    engine.run()
    engine.things.outside = {"b"} if outside else set()
    if not outside:
        del engine.things.there["b"]
    engine.levels.want(["b"])
    report = engine.run(mode)
    assert (engine.things.sent, engine.level("b").is_open, engine.level("b").gone) == (["b"], False, True)
    assert (report.state, report.counts["discontinued"]) == (State.FINISHED, 1)
    # Asked for again, it is as it should be.
    engine.levels.want(["b"])
    assert engine.run(mode).counts.get("discontinued", 0) == 0
    assert (engine.things.sent, engine.level("b").is_open, engine.level("b").gone) == ([], False, True)


def test_a_record_that_was_seen_and_is_gone_before_it_could_be_written_is_deleted_by_the_same_run(
    engine: Engine,
) -> None:
    engine.tick = timedelta(seconds=5)
    engine.run()
    engine.things.there["b"] = "B2"

    tries = [0]

    def away() -> ApiError | None:
        tries[0] += 1
        if tries[0] == RECORD_TRIES:
            del engine.things.there["b"]
        return AnswerLost("no answer") if tries[0] <= RECORD_TRIES else None

    engine.things.fails["b"] = away
    report = engine.run(Mode.WALK)
    assert (report.state, engine.things.site["b"], engine.level("b").gone) == (State.FINISHED, "", True)
    assert report.counts["discontinued"] == 1


def test_too_many_that_are_wanted_and_gone_stop_the_run_and_stay_open(engine: Engine) -> None:
    engine.run()
    del engine.things.there["b"], engine.things.there["c"]
    engine.levels.want(["b", "c"])
    report = engine.run(Mode.INCREMENTAL)
    assert (report.state, engine.things.sent) == (State.STOPPED, [])
    assert engine.level("b").is_open
    engine.settings = replace(engine.settings, max_delete_percent=100)
    assert engine.run(Mode.INCREMENTAL).state is State.FINISHED
    assert engine.things.site == {"a": "A", "b": "", "c": ""}


@pytest.mark.parametrize("mode", [Mode.INCREMENTAL, Mode.WALK])
def test_what_was_asked_for_and_never_synced_is_left_out_by_name(engine: Engine, mode: Mode) -> None:
    engine.run()
    engine.things.there["far"] = "FAR"
    engine.things.outside = {"far"}
    engine.levels.want(["far", "ghost"])
    report = engine.run(mode)
    assert "asked for, but not at the source: ghost" in report.remarks
    assert "asked for, but outside the scope of this sync: far" in report.remarks
    assert (engine.things.sent, report.counts.get("discontinued", 0), engine.levels.open_count()) == ([], 0, 0)


def test_an_api_that_stays_away_interrupts_the_run_and_no_record_is_blamed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count()
    monkeypatch.setattr(context, "Breaker", partial(Breaker, clock=lambda: float(next(looks))))
    engine.patience = 30.0
    engine.site.away = True
    engine.things.fails |= dict.fromkeys(("a", "b", "c"), lambda: ServerFault("HTTP 503"))
    report = engine.run()
    assert (report.state, report.message) == (State.INTERRUPTED, "HTTP 503")
    assert engine.level("a").attempts == 0
    assert engine.site.errors == {}
