"""A saved plan approves what was reviewed and still stands, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.errors import PlanFileError, StalePlan
from reconciler.reconcile.approval import check_approval, check_connections, covered_by_plan
from reconciler.reconcile.plan import Outcome
from reconciler.reconcile.planfile import plan_from_json, plan_to_json
from reconciler.reconcile.planner import make_plan
from support.builders import API, NOW, config, entity_sync, inputs, live_config, live_sync

DESIRED = [config(name="New name"), entity_sync(syncEntityDeleted=False)]
LIVE = [live_config(), live_sync()]


def saved():
    return plan_from_json(plan_to_json(make_plan(inputs(DESIRED, LIVE)).plan))


def test_a_plan_that_comes_back_from_its_file_is_intact():
    check_approval(saved(), NOW)
    check_connections(saved(), "sandbox", {"ordercloud": API})


def test_everything_that_still_stands_is_approved():
    scope = covered_by_plan(saved(), make_plan(inputs(DESIRED, LIVE, now=NOW + timedelta(hours=1))))
    assert len(scope.approved) == 2
    assert (scope.earlier, scope.unreviewed) == ((), ())


@pytest.mark.parametrize(
    "alter",
    [
        lambda plan: replace(plan, changes=plan.changes[:1]),
        lambda plan: replace(plan, environment="production"),
        lambda plan: replace(plan, expires_at=plan.expires_at + timedelta(days=30)),
        lambda plan: replace(plan, changes=(replace(plan.changes[0], id="other"), *plan.changes[1:])),
        lambda plan: replace(
            plan,
            changes=(
                replace(plan.changes[0], fields=(replace(plan.changes[0].fields[0], after="evil"),)),
                *plan.changes[1:],
            ),
        ),
    ],
)
def test_a_plan_altered_by_hand_is_refused(alter):
    with pytest.raises(PlanFileError, match="altered"):
        check_approval(alter(saved()), NOW)


def test_an_old_plan_is_refused():
    check_approval(saved(), NOW + timedelta(days=2, hours=23))
    with pytest.raises(StalePlan, match="expired"):
        check_approval(saved(), NOW + timedelta(days=3))


def test_a_plan_of_another_environment_or_other_apis_is_refused():
    with pytest.raises(StalePlan, match="for the environment sandbox, not for production"):
        check_connections(saved(), "production", {"ordercloud": API})
    with pytest.raises(StalePlan, match="other APIs"):
        check_connections(saved(), "sandbox", {"ordercloud": "https://api.ordercloud.io/v1"})


def test_what_live_overtook_is_stale_and_the_rest_is_approved():
    scope = covered_by_plan(saved(), make_plan(inputs(DESIRED, [live_config(Name="moved"), live_sync()])))
    assert [(result.change.key, result.outcome) for result in scope.earlier] == [
        ("DeliveryConfig/hooks", Outcome.STALE)
    ]
    assert len(scope.approved) == 1


def test_what_somebody_did_already_is_no_work():
    scope = covered_by_plan(saved(), make_plan(inputs(DESIRED, [live_config(Name="New name"), live_sync()])))
    assert [result.outcome for result in scope.earlier] == [Outcome.ALREADY]


def test_what_the_manifests_say_by_now_is_not_approved_by_what_they_said_then():
    other = [config(name="Another name"), entity_sync(syncEntityDeleted=False)]
    scope = covered_by_plan(saved(), make_plan(inputs(other, LIVE)))
    assert [result.outcome for result in scope.earlier] == [Outcome.STALE]
    assert len(scope.approved) == 1


def test_a_change_that_nobody_reviewed_is_left_alone_and_named():
    more = [*DESIRED, config("extra")]
    scope = covered_by_plan(saved(), make_plan(inputs(more, LIVE)))
    assert [change.key for change in scope.unreviewed] == ["DeliveryConfig/extra"]
    assert len(scope.approved) == 2


def test_a_pause_that_ends_between_plan_and_apply_makes_its_change_stale():
    from reconciler.pause.declared import DeclaredPause

    pause = DeclaredPause(True, NOW + timedelta(hours=1), "load")
    before = make_plan(inputs([config(), entity_sync(pause=True, pause_spec=pause)], LIVE)).plan
    after = make_plan(inputs([config(), entity_sync(pause=False, pause_spec=pause)], LIVE, now=pause.until))
    scope = covered_by_plan(before, after)
    assert scope.approved == frozenset()
    assert [result.outcome for result in scope.earlier] == [Outcome.ALREADY]
