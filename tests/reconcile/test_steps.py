"""A running sync is paused while its target changes: which changes have such steps, in which order, what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.kind.kind import Observed
from reconciler.ledger.config.model import Memory
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.lease import Lease
from reconciler.pause.window import Window, Windows
from reconciler.reconcile.digests import change_digest
from reconciler.reconcile.plan import Change, Plan
from reconciler.reconcile.planfile import ChangeDocument, change_to_json, plan_to_json
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.planread import change_from_json
from reconciler.reconcile.work import Desired
from reconciler.report.words import steps_told
from support.builders import ALL_KINDS, API, NOW, config, entity_sync, http_targets, inputs, live_config, live_sync

ELSEWHERE = http_targets("https://new.example.com/oc")
NOON = Windows((Window("0 12 * * *", timedelta(hours=1), "UTC", "Import"),))
HELD = Lease("EntitySync", "categories", "ann", NOW + timedelta(hours=1), "Load", api_url=API)


def plan(desired: list[Desired], live: list[Observed], **rest: Any) -> Plan:
    return make_plan(inputs(desired, live, **({"bracket": True} | rest))).plan


def moved(sync: Desired, live: Observed, **rest: Any) -> Plan:
    """Plan a new target for the config that a sync points at."""
    return plan([config(targets=ELSEWHERE), sync], [live_config(), live], **rest)


def steps(planned: Plan, key: str = "DeliveryConfig/hooks") -> list[str]:
    return [f"{step.action.value} {step.key}" for step in of(planned, key).steps]


def of(planned: Plan, key: str) -> Change:
    return next(change for change in planned.changes if change.key == key)


def remarks(planned: Plan) -> list[str]:
    return [note.message for note in planned.notes if note.kind.value == "remark"]


def test_the_syncs_of_a_config_are_paused_and_its_new_target_is_asked_before_it_changes() -> None:
    planned = plan(
        [config(targets=ELSEWHERE), entity_sync("buyers"), entity_sync("categories")],
        [live_config(), live_sync("buyers"), live_sync("categories")],
    )
    assert steps(planned) == [
        "pause EntitySync/buyers",
        "pause EntitySync/categories",
        "probe DeliveryConfig/hooks",
        "change DeliveryConfig/hooks",
        "resume EntitySync/buyers",
        "resume EntitySync/categories",
    ]


def test_a_sync_that_gets_another_config_keeps_the_old_one_until_the_new_one_answers() -> None:
    planned = plan(
        [config(), config("other"), entity_sync(config="other")], [live_config(), live_config("other"), live_sync()]
    )
    assert steps(planned, "EntitySync/categories") == [
        "pause EntitySync/categories",
        "probe DeliveryConfig/other",
        "change EntitySync/categories",
        "resume EntitySync/categories",
    ]


@pytest.mark.parametrize(("stopped", "has_steps"), [("buyers", True), ("categories", False)])
def test_whether_a_sync_that_gets_another_config_runs_is_its_own_affair(stopped: str, has_steps: bool) -> None:
    syncs = [entity_sync("buyers"), entity_sync(config="other"), entity_sync("suppliers")]
    desired = [
        replace(each, state={**each.state, "pause": True}, pause=DeclaredPause(True, None, "Stop"))
        if each.name == stopped
        else each
        for each in syncs
    ]
    live = [live_sync(name, Paused=name == stopped) for name in ("buyers", "categories", "suppliers")]
    planned = plan([config(), config("other"), *desired], [live_config(), live_config("other"), *live])
    assert bool(steps(planned, "EntitySync/categories")) is has_steps


def test_a_sync_that_leaves_a_config_is_paused_by_its_own_change_alone() -> None:
    planned = plan(
        [config(targets=ELSEWHERE), config("other"), entity_sync(config="other"), entity_sync("buyers")],
        [live_config(), live_config("other"), live_sync(), live_sync("buyers")],
    )
    assert "pause EntitySync/categories" not in steps(planned)
    assert "pause EntitySync/categories" in steps(planned, "EntitySync/categories")


def test_a_sync_without_a_manifest_is_paused_as_well() -> None:
    planned = plan([config(targets=ELSEWHERE)], [live_config(), live_sync()])
    assert steps(planned)[0] == "pause EntitySync/categories"


@pytest.mark.parametrize(
    ("sync", "live"),
    [
        (entity_sync(pause=True, pause_spec=DeclaredPause(True, None, "Stop")), live_sync(Paused=True)),
        (entity_sync(ignore=frozenset({"pause"})), live_sync(Paused=True)),
        (entity_sync(config="other"), live_sync(config="other")),
    ],
    ids=["declared", "by somebody", "another config"],
)
def test_what_is_paused_for_good_or_sends_elsewhere_needs_no_pause(sync: Desired, live: Observed) -> None:
    planned = plan([config(targets=ELSEWHERE), config("other"), sync], [live_config(), live_config("other"), live])
    assert steps(planned) == []


def test_a_window_or_a_lease_that_may_be_over_by_then_makes_no_other_change_of_it() -> None:
    """An approval holds whether the window is open or not, and whether a lease has ended meanwhile."""
    runs = of(moved(entity_sync(), live_sync()), "DeliveryConfig/hooks")
    windowed = entity_sync(pause=True, pause_spec=DeclaredPause(True, windows=NOON))
    in_window = of(moved(windowed, live_sync(Paused=True)), "DeliveryConfig/hooks")
    leased = of(moved(entity_sync(), live_sync(Paused=True), memory=Memory(leases=(HELD,))), "DeliveryConfig/hooks")
    assert runs.digest == in_window.digest == leased.digest


def test_a_sync_that_a_change_pauses_as_well_needs_no_pause_around_it() -> None:
    paused = entity_sync(config="other", pause=True, pause_spec=DeclaredPause(True, None, "Stop"))
    planned = plan([config(), config("other"), paused], [live_config(), live_config("other"), live_sync()])
    assert steps(planned, "EntitySync/categories") == []


def test_other_fields_of_a_config_change_by_themselves() -> None:
    planned = plan([config(name="Other"), entity_sync()], [live_config(), live_sync()])
    assert [change.steps for change in planned.changes] == [()]


def test_a_new_config_and_a_new_sync_change_by_themselves() -> None:
    assert {change.steps for change in plan([config(), entity_sync()], []).changes} == {()}


def test_what_cannot_be_paused_is_told() -> None:
    orders = ALL_KINDS["OrderSync"].observe("order", {"DeliveryConfigID": "hooks", "Enabled": True})
    planned = plan([config(targets=ELSEWHERE)], [live_config(), orders])
    assert steps(planned) == []
    assert remarks(planned) == ["OrderSync/order cannot be paused: it goes on while its target changes"]


def test_without_a_ledger_that_lasts_nothing_is_paused_and_that_is_told() -> None:
    planned = moved(entity_sync(), live_sync(), lasting=False)
    assert steps(planned) == []
    assert remarks(planned) == [
        "EntitySync/categories goes on meanwhile: pausing it around the change needs a ledger that lasts"
    ]


def test_syncs_that_were_not_read_are_told_of() -> None:
    read = inputs([config(targets=ELSEWHERE)], [live_config()], bracket=True)
    live = {"DeliveryConfig": read.live["DeliveryConfig"]}
    planned = make_plan(replace(read, live=live)).plan
    assert remarks(planned) == [
        "which EntitySync and ProductSync sends there was not read (--target): none is paused for it"
    ]


def test_an_environment_may_do_without() -> None:
    planned = moved(entity_sync(), live_sync(), bracket=False)
    assert (steps(planned), remarks(planned)) == ([], [])


def test_steps_are_part_of_what_is_approved_saved_and_shown() -> None:
    planned = moved(entity_sync(), live_sync())
    change = of(planned, "DeliveryConfig/hooks")
    assert change_digest(replace(change, steps=())) != change.digest
    assert plan_to_json(planned)["changes"][0]["steps"][0] == {"action": "pause", "object": "EntitySync/categories"}
    assert steps_told(change) == (
        "in steps: pause EntitySync/categories, probe DeliveryConfig/hooks, change, resume EntitySync/categories"
    )
    assert change_from_json(ChangeDocument.model_validate(change_to_json(change))) == change
