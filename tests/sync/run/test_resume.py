"""A run that was cut off goes on: it counts each record once, writes what is left, and nothing is taken for written."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from reconciler.errors import LoginRefused
from reconciler.sync.datatype import NotBegun
from reconciler.sync.mode import Mode
from reconciler.sync.run import runner
from reconciler.sync.run.progress import Progress
from reconciler.sync.run.report import State
from support.engine import Engine, Killed


def test_a_run_that_was_interrupted_goes_on_and_counts_each_record_once(engine: Engine) -> None:
    engine.things.fails["list c"] = lambda: LoginRefused("no")
    first = engine.run()
    assert first.state is State.INTERRUPTED
    engine.things.fails.clear()
    second = engine.run()
    assert (second.resumed, second.run_id, second.mode) == (True, first.run_id, Mode.FULL)
    assert (second.counts["seen"], second.counts["written"]) == (3, 3)
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}


def test_progress_goes_on_from_what_was_counted_before(engine: Engine) -> None:
    engine.run()
    engine.things.unlisted = engine.things.stale = {"b"}
    engine.things.fails["ask b"] = lambda: LoginRefused("no")
    assert engine.run(Mode.WALK).state is State.INTERRUPTED
    engine.things.fails.clear()
    shown: list[Progress] = []
    report = engine.run(Mode.WALK, shown.append)
    assert (report.resumed, report.counts["seen"], report.counts["left"]) == (True, 2, 1)
    # The walk was complete: nothing is read again, and what it saw is still shown.
    assert shown[-1].done == 2


def test_the_log_of_a_full_sync_is_begun_once(engine: Engine) -> None:
    engine.things.fails["list c"] = lambda: LoginRefused("no")
    engine.run()
    started = (engine.site.log or {})["started_full_sync"]
    engine.things.fails.clear()
    engine.later(minutes=5)
    engine.run()
    assert (engine.site.log or {})["started_full_sync"] == started


def test_a_rewrite_that_goes_on_sends_again_nothing_that_it_recorded(engine: Engine) -> None:
    engine.run()
    engine.things.fails["list c"] = lambda: LoginRefused("no")
    assert engine.run(Mode.REWRITE).state is State.INTERRUPTED
    assert sorted(engine.things.sent) == ["a", "b"]
    engine.things.fails.clear()
    report = engine.run(Mode.REWRITE)
    assert (report.resumed, report.state) == (True, State.FINISHED)
    assert engine.things.sent == ["c"]
    engine.run(Mode.REWRITE)
    assert sorted(engine.things.sent) == ["a", "b", "c"]


def test_a_rewrite_that_goes_on_sends_again_what_the_target_has_otherwise_by_now(engine: Engine) -> None:
    engine.run()
    engine.things.fails["list c"] = lambda: LoginRefused("no")
    engine.run(Mode.REWRITE)
    engine.things.fails.clear()
    del engine.things.site["a"]
    engine.things.site["b"] = "changed"
    assert engine.run(Mode.REWRITE).resumed
    assert sorted(engine.things.sent) == ["a", "b", "c"]
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}


def test_a_rewrite_sends_what_it_could_not_read_at_first(engine: Engine) -> None:
    engine.run()
    engine.tick = timedelta(seconds=1)
    engine.things.unlisted = engine.things.stale = {"b"}

    def catch_up() -> None:
        if engine.things.asked.count("b") == 2:
            engine.things.stale = set()

    engine.things.fails["ask b"] = catch_up
    engine.levels.want(["b"])
    assert engine.run(Mode.REWRITE).state is State.FINISHED
    assert sorted(engine.things.sent) == ["a", "b", "c"]


def test_after_a_day_a_new_run_begins(engine: Engine) -> None:
    engine.things.fails["list c"] = lambda: LoginRefused("no")
    first = engine.run()
    engine.things.fails.clear()
    engine.later(hours=25)
    assert engine.run().run_id != first.run_id


def test_a_run_that_is_asked_to_do_more_begins_anew(engine: Engine) -> None:
    engine.run()
    engine.things.fails["list c"] = lambda: LoginRefused("no")
    first = engine.run(Mode.WALK)
    engine.things.fails.clear()
    second = engine.run(Mode.FULL)
    assert (second.run_id != first.run_id, second.resumed) == (True, False)


def test_a_part_is_in_doubt_before_it_is_sent(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"] = "B2"
    seen = []

    def look() -> None:
        level = engine.level("b")
        seen.append((level.doubtful, level.prints))

    engine.things.fails["b"] = look
    engine.run(Mode.WALK)
    assert seen == [(True, {})]
    assert not engine.level("b").doubtful


def test_a_record_of_which_nobody_noted_what_became_is_sent_again(engine: Engine) -> None:
    engine.run()
    engine.things.there["b"] = "B2"
    engine.things.fails["b"] = lambda: LoginRefused("no")
    engine.run(Mode.WALK)
    engine.things.fails.clear()
    engine.things.there["b"] = "B"  # as it was: only the doubt tells that the target may hold something else
    engine.run()
    assert engine.things.sent == ["b"]


def test_a_watermark_lies_before_the_run_began(engine: Engine) -> None:
    report = engine.run()
    run = engine.levels.run(report.run_id)
    assert run is not None
    assert run.watermark == report.started_at - timedelta(minutes=10)


def test_a_stop_ends_the_run_between_two_records(engine: Engine) -> None:
    engine.things.fails["list b"] = lambda: engine.stop.set()
    report = engine.run()
    assert (report.state, report.message) == (State.INTERRUPTED, "asked to stop")
    assert set(engine.things.site) <= {"a", "b"}
    engine.things.fails.clear()
    assert engine.run().state is State.FINISHED
    assert engine.things.site == {"a": "A", "b": "B", "c": "C"}


def test_what_a_stop_kept_from_being_sent_is_written_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.run()
    write = engine.things.write

    async def stopped(state: Any, parts: Any) -> Any:
        if state.key == "b":
            engine.stop.set()
            raise NotBegun
        return await write(state, parts)

    with monkeypatch.context() as patched:
        patched.setattr(engine.things, "write", stopped)
        assert engine.run(Mode.REWRITE).state is State.INTERRUPTED
    assert engine.level("b").doubtful
    report = engine.run()
    assert (report.mode, report.resumed, report.state) == (Mode.REWRITE, True, State.FINISHED)
    assert "b" in engine.things.sent
    assert not any(engine.level(key).is_open for key in "abc")


def test_a_cancel_ends_the_run_and_the_next_one_begins_anew(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.sync.run.runner._BEAT_SECONDS", 0.001)

    def cancel() -> LoginRefused | None:
        engine.levels.cancel()
        return None

    engine.things.fails["list a"] = cancel
    report = engine.run(held=True)
    assert report.state is State.CANCELLED
    engine.things.fails.clear()
    assert not engine.run().resumed


@pytest.mark.parametrize("signalled", [False, True], ids=["alone", "after a signal"])
def test_a_cancel_waits_little_for_what_was_sent_and_leaves_it_in_doubt(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, signalled: bool
) -> None:
    monkeypatch.setattr(runner, "_BEAT_SECONDS", 0.001)
    monkeypatch.setattr(runner, "CANCEL_GRACE_SECONDS", 0.01)
    send = engine.things._send

    async def unanswered(state: Any) -> None:
        await send(state)
        if state.key == "b":
            if signalled:
                engine.stop.set()
            engine.levels.cancel()
            async with asyncio.timeout(20):
                await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(engine.things, "_send", unanswered)
        assert engine.run().state is State.CANCELLED
    assert engine.level("b").doubtful
    report = engine.run()
    assert (report.resumed, report.state) == (False, State.FINISHED)
    assert "b" in engine.things.sent
    assert not engine.level("b").doubtful


@pytest.mark.parametrize(("at", "goes_on"), [("census", False), ("facts", False), ("list a", True)])
@pytest.mark.parametrize("mode", [Mode.FULL, Mode.VERIFY])
def test_killed_before_it_began_anything_another_run_begins_and_after_that_it_goes_on(
    engine: Engine, at: str, goes_on: bool, mode: Mode
) -> None:
    engine.run()
    engine.things.fails[at] = lambda: Killed()
    with pytest.raises(Killed):
        engine.run(mode)
    engine.things.fails.clear()
    killed = engine.levels.last(state=None)
    report = engine.run()
    assert killed is not None
    assert (report.run_id == killed.id, report.resumed, report.mode) == (goes_on, goes_on, mode)
