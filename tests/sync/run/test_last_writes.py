"""A run that dies at a write of the sync log, its last one above all: the next run knows what is there for ours."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import LoginRefused
from reconciler.ledger.data.model import DataRun
from reconciler.sparklayer.sync_log import SyncTimes
from reconciler.sync.mode import Mode
from reconciler.sync.run.log_dates import recognise
from support.engine import Engine, Killed, open_engine, quick

WRITES = ("put", "put after", "date", "date after")
DEATHS = [
    *((Mode.FULL, at) for at in WRITES),
    *((Mode.VERIFY, at) for at in WRITES),
    (Mode.REWRITE, "date after"),
    (Mode.INCREMENTAL, "date"),
    (Mode.INCREMENTAL, "date after"),
    (Mode.WALK, "date after"),
]
# What goes on afterwards goes the same ways: one of each.
SOME = [(Mode.FULL, "put after"), (Mode.FULL, "date"), (Mode.VERIFY, "date after"), (Mode.INCREMENTAL, "date after")]


def change(engine: Engine, text: str) -> None:
    engine.things.there["b"] = text
    engine.things.changed = ["b"]


def die(engine: Engine, mode: Mode | None, at: str) -> None:
    engine.site.fails[at] = lambda: Killed()
    with pytest.raises(Killed):
        engine.run(mode)
    engine.site.fails.clear()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, bytes]:
    """An engine after a full sync and a partial one, with a change that waits, and its ledger's file."""
    folder = tmp_path_factory.mktemp("before")
    with pytest.MonkeyPatch.context() as patch:
        quick(patch)
        patch.delenv("RECONCILER_TEST_LEDGER", raising=False)
        with open_engine(folder, a="A", b="B", c="C") as engine:
            engine.run()
            change(engine, "B2")
            engine.run(Mode.INCREMENTAL)
            change(engine, "B3")
    return engine, (folder / "ledger.db").read_bytes()


@pytest.fixture
def synced(before: tuple[Engine, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """What comes after `before`, for each test anew."""
    begun, ledger = before
    quick(monkeypatch)
    monkeypatch.delenv("RECONCILER_TEST_LEDGER", raising=False)
    (tmp_path / "ledger.db").write_bytes(ledger)
    with open_engine(tmp_path, **begun.things.there) as engine:
        engine.things.site, engine.things.changed = dict(begun.things.site), list(begun.things.changed)
        engine.site.log, engine.now = copy.deepcopy(begun.site.log), begun.now
        yield engine


def recovers(engine: Engine, mode: Mode | None = None) -> bool:
    """Whether the next run and the one after it are what they would have been, and the log says that they were."""
    reports = [engine.run(mode)]
    change(engine, "B4")
    reports.append(engine.run())
    assert [report.state for report in reports] == ["finished", "finished"]
    assert engine.things.site["b"] == "B4"
    assert (engine.site.log or {})["last_partial_sync"] is not None
    assert "last_full_sync" in (engine.site.log or {})
    told = any("sync log is not as we left it" in remark for report in reports for remark in report.remarks)
    return reports[1].mode is Mode.INCREMENTAL and not told


@pytest.mark.parametrize(("mode", "at"), DEATHS)
def test_killed_at_a_write_of_the_log_the_run_goes_on_and_the_next_is_an_ordinary_one(
    synced: Engine, mode: Mode, at: str
) -> None:
    die(synced, mode, at)
    assert recovers(synced)


@pytest.mark.parametrize(("mode", "at"), SOME)
def test_so_is_a_run_that_takes_the_place_of_the_one_that_was_killed(synced: Engine, mode: Mode, at: str) -> None:
    die(synced, mode, at)
    synced.things.digest = "another"
    assert recovers(synced)


@pytest.mark.parametrize(("mode", "at"), SOME)
def test_killed_twice_at_the_same_write_it_still_goes_on(synced: Engine, mode: Mode, at: str) -> None:
    die(synced, mode, at)
    die(synced, None, at)
    assert recovers(synced)


@pytest.mark.parametrize("at", ["date", "date after"])
def test_an_api_that_is_away_at_the_last_write_leaves_a_run_that_goes_on(synced: Engine, at: str) -> None:
    synced.site.fails[at] = lambda: LoginRefused("no")
    assert synced.run(Mode.INCREMENTAL).state == "interrupted"
    synced.site.fails.clear()
    assert recovers(synced)
    assert synced.run().mode is Mode.INCREMENTAL


def test_what_an_older_ledger_finds_in_the_log_is_verified_once(synced: Engine) -> None:
    """As after the ledger was restored from a copy: the log has a partial sync of ours that it knows nothing of."""
    before = synced.levels.log_dates()
    log = copy.deepcopy(synced.site.log)
    assert log is not None
    synced.site.log = log | {"last_partial_sync": "2031-01-01T00:00:00.000Z"}
    assert synced.run().mode is Mode.VERIFY
    assert synced.levels.log_dates() != before
    assert recovers(synced)


def test_a_finished_run_explains_no_date_that_was_not_noted(synced: Engine) -> None:
    newest, ours = synced.levels.last(), synced.levels.log_dates()
    assert isinstance(newest, DataRun)
    assert newest.completed_at is not None
    theirs = SyncTimes(ours.started, ours.last_full, True, newest.completed_at + timedelta(seconds=1))
    assert recognise(ours, newest, theirs) is None
