"""What a run has seen of the target replaces what the ledger believed of it, whatever becomes of the record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.errors import LoginRefused, ServerFault
from reconciler.sync.mode import Mode
from support.engine import Engine

WALKS = (Mode.WALK, Mode.FULL)


@pytest.fixture(params=["changed", "deleted"])
def otherwise(request: pytest.FixtureRequest, engine: Engine) -> Engine:
    """An engine that has run once, and whose target has b otherwise than it was left, while b is held back."""
    engine.run()
    engine.things.held_back = {"b"}
    if request.param == "deleted":
        del engine.things.site["b"]
    else:
        engine.things.site["b"] = "changed"
    return engine


@pytest.mark.parametrize("mode", WALKS)
def test_what_a_verify_saw_of_a_record_that_is_held_back_is_mended_with_its_problem(
    otherwise: Engine, mode: Mode
) -> None:
    otherwise.run(Mode.VERIFY)
    otherwise.things.held_back.clear()
    otherwise.run(mode)
    assert otherwise.things.site["b"] == "B"


@pytest.mark.parametrize("mode", WALKS)
def test_what_the_look_before_a_run_saw_of_a_record_that_is_held_back_is_mended_with_its_problem(
    otherwise: Engine, mode: Mode
) -> None:
    otherwise.run(Mode.INCREMENTAL)
    otherwise.things.held_back.clear()
    otherwise.run(mode)
    assert otherwise.things.site["b"] == "B"


def test_a_rewrite_trusts_nothing_that_it_could_not_write(otherwise: Engine) -> None:
    otherwise.run(Mode.REWRITE)
    otherwise.things.held_back.clear()
    otherwise.run(Mode.FULL)
    assert otherwise.things.site["b"] == "B"


def test_what_was_seen_stays_seen_where_the_verify_that_it_led_to_is_not_gone_on_with(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.run()
    engine.things.site["a"] = engine.things.site["b"] = engine.things.site["c"] = "changed"
    engine.things.fails["list a"] = lambda: LoginRefused("no")
    assert engine.run(Mode.WALK).mode is Mode.VERIFY
    engine.things.fails.clear()
    engine.things.digest = "another"
    monkeypatch.setattr("reconciler.sync.run.preflight._LATEST", 0)
    monkeypatch.setattr("reconciler.sync.run.preflight._RANDOM", 0)
    engine.run(Mode.FULL)
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}


def test_a_record_whose_problem_keeps_nothing_back_is_written_again_like_any_other(engine: Engine) -> None:
    engine.things.problems = {"b"}
    engine.run()
    engine.things.site["b"] = "changed"
    report = engine.run(Mode.INCREMENTAL)
    assert (engine.things.sent, engine.things.site["b"]) == (["b"], "B")
    assert any("b: changed in the target by somebody else" in remark for remark in report.remarks)


def test_what_is_held_back_and_as_it_was_left_is_not_sent_again_once_it_is_mended(engine: Engine) -> None:
    engine.run()
    engine.things.held_back = {"b"}
    engine.run(Mode.VERIFY)
    engine.things.held_back.clear()
    engine.run(Mode.FULL)
    assert engine.things.sent == []


def test_what_was_discontinued_and_came_back_at_the_target_is_discontinued_again_by_a_verify(engine: Engine) -> None:
    engine.run()
    del engine.things.there["b"]
    engine.run(Mode.FULL)
    assert engine.things.site["b"] == ""
    engine.things.site["b"] = "B"
    report = engine.run(Mode.VERIFY)
    assert (engine.things.site["b"], report.counts["discontinued"]) == ("", 1)
    assert engine.run(Mode.VERIFY).counts["seen"] == 2
    assert engine.things.sent == []


def test_a_write_that_failed_for_good_leaves_the_other_parts_as_they_were_seen(engine: Engine) -> None:
    engine.run()
    engine.tick = timedelta(seconds=5)
    engine.things.there["b"] = "B2"
    engine.things.fails["b"] = lambda: ServerFault("HTTP 500")
    engine.run(Mode.VERIFY)
    engine.things.fails.clear()
    engine.things.there["b"] = "B"
    engine.levels.retry(None)
    engine.run(Mode.INCREMENTAL)
    assert engine.things.site["b"] == "B"
