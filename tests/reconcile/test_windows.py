"""A window that begins or ends is a change of its own: nobody approves twice what was reviewed with the manifest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.kind.kind import Action
from reconciler.ledger.config.model import Memory, Snapshot
from reconciler.manifest.environment import Guardrails
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.window import Window, Windows
from reconciler.reconcile.approval import permit_saved
from reconciler.reconcile.drift import find_drift
from reconciler.reconcile.gathered import Reviewed
from reconciler.reconcile.plan import Cause, Change, Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.planread import plan_from_json
from reconciler.reconcile.session import Comparison
from reconciler.reconcile.work import Planned
from support.builders import API, config, entity_sync, inputs, live_config, live_sync

NIGHTLY = Windows((Window("0 1 * * *", timedelta(hours=2), "UTC", "Nightly import"),))
BEFORE, OPEN, AFTER = (datetime(2026, 11, 21, hour, 30, tzinfo=UTC) for hour in (0, 1, 4))


def pause(until: datetime | None = None, windows: Windows = NIGHTLY) -> DeclaredPause:
    return DeclaredPause(True, until, "Season", None, windows)


def compare(now: datetime, *, paused: bool, declared: DeclaredPause | None = None, **rest: Any) -> Comparison:
    """Plan one sync with a nightly window, live paused or not."""
    declared = declared or pause()
    desired = entity_sync(pause=declared.is_active(now), pause_spec=declared, **rest.pop("fields", {}))
    read = inputs([config(), desired], [live_config(), live_sync(Paused=paused)], now=now, **rest)
    return Comparison(read, make_plan(read))


def only(comparison: Comparison) -> Change:
    (change,) = comparison.planned.plan.changes
    return change


def applied(at: datetime, *, paused: bool) -> Memory:
    state = entity_sync(pause=paused).state
    return Memory(snapshots={(API, "EntitySync", "categories"): Snapshot(state, at)}, fresh=False)


def test_a_window_that_begins_pauses_and_one_that_ends_resumes() -> None:
    change = only(compare(OPEN, paused=False))
    assert (change.action, change.cause, change.timed) == (Action.PAUSE, Cause.WINDOW, ("pause",))
    assert change.detail == "until 2026-11-21 03:00 UTC: Nightly import"
    change = only(compare(AFTER, paused=True))
    assert (change.action, change.cause) == (Action.RESUME, Cause.WINDOW)
    assert (change.detail or "").startswith("the window ended 2026-11-21 03:00 UTC")


@pytest.mark.parametrize(("now", "paused"), [(BEFORE, False), (OPEN, True), (AFTER, False)])
def test_between_its_beginning_and_its_end_a_window_changes_nothing(now: datetime, paused: bool) -> None:
    assert compare(now, paused=paused).planned.plan.changes == ()


@pytest.mark.parametrize(
    ("now", "live_paused", "memory", "cause"),
    [
        (OPEN, False, applied(BEFORE, paused=False), Cause.WINDOW),
        (OPEN, False, applied(BEFORE, paused=True), Cause.WINDOW),  # of another night
        (OPEN, False, applied(OPEN - timedelta(minutes=9), paused=True), Cause.LIVE_MOVED),  # resumed by hand meanwhile
        (AFTER, True, applied(OPEN, paused=True), Cause.WINDOW),
        (
            AFTER,
            True,
            applied(AFTER - timedelta(hours=1), paused=False),
            Cause.UNDECLARED_PAUSE,
        ),  # paused by hand since
        (AFTER, True, Memory(), Cause.WINDOW),
    ],
)
def test_what_a_hand_did_is_no_windows_doing(now: datetime, live_paused: bool, memory: Memory, cause: Cause) -> None:
    change = only(compare(now, paused=live_paused, memory=memory))
    assert (change.cause, bool(change.timed)) == (cause, cause is Cause.WINDOW)


def test_a_sync_that_is_paused_before_its_first_window_was_not_paused_by_it() -> None:
    never = Windows((Window("0 1 29 2 *", timedelta(hours=2), "UTC", "Leap day"),))
    assert only(compare(AFTER, paused=True, declared=pause(windows=never), memory=Memory())).cause is Cause.WINDOW
    until = pause(until=AFTER - timedelta(minutes=5))
    assert only(compare(AFTER, paused=True, declared=until)).cause is Cause.OVERDUE


def saved(comparison: Comparison) -> Plan:
    return plan_from_json(plan_to_json(comparison.planned.plan))


FIELDS = {"syncEntityDeleted": False}


@pytest.mark.parametrize("live_paused", [False, True])
@pytest.mark.parametrize("at", [BEFORE, OPEN, AFTER])
@pytest.mark.parametrize("reviewed_at", [BEFORE, OPEN, AFTER])
def test_what_was_reviewed_stands_whether_a_window_is_open_or_not(
    reviewed_at: datetime, at: datetime, live_paused: bool
) -> None:
    reviewed = compare(reviewed_at, paused=NIGHTLY.active(reviewed_at) != (), fields=FIELDS)
    now = compare(at, paused=live_paused, fields=FIELDS)
    permission = permit_saved(now, (Reviewed(saved(reviewed)),))
    assert permission.approved == {only(now).digest} == {only(reviewed).digest}
    assert permission.earlier == permission.unreviewed == ()


def test_a_window_needs_no_approval_beside_what_was_reviewed() -> None:
    permission = permit_saved(compare(OPEN, paused=False), (Reviewed(saved(compare(BEFORE, paused=False))),))
    assert len(permission.approved) == 1
    hand = compare(AFTER, paused=True, memory=applied(AFTER, paused=False))
    assert permit_saved(hand, (Reviewed(saved(compare(BEFORE, paused=False))),)).approved == frozenset()


def test_a_window_that_a_guardrail_refuses_does_not_keep_what_was_reviewed_from_being_applied() -> None:
    limits = Guardrails(maxPause="1h")
    desired = [config(name="New"), entity_sync(pause=True, pause_spec=pause())]
    read = inputs(desired, [live_config(), live_sync()], now=OPEN, guardrails=limits)
    comparison = Comparison(read, make_plan(read))
    reviewed = replace(saved(comparison), changes=comparison.planned.plan.changes[:1])
    permission = permit_saved(comparison, (Reviewed(reviewed),))
    assert permission.approved == {comparison.planned.plan.changes[0].digest}
    assert [change.cause for change in permission.unreviewed] == [Cause.WINDOW]


@pytest.mark.parametrize(
    ("windows", "limit", "rules"),
    [
        (NIGHTLY, "2h", []),
        (NIGHTLY, "1h", ["maxPause"]),
        (Windows((Window("0 * * * *", timedelta(hours=1), "UTC", "All day"),)), "7d", ["maxPause"]),
        (Windows((*NIGHTLY.windows, Window("0 3 * * *", timedelta(hours=3), "UTC", "Then"))), "4h", ["maxPause"]),
        (Windows((*NIGHTLY.windows, Window("0 3 * * *", timedelta(hours=3), "UTC", "Then"))), "5h", []),
    ],
)
def test_windows_that_join_to_more_than_max_pause_are_a_breach(windows: Windows, limit: str, rules: list[str]) -> None:
    found = compare(OPEN, paused=False, declared=pause(windows=windows), guardrails=Guardrails(maxPause=limit))
    assert [breach.rule for breach in found.planned.plan.breaches] == rules
    assert all("or more, window after window" in breach.message for breach in found.planned.plan.breaches)


def test_drift_names_the_window_and_the_command_that_goes_by_it() -> None:
    comparison = compare(OPEN, paused=False)
    (item,) = find_drift(comparison.inputs, comparison.planned).items
    assert item.cause is Cause.WINDOW
    assert item.next_steps[0] == "reconciler drift -e sandbox --heal"


def test_a_sync_that_is_made_may_be_made_in_or_outside_a_window() -> None:
    def plan(now: datetime) -> Planned:
        desired = entity_sync(pause=pause().is_active(now), pause_spec=pause())
        return make_plan(inputs([config(), desired], [live_config()], now=now))

    (before,), (opened,) = (plan(now).plan.changes for now in (BEFORE, OPEN))
    assert before.digest == opened.digest
    assert before.detail == "in windows, the next from 2026-11-21 01:00 UTC: Nightly import"
    assert opened.detail == "until 2026-11-21 03:00 UTC: Nightly import"
