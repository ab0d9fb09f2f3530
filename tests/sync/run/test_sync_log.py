"""The sync log that the problems of a data type go to: its own, another's, one that may not be, or none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.errors import NotFound, Rejected
from reconciler.sync.datatype import SyncLog
from reconciler.sync.mode import Mode
from reconciler.sync.run.report import State
from support.engine import LOG, Engine

BORROWED = SyncLog("people", owned=False)
MAYBE = replace(LOG, sure=False)


def others_log(engine: Engine, **errors: str) -> dict[str, Any]:
    """Begin the log as its owner does, and return what it says of dates."""
    engine.later(minutes=1)
    engine.site.log = {"started_full_sync": engine.now.isoformat()}
    engine.site.errors = dict(errors)
    return dict(engine.site.log)


def test_to_another_s_log_problems_alone_are_added_and_no_date_is_written(engine: Engine) -> None:
    engine.things.log, engine.things.problems = BORROWED, {"a", "b"}
    dates = others_log(engine, p1="P1 has no e-mail.")
    report = engine.run(Mode.FULL)
    assert report.state is State.FINISHED
    assert engine.site.errors == {"p1": "P1 has no e-mail.", "a": "a is bad.", "b": "b is bad."}
    assert engine.site.log == dates
    engine.things.problems = {"b"}
    engine.run(Mode.WALK)
    assert engine.site.errors.keys() == {"p1", "b"}
    assert engine.site.log == dates
    # It stays so whatever is asked for: a full sync of this data type clears nothing.
    engine.run(Mode.FULL)
    assert engine.site.errors.keys() == {"p1", "b"}


def test_what_is_mended_while_a_full_sync_runs_is_taken_out_of_another_s_log(engine: Engine) -> None:
    engine.things.log, engine.things.problems = BORROWED, {"a"}
    others_log(engine)
    engine.run(Mode.FULL)
    engine.things.problems = set()
    engine.run(Mode.FULL)
    assert engine.site.errors == {}


def test_once_its_owner_began_the_log_anew_the_problems_are_added_again(engine: Engine) -> None:
    engine.things.log, engine.things.problems = BORROWED, {"a"}
    others_log(engine)
    engine.run(Mode.FULL)
    others_log(engine)
    assert engine.site.errors == {}
    engine.run()
    assert engine.site.errors == {"a": "a is bad."}


def test_where_another_s_log_has_not_begun_the_run_says_so_and_the_next_one_makes_up_for_it(engine: Engine) -> None:
    engine.things.log, engine.things.problems = BORROWED, {"a"}
    report = engine.run(Mode.FULL)
    assert any("the sync log of people has not begun" in remark for remark in report.remarks)
    assert (engine.site.log, report.counts["logged_problems"], report.counts["problems"]) == (None, 0, 1)
    others_log(engine)
    assert engine.run().counts["logged_problems"] == 1
    assert engine.site.errors == {"a": "a is bad."}


@pytest.mark.parametrize("error", [Rejected("no such data type"), NotFound("no such log", status=404)])
def test_a_log_that_the_api_does_not_take_costs_nothing_but_a_remark(engine: Engine, error: Exception) -> None:
    engine.things.log, engine.things.problems = MAYBE, {"a"}
    engine.site.fails = {"put": lambda: error}
    for mode in (Mode.FULL, None, Mode.WALK):
        report = engine.run(mode)
        assert report.state is State.FINISHED
        assert any("takes no sync log of things" in remark for remark in report.remarks)
        assert report.counts["logged_problems"] == 0
    assert engine.site.log is None


def test_a_log_that_turns_out_to_be_taken_is_kept_like_any_other(engine: Engine) -> None:
    engine.things.log, engine.things.problems = MAYBE, {"a"}
    assert engine.run(Mode.FULL).remarks == ()
    assert engine.site.errors == {"a": "a is bad."}
    assert engine.site.log is not None
    assert "last_full_sync" in engine.site.log


def test_a_log_that_is_documented_and_refused_is_an_error(engine: Engine) -> None:
    engine.site.fails = {"put": lambda: Rejected("no")}
    assert engine.run(Mode.FULL).state is not State.FINISHED


def test_without_a_log_the_ledger_alone_has_the_problems(engine: Engine) -> None:
    engine.things.log, engine.things.problems = None, {"a"}
    report = engine.run(Mode.FULL)
    assert (report.state, engine.site.log, report.counts["problems"]) == (State.FINISHED, None, 1)
    assert any("takes no sync log of things" in remark for remark in report.remarks)
    engine.later(hours=30)
    assert engine.run().mode is Mode.WALK


def test_a_log_of_two_takes_of_each_no_more_than_its_share(engine: Engine) -> None:
    engine.things.there = {f"t{number}": "x" for number in range(5)}
    engine.things.log, engine.things.problems = replace(BORROWED, most=3), set(engine.things.there)
    engine.settings = replace(engine.settings, freshness=timedelta(days=9))
    others_log(engine)
    report = engine.run(Mode.FULL)
    assert (len(engine.site.errors), report.counts["problems"], report.counts["logged_problems"]) == (3, 5, 3)
