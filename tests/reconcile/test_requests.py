"""What a plan makes of requests: operations of what certainly was not carried out, notes of everything else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.errors import Place
from reconciler.kind.request import LONGEST_AHEAD
from reconciler.ledger.config.model import AskedRequest, Memory, RequestStep, StepState
from reconciler.reconcile.gathered import Reviewed, gather
from reconciler.reconcile.plan import Note, Operation, Outcome, Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.planread import plan_from_json
from reconciler.reconcile.requests import Requested
from reconciler.reconcile.work import Planned
from reconciler.registry import request_kinds
from support.builders import API, NOW, config, entity_sync, inputs, live_config, live_sync

SOON = NOW + timedelta(hours=5)
DONE, SENT, REFUSED, PENDING = (
    RequestStep("a", StepState.DONE),
    RequestStep("b", StepState.SENT),
    RequestStep("c", StepState.REFUSED, "not enabled"),
    RequestStep("d", StepState.PENDING),
)
KNOWS = Memory(remembers=frozenset({API}), fresh=False)


def request(name: str = "repair", records: tuple[str, ...] = ("A", "B"), **changes: Any) -> Requested:
    state = {"type": "catalogs", "records": list(records), "notAfter": SOON}
    made = Requested("Resync", name, f"id-{name}", state, SOON, Place("requests.yaml", 1))
    return replace(made, **changes)


def planned(*requests: Requested, memory: Memory = KNOWS, **changes: Any) -> Planned:
    desired, live = [config("hook")], [live_config("hook"), live_sync("catalogs", "hook")]
    settings = {"requests": requests, "request_kinds": request_kinds(), "memory": memory, **changes}
    return make_plan(inputs(settings.pop("desired", desired), settings.pop("live", live), **settings))


def known(*steps: RequestStep, **changes: Any) -> Memory:
    asked = AskedRequest(API, "id-repair", "test", "Resync", "repair", "send again", "me", NOW, steps)
    asked = replace(asked, **changes)
    return replace(KNOWS, requests={(API, asked.id): asked})


def notes(plan: Plan) -> list[str]:
    return [note.message for note in plan.notes if note.kind == "request"]


def test_what_was_not_carried_out_is_an_operation_and_no_change() -> None:
    plan = planned(request()).plan
    [operation] = plan.operations
    assert (plan.changes, operation.key, operation.unsure, plan.is_empty) == ((), "Resync/repair", False, False)
    assert operation.does == "re-sync 2 catalogs: A, B"
    assert operation.steps[0] == "POST integrations/entitysync/catalogs/sync CatalogID=A"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((DONE, DONE), "carried out ("),
        ((DONE, SENT), "unknown"),
        ((SENT, PENDING), "1 step never sent"),
        ((DONE, REFUSED), "1 refused (c: not enabled)"),
    ],
)
def test_what_was_begun_is_a_note_that_asks_to_remove_the_manifest(steps: tuple[RequestStep, ...], said: str) -> None:
    plan = planned(request(), memory=known(*steps)).plan
    assert plan.operations == ()
    [words] = notes(plan)
    assert said in words
    assert "emove the manifest" in words


@pytest.mark.parametrize("steps", [(PENDING, PENDING), (REFUSED, REFUSED), (REFUSED, PENDING)])
def test_what_certainly_was_not_carried_out_still_is_to_be(steps: tuple[RequestStep, ...]) -> None:
    assert len(planned(request(), memory=known(*steps)).plan.operations) == 1


def test_what_was_cut_off_is_left_to_resume() -> None:
    made = planned(request(), memory=known(SENT, PENDING))
    assert (list(made.tasks), list(made.rest)) == ([], ["Resync/repair"])
    assert made.ended["Resync/repair"].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("memory", "lasting"),
    [(Memory(), True), (replace(KNOWS, remembers=frozenset()), True), (known(unremembered=True), True), (KNOWS, False)],
)
def test_what_the_ledger_cannot_know_is_said(memory: Memory, lasting: bool) -> None:
    plan = planned(request(), memory=memory, lasting=lasting).plan
    assert plan.operations[0].unsure
    assert "cannot be known" in notes(plan)[0]


def test_what_is_past_is_a_note() -> None:
    made = planned(request(not_after=NOW))
    assert (made.plan.operations, made.ended["Resync/repair"].outcome) == ((), Outcome.STALE)
    assert "remove the manifest" in notes(made.plan)[0]


@pytest.mark.parametrize(("ahead", "rules"), [(timedelta(), []), (timedelta(seconds=1), ["notAfter"])])
def test_the_end_is_seven_days_ahead_at_most(ahead: timedelta, rules: list[str]) -> None:
    plan = planned(request(not_after=NOW + LONGEST_AHEAD + ahead)).plan
    assert [breach.rule for breach in plan.breaches] == rules


def test_the_limit_counts_all_requests_of_a_plan() -> None:
    most = tuple(f"R-{number}" for number in range(13))
    assert planned(request("one", most[:12]), request("two", most)).plan.breaches == ()
    [breach] = planned(request("one", most), request("two", most)).plan.breaches
    assert (breach.rule, breach.changes) == ("resyncMax", ("Resync/one", "Resync/two"))
    overridden = planned(request("one", most), request("two", most), overrides={"resyncMax": "a quiet hour"}).plan
    assert overridden.refused == ()


def test_it_needs_its_sync_and_waits_for_the_change_that_makes_it() -> None:
    without = planned(request(), live=[live_config("hook")]).plan
    assert [breach.rule for breach in without.breaches] == ["missing-reference"]
    desired = [config("hook"), entity_sync("catalogs", "hook")]
    made = planned(request(), live=[live_config("hook")], desired=desired).plan
    assert (made.breaches, made.operations[0].depends_on) == ((), ("EntitySync/catalogs",))


def test_a_request_of_the_same_name_that_was_begun_is_said() -> None:
    plan = planned(request(id="new"), memory=known(DONE)).plan
    assert len(plan.operations) == 1
    assert "another request of this name was begun" in notes(plan)[0]


def test_a_target_leaves_requests_out() -> None:
    assert planned(request(), targets=frozenset({"DeliveryConfig"})).plan.operations == ()
    assert len(planned(request(), targets=frozenset({"Resync/repair"})).plan.operations) == 1
    assert planned(request(), excluded=frozenset({"Resync"})).plan.operations == ()


def test_a_plan_is_read_back_with_its_operations() -> None:
    plan = planned(request()).plan
    assert plan_from_json(plan_to_json(plan)) == plan


def test_an_approval_covers_what_it_has_seen_and_tells_of_the_rest() -> None:
    saved = planned(request(), request("gone")).plan
    permission = gather((Reviewed(saved),), planned(request(), request("new")))
    digests = {operation.key: operation.digest for operation in saved.operations}
    assert permission.approved == {digests["Resync/repair"]}
    assert [operation.key for operation in permission.waiting] == ["Resync/new"]
    assert [(each.operation.key, each.outcome) for each in permission.operations] == [("Resync/gone", Outcome.STALE)]


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ((DONE, DONE), Outcome.ALREADY),
        ((DONE, SENT), Outcome.UNKNOWN),
        ((DONE, REFUSED), Outcome.FAILED),
        ((DONE, PENDING), Outcome.SKIPPED),
    ],
)
def test_an_approval_of_what_was_begun_says_what_became_of_it(steps: tuple[RequestStep, ...], outcome: Outcome) -> None:
    saved = planned(request()).plan
    permission = gather((Reviewed(saved),), planned(request(), memory=known(*steps)))
    [result] = permission.operations
    assert (permission.approved, result.outcome, result.steps[1].outcome) == (frozenset(), outcome, outcome)


def test_the_digest_goes_by_content_and_not_by_what_may_move() -> None:
    def digest(operation: Operation) -> str:
        return planned(request(operation.name)).plan.operations[0].digest

    [first] = planned(request()).plan.operations
    assert digest(first) == first.digest
    assert planned(request(), memory=Memory()).plan.operations[0].digest == first.digest
    for changed in (request(records=("A",)), request(not_after=SOON + timedelta(hours=1)), request(id="other")):
        assert planned(changed).plan.operations[0].digest != first.digest


def test_a_pause_and_a_disabled_config_are_remarked() -> None:
    live = [live_config("hook", Enabled=False), live_sync("catalogs", "hook", Paused=True)]
    said: list[Note] = [note for note in planned(request(), live=live).plan.notes if note.kind == "request"]
    assert "is paused" in said[0].message
    assert "ConfigurationDisabled" in said[1].message
