"""Only the settings that were applied last run: of two processes with two mappings side by side, one does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from reconciler.errors import NotApplied
from reconciler.ledger.data.obeyed import AppliedSettings
from reconciler.sync.mode import Mode
from reconciler.sync.run import loop as watching
from reconciler.sync.run.report import State
from support.engine import SCOPE, Killed


def applies(engine, digest):
    AppliedSettings(engine.levels.store._scoped.database).remember("test", {SCOPE: digest}, (), "c" * 40)


def test_an_old_and_a_new_mapping_side_by_side_make_one_full_sync(engine):
    engine.run()
    old, new = engine.things, replace(engine.things, digest="two")
    applies(engine, "two")
    modes, refused = [], 0
    for _ in range(10):
        engine.later(minutes=16)
        for side in (old, new):
            engine.things = side
            try:
                modes.append(engine.run().mode)
            except NotApplied:
                refused += 1
    assert modes.count(Mode.FULL) == 1
    assert modes[0] is Mode.FULL
    assert (len(modes), refused) == (10, 10)


def test_without_an_apply_that_says_so_every_mapping_runs(engine):
    engine.run()
    engine.things.digest = "two"
    assert engine.run().mode is Mode.FULL


def test_a_run_that_was_cut_off_does_not_go_on_with_settings_that_no_longer_hold(engine):
    engine.things.fails["list b"] = Killed
    applies(engine, "one")
    with pytest.raises(Killed):
        engine.run()
    written = dict(engine.things.site)
    engine.things.fails.clear()
    applies(engine, "two")
    with pytest.raises(NotApplied, match="other settings were applied"):
        engine.run()
    assert engine.things.site == written


def test_a_run_that_is_on_stops_when_other_settings_are_applied(engine, monkeypatch):
    monkeypatch.setattr("reconciler.sync.run.runner._BEAT_SECONDS", 0.01)
    applies(engine, "one")

    def applied_meanwhile(_progress):
        applies(engine, "two")

    report = engine.run(on_progress=applied_meanwhile, held=True)
    assert (report.state, report.message) == (State.INTERRUPTED, "other settings were applied")


def test_a_watch_waits_for_the_settings_that_hold_and_says_so(engine):
    told = []
    applies(engine, "two")

    async def watch():
        stop = asyncio.Event()

        def missing(error, _next):
            told.append(error.message)
            stop.set()

        return await watching.watch([engine.job()], stop=stop, on_missing=missing)

    assert asyncio.run(watch()) == ()
    assert told == ["other settings were applied than those that this process has"]
