"""What is healed is what a rule names and nothing stands against; the rest is left, and it is said why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.kind.kind import Action, Observed
from reconciler.kind.semantics import Risk
from reconciler.ledger.config.model import Memory, Snapshot, Snooze
from reconciler.manifest.environment import Guardrails, HealRule
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.lease import Lease
from reconciler.pause.window import Window, Windows
from reconciler.reconcile.heal import HealPast, choose, differs_from_applied, planned_healing
from reconciler.reconcile.plan import Cause
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.session import Comparison
from reconciler.reconcile.work import Desired
from reconciler.reconcile.write import plain_state
from support.builders import (
    ALL_KINDS,
    API,
    NOW,
    config,
    entity_sync,
    http_targets,
    inputs,
    live_config,
    live_sync,
    secret,
)

SYNC, CONFIG = "EntitySync/categories", "DeliveryConfig/hooks"
OPEN = Windows((Window("0 12 * * *", timedelta(hours=1), "UTC", "Import"),))
OVER = DeclaredPause(True, NOW - timedelta(hours=1), "Load")
IN_WINDOW = DeclaredPause(True, None, None, None, OPEN)
ALL = [HealRule(cause=cause) for cause in ("overdue-pause", "undeclared-pause", "window", "live-moved", "restored")]
LONG_AGO = NOW - timedelta(days=2)


def applied(*desired: Desired, **rest: Any) -> Memory:
    """Return a memory in which these were applied two days ago."""
    states = {
        (API, each.kind, each.id): Snapshot(plain_state(each, ALL_KINDS[each.kind].spec), LONG_AGO) for each in desired
    }
    return Memory(snapshots=states, fresh=False, **rest)


def compare(desired: list[Desired], live: list[Observed], **rest: Any) -> Comparison:
    read = inputs(desired, live, **rest)
    return Comparison(read, make_plan(read))


def undeclared(**rest: Any) -> Comparison:
    desired = [config(), entity_sync()]
    memory = rest.pop("memory", applied(*desired))
    return compare(desired, [live_config(), live_sync(Paused=True)], memory=memory, **rest)


def overdue(**rest: Any) -> Comparison:
    return compare([config(), entity_sync(pause_spec=OVER)], [live_config(), live_sync(Paused=True)], **rest)


def window(**rest: Any) -> Comparison:
    return compare([config(), entity_sync(pause=True, pause_spec=IN_WINDOW)], [live_config(), live_sync()], **rest)


def moved(fields: dict[str, Any], **rest: Any) -> Comparison:
    desired = [config(), entity_sync()]
    memory = rest.pop("memory", applied(*desired))
    return compare(desired, [live_config(), live_sync(**fields)], memory=memory, **rest)


def heal(comparison: Comparison, rules: list[HealRule] = ALL, **rest: Any) -> tuple[list[str], dict[str, str]]:
    """Return what is healed and why the rest is left, with everything that stands against it out of the way."""
    options: dict[str, Any] = {"past": seen(comparison), "touched": lambda _: None, "lasting": True} | rest
    chosen = choose(comparison, rules, options["past"], options["touched"], lasting=options["lasting"])
    planned, digests = planned_healing(comparison.planned, chosen)
    healed = [change.key for change in planned.plan.changes if change.digest in digests]
    assert set(healed) == set(chosen.healed)
    return healed, dict(chosen.left)


def seen(comparison: Comparison, ago: timedelta = timedelta(days=1), **healed: int) -> HealPast:
    since = {(change.key, change.cause): NOW - ago for change in comparison.planned.plan.changes}
    return HealPast(NOW, since, healed)


CASES = {"overdue-pause": overdue, "undeclared-pause": undeclared, "window": window}


@pytest.mark.parametrize("cause", CASES)
def test_what_a_rule_names_is_healed_and_nothing_else(cause: str) -> None:
    comparison = CASES[cause]()
    assert heal(comparison, [HealRule.model_validate({"cause": cause})]) == ([SYNC], {})
    assert heal(comparison, [rule for rule in ALL if rule.cause != cause]) == ([], {})
    assert heal(comparison, []) == ([], {})


def test_what_moved_in_live_is_put_back_where_its_risk_is_allowed() -> None:
    comparison = moved({"SyncEntityDeleted": False})
    assert heal(comparison) == ([SYNC], {})
    _, left = heal(comparison, [HealRule(cause="live-moved", risks=["re-syncs"])])
    assert left == {SYNC: "its risk is cosmetic, and drift.heal allows re-syncs"}


def test_what_git_moved_is_nobodys_to_heal() -> None:
    desired = [config(name="New"), entity_sync()]
    comparison = compare(desired, [live_config(), live_sync()], memory=applied(config(), entity_sync()))
    assert [change.cause for change in comparison.planned.plan.changes] == [Cause.GIT_MOVED]
    assert heal(comparison) == ([], {})


def test_healing_never_deletes_and_never_loses_data() -> None:
    comparison = moved({"SyncEntityDeleted": False})
    (change,), planned = comparison.planned.plan.changes, comparison.planned
    for what, words in (
        ({"risk": Risk.LOSES_DATA}, "healing never loses data"),
        ({"action": Action.RENAME}, "healing never does a rename"),
        ({"action": Action.DELETE}, "healing never does a delete"),
    ):
        worse = replace(change, **what)
        work = {SYNC: replace(planned.work[SYNC], change=worse)}
        worse_plan = replace(planned, plan=replace(planned.plan, changes=(worse,)), work=work)
        assert heal(replace(comparison, planned=worse_plan)) == ([], {SYNC: words})
    gone = compare([entity_sync(absent=True)], [live_sync()], memory=applied(entity_sync()))
    assert heal(gone)[0] == []


def test_a_pause_is_started_and_lifted_alone_whatever_else_differs() -> None:
    rules = [rule for rule in ALL if rule.cause != "live-moved"]
    other = live_sync(Paused=True, SyncEntityDeleted=False)
    desired = {"overdue": entity_sync(pause_spec=OVER), "undeclared-pause": entity_sync()}
    for cause, each in desired.items():
        comparison = compare([config(), each], [live_config(), other])
        (work,) = choose(comparison, rules, seen(comparison), lambda _: None, lasting=True).healed.values()
        assert (work.change.cause.value, work.change.action) == (cause, Action.RESUME)
        kind = ALL_KINDS["EntitySync"]
        assert work.observed is not None
        assert kind.update_body(work.desired.state, work.observed, work.changed) == {"Paused": False}
        assert work.pause_alone
    memory = applied(config(), entity_sync())
    in_window = [config(), entity_sync(pause=True, pause_spec=IN_WINDOW)]
    comparison = compare(in_window, [live_config(), live_sync(SyncEntityDeleted=False)], memory=memory)
    assert [change.cause for change in comparison.planned.plan.changes] == [Cause.LIVE_MOVED]
    (work,) = choose(comparison, rules, HealPast(NOW), lambda _: None, lasting=True).healed.values()
    assert (work.change.cause, work.change.action) == (Cause.WINDOW, Action.PAUSE)
    assert [field.path for field in work.change.fields] == ["pause"]


@pytest.mark.parametrize("cause", ["overdue-pause", "undeclared-pause", "window"])
def test_what_is_snoozed_or_paused_by_hand_is_left(cause: str) -> None:
    snooze = Snooze("EntitySync", "categories", NOW + timedelta(hours=1), "Waiting", "ann")
    desired = [config(), entity_sync()]
    healed, left = heal(CASES[cause](memory=applied(*desired, snoozes=(snooze,))))
    assert (healed, left) == ([], {SYNC: "it is snoozed until 2026-11-21 13:00 UTC: Waiting"})
    lease = Lease("EntitySync", "categories", "ann", NOW + timedelta(hours=1), "Load")
    assert heal(CASES[cause](memory=applied(*desired, leases=(lease,)))) == ([], {})  # no change at all
    moved_too = moved({"SyncEntityDeleted": False, "Paused": True}, memory=applied(*desired, leases=(lease,)))
    assert heal(moved_too) == ([], {SYNC: "it is paused by hand until 2026-11-21 13:00 UTC: Load"})


@pytest.mark.parametrize(
    ("after", "ago", "healed"),
    [(None, 29, False), (None, 30, True), ("5m", 4, False), ("5m", 5, True), ("2h", 119, False)],
)
def test_an_undeclared_pause_is_lifted_after_a_while(after: str | None, ago: int, healed: bool) -> None:
    comparison = undeclared()
    found, left = heal(
        comparison,
        [HealRule(cause="undeclared-pause", after=after)],
        past=seen(comparison, timedelta(minutes=ago)),
    )
    assert found == [SYNC] * healed
    assert healed or left[SYNC].startswith("seen since 2026-11-21 ")


def test_what_was_never_seen_before_waits_too() -> None:
    assert heal(undeclared(), past=HealPast(NOW))[0] == []
    assert heal(window(), past=HealPast(NOW))[0] == [SYNC]


def test_the_third_healing_of_a_day_is_not_done_but_said() -> None:
    comparison = undeclared()
    assert heal(comparison, past=seen(comparison, **{SYNC: 1}))[0] == [SYNC]
    healed, left = heal(comparison, past=seen(comparison, **{SYNC: 2}))
    assert (healed, left) == (
        [],
        {SYNC: "it was healed twice in the last 24 hours, and something moves it again: find out who"},
    )
    for by_clock in (window(), overdue()):
        assert heal(by_clock, past=seen(by_clock, **{SYNC: 9}))[0] == [SYNC]


def test_without_a_lasting_ledger_only_the_clock_heals() -> None:
    assert heal(overdue(), lasting=False)[0] == heal(window(), lasting=False)[0] == [SYNC]
    for comparison in (undeclared(), moved({"SyncEntityDeleted": False})):
        healed, left = heal(comparison, lasting=False)
        assert (healed, left[SYNC]) == ([], "no lasting ledger tells since when, how often and by whose hand")


def test_what_commits_have_touched_is_left() -> None:
    for comparison in (overdue(), window(), undeclared()):
        assert heal(comparison, touched=lambda work: f"{work.change.name} has changed") == (
            [],
            {SYNC: "categories has changed"},
        )


def test_where_no_commit_is_known_what_was_applied_last_decides() -> None:
    def left(comparison: Comparison) -> dict[str, str]:
        return heal(comparison, touched=lambda work: differs_from_applied(comparison, work))[1]

    assert left(undeclared()) == left(moved({"SyncEntityDeleted": False})) == {}
    other = applied(config(), entity_sync(syncEntityChanged=False))
    assert left(undeclared(memory=other)) == {SYNC: "its manifest is not what was applied last"}
    assert left(undeclared(memory=Memory())) == {SYNC: "nothing of it was applied from this ledger yet"}
    # A pause goes by the clock: of it, the manifest may say another thing by now.
    assert left(overdue()) == left(window()) == left(window(memory=applied(config(), entity_sync()))) == {}
    assert left(window(memory=other)) == {SYNC: "its manifest is not what was applied last"}


def test_what_a_guardrail_refuses_is_left_and_the_rest_is_healed() -> None:
    desired = [config(), entity_sync(pause=True, pause_spec=IN_WINDOW), entity_sync("buyers", pause_spec=OVER)]
    live = [live_config(), live_sync(), live_sync("buyers", Paused=True)]
    comparison = compare(desired, live, guardrails=Guardrails(maxPause="5m"))
    healed, left = heal(comparison)
    assert healed == ["EntitySync/buyers"]
    assert left[SYNC].startswith("the guardrail maxPause refuses it")


def test_what_has_to_send_a_secret_that_is_not_set_is_left() -> None:
    targets = http_targets()
    targets["http"]["secret"] = secret(None)
    desired = config(targets=targets)
    moved_away = live_config(DeliveryTargets={"Http": {"Endpoint": "https://other.example.com/oc"}})
    healed, left = heal(compare([desired], [moved_away], memory=applied(config())))
    assert healed == []
    assert "which is not set" in left[CONFIG] or "loses" in left[CONFIG]
