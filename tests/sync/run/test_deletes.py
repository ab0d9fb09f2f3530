"""What a walk did not see is asked for by ID, and deleted at the target only where the source says that it is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.errors import ServerFault, Unreachable
from reconciler.sync.mode import Mode
from reconciler.sync.run.report import State
from support.engine import Engine


def test_a_record_that_is_gone_is_deleted_after_it_was_asked_for(engine: Engine) -> None:
    engine.run()
    del engine.things.there["b"]
    report = engine.run(Mode.WALK)
    assert engine.things.asked == ["b"]
    assert (engine.things.site["b"], engine.level("b").gone) == ("", True)
    assert report.counts["discontinued"] == 1
    engine.run(Mode.WALK)
    assert (engine.things.asked, engine.things.sent) == ([], [])


def test_a_record_that_is_only_not_listed_is_left_as_it_is(engine: Engine) -> None:
    engine.run()
    engine.things.unlisted = {"b"}
    report = engine.run(Mode.WALK)
    assert (engine.things.asked, engine.things.sent) == (["b"], [])
    assert report.counts["left"] == 1
    assert any("1 thing did not come in the lists" in remark for remark in report.remarks)


def test_an_incremental_run_deletes_nothing(engine: Engine) -> None:
    engine.run()
    engine.things.there.clear()
    engine.run(Mode.INCREMENTAL)
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}


def test_more_than_the_limit_stops_the_run_before_the_first_delete(engine: Engine) -> None:
    engine.run()
    del engine.things.there["a"], engine.things.there["b"]
    report = engine.run(Mode.FULL)
    assert (report.state, engine.things.sent) == (State.STOPPED, [])
    assert "at least 2 things of 3 are gone" in (report.message or "")
    engine.settings = replace(engine.settings, max_delete_percent=100)
    assert engine.run().mode is Mode.FULL
    assert engine.things.site == {"a": "", "b": "", "c": "C"}


@pytest.mark.parametrize("fault", [ServerFault("HTTP 500"), Unreachable("no answer")])
def test_a_list_that_fails_half_way_deletes_nothing(engine: Engine, fault: Exception) -> None:
    engine.run()
    engine.things.fails["list b"] = lambda: fault
    report = engine.run(Mode.WALK)
    assert (report.state, engine.things.sent, engine.things.asked) == (State.INTERRUPTED, [], [])


def test_a_record_that_comes_back_is_written_again(engine: Engine) -> None:
    engine.run()
    del engine.things.there["b"]
    engine.run(Mode.WALK)
    engine.things.there["b"] = "B"
    engine.run(Mode.WALK)
    assert (engine.things.site["b"], engine.level("b").gone) == ("B", False)


def test_a_record_that_was_never_written_is_forgotten(engine: Engine) -> None:
    engine.run()
    engine.levels.want(["ghost"])
    engine.run(Mode.WALK)
    assert engine.levels.levels(["ghost"]) == {}
