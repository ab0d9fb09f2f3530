"""A clock that is wrong, ours or the source's, for a moment or for good, hides no change, and is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from reconciler.ledger.data.model import DataRun
from reconciler.sync.mode import Mode
from reconciler.sync.run.context import Job
from reconciler.sync.run.loop import _rest, _Turn
from support.engine import Engine

AHEAD = timedelta(days=400)
OVERLAP = timedelta(minutes=10)


def newest(engine: Engine) -> DataRun:
    found = engine.levels.last(state=None)
    assert found is not None
    return found


def test_one_answer_that_is_far_ahead_is_no_watermark(engine: Engine) -> None:
    """At the beginning one answer is all that is known; at the end others have contradicted it."""
    start = engine.now + timedelta(minutes=1)
    engine.things.clock = lambda: start + AHEAD

    def others_answered() -> None:
        engine.things.clock = lambda: start

    engine.things.fails["list a"] = others_answered
    engine.run()
    assert newest(engine).watermark == start - OVERLAP


def test_a_watermark_is_of_the_runs_start_however_long_the_look_before_it_took(engine: Engine) -> None:
    engine.things.fails["facts"] = lambda: engine.later(hours=1)
    engine.run()
    run = newest(engine)
    assert run.watermark == run.started_at - OVERLAP


def test_a_watermark_that_lies_ahead_hides_no_change(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.things.clock = lambda: engine.now + AHEAD
    engine.run()
    asked: list[Any] = []
    changed_since = engine.things.changed_since

    def listen(moment: Any) -> Any:
        asked.append(moment)
        return changed_since(moment)

    monkeypatch.setattr(engine.things, "changed_since", listen)
    engine.things.clock = None
    engine.run(Mode.INCREMENTAL)
    assert asked == [newest(engine).started_at - OVERLAP]


def test_a_walk_that_began_in_the_future_puts_off_no_other(engine: Engine) -> None:
    engine.later(days=400)
    engine.run()
    engine.later(days=-400)
    report = engine.run()
    assert report.mode is Mode.WALK
    assert any("in the future: the clock of this machine is wrong, or was" in remark for remark in report.remarks)


@pytest.mark.parametrize(("hours", "words"), [(1, "Source is 1 h ahead of"), (-1, "Source is 1 h behind")])
def test_a_source_whose_clock_is_another_is_told(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, hours: float, words: str
) -> None:
    monkeypatch.setattr(engine.things, "clock_offset", timedelta(hours=hours))
    assert any(words in remark for remark in engine.run().remarks)


def test_a_watch_waits_no_longer_where_the_clock_is_set_back(engine: Engine) -> None:
    moments = [engine.now, *(engine.now - timedelta(days=1) + timedelta(minutes=n) for n in range(40))]
    told = iter(moment for moment in moments for _ in range(2))
    last = moments[-1]
    job: Any = SimpleNamespace(now=lambda: next(told, last), store=None)
    stopped: Any = SimpleNamespace(wait=_never, is_set=lambda: False)
    turn = _Turn(cast("Job", job), engine.now, timedelta(minutes=15), failures=1)
    assert asyncio.run(_rest([turn], stopped)) == [turn]
    assert next(told, None) is not None


async def _never() -> None:
    raise TimeoutError
