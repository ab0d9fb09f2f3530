"""The engine by itself: what a run reads, writes, notes and says, whatever flows."""

from __future__ import annotations

import pytest

from reconciler.errors import LoginRefused, TargetIncomplete
from reconciler.sync.mode import Mode
from reconciler.sync.run import runner
from reconciler.sync.run.report import State
from support.engine import Engine


def test_a_first_run_is_a_full_sync_that_writes_everything(engine: Engine) -> None:
    report = engine.run()
    assert (report.mode, report.state, report.asked) == (Mode.FULL, State.FINISHED, None)
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}
    assert (report.counts["seen"], report.counts["written"], dict(report.parts)) == (3, 3, {"body": 3})
    assert engine.site.log is not None
    assert engine.site.log["last_full_sync_succeeded"] is True


def test_what_is_as_it_was_written_is_not_sent_again(engine: Engine) -> None:
    engine.run()
    report = engine.run(Mode.FULL)
    assert engine.things.sent == []
    assert (report.counts["seen"], report.counts["unchanged"]) == (3, 3)


def test_a_change_is_sent_alone(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"] = "B2"
    engine.run(Mode.WALK)
    assert engine.things.sent == ["b"]


def test_an_incremental_run_reads_what_is_known_to_have_changed(engine: Engine) -> None:
    engine.run()
    engine.things.there |= {"a": "A2", "b": "B2"}
    engine.things.changed = ["b"]
    report = engine.run()
    assert report.mode is Mode.INCREMENTAL
    assert engine.things.sent == ["b"]


def test_an_incremental_run_takes_up_what_is_wanted_and_what_is_due(engine: Engine) -> None:
    engine.things.due["c"] = engine.now.replace(year=engine.now.year + 1)
    engine.run()
    engine.things.there |= {"a": "A2", "c": "C2"}
    engine.levels.want(["a"])
    assert engine.run().mode is Mode.INCREMENTAL
    assert engine.things.sent == ["a"]
    engine.later(days=370)
    engine.things.due.clear()
    engine.run(Mode.INCREMENTAL)
    assert engine.things.sent == ["c"]


def test_a_rewrite_sends_everything(engine: Engine) -> None:
    engine.run()
    engine.run(Mode.REWRITE)
    assert sorted(engine.things.sent) == ["a", "b", "c"]


def test_a_run_that_verifies_sends_what_the_target_has_otherwise(engine: Engine) -> None:
    engine.run()
    engine.things.site["b"] = "changed"
    engine.run(Mode.VERIFY)
    assert engine.things.sent == ["b"]


def test_another_mapping_wants_a_full_sync(engine: Engine) -> None:
    engine.run()
    engine.things.digest = "two"
    assert engine.run().mode is Mode.FULL


def test_an_incremental_run_that_wrote_nothing_leaves_the_log_alone(engine: Engine) -> None:
    engine.run()
    before = dict(engine.site.log or {})
    engine.later(minutes=20)
    engine.run(Mode.INCREMENTAL)
    assert engine.site.log == before
    engine.levels.want(["a"])
    engine.things.there["a"] = "A2"
    engine.run(Mode.INCREMENTAL)
    assert "last_partial_sync" in (engine.site.log or {})


def test_what_an_api_refuses_for_all_ends_the_run_and_the_next_goes_on(engine: Engine) -> None:
    engine.things.fails["b"] = lambda: LoginRefused("no")
    report = engine.run()
    assert (report.state, report.message) == (State.INTERRUPTED, "no")
    engine.things.fails.clear()
    assert engine.run().resumed


def test_something_that_is_missing_at_the_target_stops_the_run_and_the_next_one_looks_at_everything(
    engine: Engine,
) -> None:
    engine.run()
    engine.things.fails["facts"] = lambda: TargetIncomplete("gone", next_step="Apply.")
    with pytest.raises(TargetIncomplete):
        engine.run()
    stopped = engine.levels.last(state=None)
    assert stopped is not None
    assert (stopped.state, stopped.message) == ("stopped", "gone. Apply.")
    engine.things.fails.clear()
    engine.things.site.clear()
    report = engine.run()
    assert report.mode is Mode.VERIFY
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}


def test_what_a_run_was_busy_with_does_not_stand_in_place_of_why_it_ended(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress is noted until the end is, and not after it."""
    monkeypatch.setattr(runner, "_BEAT_SECONDS", 0.0)
    engine.run()
    del engine.things.there["a"], engine.things.there["b"]
    report = engine.run(Mode.WALK)
    noted = engine.levels.last(state=None)
    assert noted is not None
    assert (noted.state, noted.message) == ("stopped", f"{report.message}. {report.next_step}")
