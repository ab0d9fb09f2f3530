"""When a worker runs a scope, and how long it lets it rest: by the ledger alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.ledger.data.service_model import Turn
from reconciler.ledger.data.turns import NewestRun, Waits
from reconciler.sync.run.report import State
from reconciler.workers.due import REST, begun, ended, failed, is_due
from support.engine import SETTINGS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
FINISHED = NewestRun("r", "finished", "digest", NOW - timedelta(minutes=1))
RESTS = Waits(applied="digest", newest=FINISHED, turn=Turn("r", NOW + timedelta(minutes=14), 0))


def due(waits, config="digest"):
    return is_due(waits, SETTINGS, config, NOW)


def test_what_was_never_run_is_due_once_it_was_applied_as_the_worker_has_it():
    assert due(Waits(applied="digest"))
    assert not due(Waits())
    assert not due(Waits(applied="other"))


def test_what_somebody_runs_is_not_due():
    assert not due(Waits(applied="digest", locked=True))


def test_it_rests_between_runs_unless_something_waits():
    assert not due(RESTS)
    assert due(replace(RESTS, turn=Turn("r", NOW, 0)))
    assert due(replace(RESTS, wanted=True))
    assert due(replace(RESTS, ready=True))
    assert not due(replace(RESTS, ready=True, newest=replace(FINISHED, ended_at=NOW - REST / 2)))


def test_a_run_by_hand_counts_and_a_clock_that_was_ahead_makes_nobody_wait_longer():
    by_hand = replace(RESTS, newest=replace(FINISHED, id="by hand"))
    assert not due(by_hand)
    assert due(replace(by_hand, newest=replace(by_hand.newest, ended_at=LONG_AGO)))
    assert not due(replace(by_hand, newest=replace(by_hand.newest, ended_at=NOW + timedelta(hours=9))))


def test_other_settings_are_run_at_once():
    assert due(replace(RESTS, applied="new"), "new")
    assert due(replace(RESTS, applied="new", newest=replace(FINISHED, state="stopped")), "new")


@pytest.mark.parametrize("state", ["stopped", "cancelled"])
def test_what_a_limit_or_somebody_ended_waits_until_somebody_wants_it(state):
    over = replace(RESTS, newest=replace(FINISHED, state=state, ended_at=LONG_AGO), turn=Turn("r", None, 0))
    assert not due(replace(over, ready=True))
    assert due(replace(over, wanted=True))


@pytest.mark.parametrize("state", ["running", "interrupted"])
def test_what_was_cut_off_goes_on_at_once_but_not_for_ever(state):
    cut_off = Waits(applied="digest", newest=NewestRun("r", state, "digest", None))
    assert due(cut_off)
    assert due(replace(cut_off, turn=Turn("before", NOW, 1)))
    assert due(replace(cut_off, turn=Turn("r", NOW, 1)))
    assert not due(replace(cut_off, turn=Turn("before", NOW + timedelta(minutes=1), 4)))
    assert not due(replace(cut_off, turn=Turn("r", NOW + timedelta(minutes=1), 4)))
    assert [begun(failures, SETTINGS) for failures in (1, 2, 3, 4)] == [
        timedelta(), timedelta(), timedelta(minutes=1), timedelta(minutes=2),
    ]  # fmt: skip


def test_failures_wait_longer_and_longer_and_an_end_in_order_forgets_them():
    assert ended(State.INTERRUPTED, 0, SETTINGS, drained=False) == (timedelta(minutes=1), 1)
    assert ended(State.INTERRUPTED, 2, SETTINGS, drained=False) == (timedelta(minutes=4), 3)
    assert failed(9, SETTINGS) == (timedelta(minutes=15), 10)
    assert ended(State.FINISHED, 3, SETTINGS, drained=False) == (SETTINGS.interval, 0)
    assert ended(State.STOPPED, 3, SETTINGS, drained=False) == (None, 0)
    assert not due(replace(RESTS, turn=Turn("r", NOW + timedelta(seconds=1), 1), wanted=True))
    assert due(replace(RESTS, turn=Turn("r", NOW, 1)))


def test_what_a_worker_gives_up_because_it_ends_another_takes_at_once():
    due_in, failures = ended(State.INTERRUPTED, 2, SETTINGS, drained=True)
    assert (due_in, failures) == (timedelta(), 0)
    assert due(Waits(applied="digest", newest=NewestRun("r", "interrupted", "digest", NOW), turn=Turn("r", NOW, 0)))
