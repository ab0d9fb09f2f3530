"""A saved plan approves what was reviewed and still stands, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.errors import GuardrailBreach, LedgerError, PlanFileError, StalePlan
from reconciler.ledger.config.model import JournalEntry, Run
from reconciler.reconcile.approval import check_approval, check_connections, covered_by_run
from reconciler.reconcile.digests import is_signed, plan_digest, sealed, signed
from reconciler.reconcile.gathered import Reviewed, gather
from reconciler.reconcile.plan import Breach, Note, NoteKind, Outcome
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.planread import plan_from_json
from support.builders import API, NOW, config, entity_sync, inputs, live_config, live_sync

DESIRED = [config(name="New name"), entity_sync(syncEntityDeleted=False)]
LIVE = [live_config(), live_sync()]


def saved():
    return plan_from_json(plan_to_json(make_plan(inputs(DESIRED, LIVE)).plan))


def test_a_plan_that_comes_back_from_its_file_is_intact():
    check_approval(saved(), NOW)
    check_connections(saved(), "sandbox", {"ordercloud": API})


def test_everything_that_still_stands_is_approved():
    scope = gather((Reviewed(saved()),), make_plan(inputs(DESIRED, LIVE, now=NOW + timedelta(hours=1))))
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


def test_one_change_that_was_altered_among_others_is_refused_whoever_made_the_plans_digest_anew():
    first, *others = saved().changes
    forged = replace(saved(), changes=(replace(first, fields=(replace(first.fields[0], after="evil"),)), *others))
    with pytest.raises(PlanFileError, match="altered"):
        check_approval(replace(forged, digest=plan_digest(forged)), NOW)


def test_a_signature_is_no_part_of_what_it_signs():
    plan = signed(saved(), "key")
    assert plan.digest == plan_digest(plan) == plan_digest(saved())
    assert is_signed(plan, "key")
    assert not is_signed(plan, "another")
    check_approval(plan, NOW, "key")


def test_a_plan_that_says_endlessly_why_it_was_refused_makes_no_endless_message():
    plan = make_plan(inputs(DESIRED, LIVE)).plan
    forged = sealed(replace(plan, breaches=(Breach("x" * 50_000, "y" * 50_000, ("z" * 50_000,)),)))
    with pytest.raises(GuardrailBreach, match="so it approves nothing") as caught:
        check_approval(forged, NOW)
    assert len(f"{caught.value.message}{caught.value.next_step}") < 2_000


def test_an_old_plan_is_refused():
    check_approval(saved(), NOW + timedelta(days=13, hours=23))
    with pytest.raises(StalePlan, match="expired"):
        check_approval(saved(), NOW + timedelta(days=14))


def test_a_plan_of_another_environment_or_other_apis_is_refused():
    with pytest.raises(StalePlan, match="for the environment sandbox, not for production"):
        check_connections(saved(), "production", {"ordercloud": API})
    with pytest.raises(StalePlan, match="other APIs"):
        check_connections(saved(), "sandbox", {"ordercloud": "https://api.ordercloud.io/v1"})


def test_what_live_overtook_is_stale_and_the_rest_is_approved():
    scope = gather((Reviewed(saved()),), make_plan(inputs(DESIRED, [live_config(Name="moved"), live_sync()])))
    assert [(result.change.key, result.outcome) for result in scope.earlier] == [
        ("DeliveryConfig/hooks", Outcome.STALE)
    ]
    assert len(scope.approved) == 1


def test_what_somebody_did_already_is_no_work():
    scope = gather((Reviewed(saved()),), make_plan(inputs(DESIRED, [live_config(Name="New name"), live_sync()])))
    assert [result.outcome for result in scope.earlier] == [Outcome.ALREADY]


def test_what_the_manifests_say_by_now_is_not_approved_by_what_they_said_then():
    other = [config(name="Another name"), entity_sync(syncEntityDeleted=False)]
    scope = gather((Reviewed(saved()),), make_plan(inputs(other, LIVE)))
    assert [result.outcome for result in scope.earlier] == [Outcome.STALE]
    assert len(scope.approved) == 1


def test_a_change_that_nobody_reviewed_is_left_alone_and_named():
    more = [*DESIRED, config("extra")]
    scope = gather((Reviewed(saved()),), make_plan(inputs(more, LIVE)))
    assert [change.key for change in scope.unreviewed] == ["DeliveryConfig/extra"]
    assert len(scope.approved) == 2


@pytest.mark.parametrize("value", ["[" * 300 + "]" * 300, "1" + "0" * 40, '"\\ud800"'])
def test_a_value_of_which_no_digest_can_be_made_is_no_plan(value):
    document = plan_to_json(saved())
    document["changes"][0]["fields"][0]["before"] = json.loads(value)
    with pytest.raises(PlanFileError, match="not a valid plan"):
        plan_from_json(document)


def test_a_journal_that_names_what_its_plan_lacks_cannot_be_resumed():
    run = Run("1", "sandbox", "me", NOW, None, plan_to_json(saved()), (JournalEntry("d", "EntitySync/other", "sent"),))
    with pytest.raises(LedgerError, match="its plan does not have") as caught:
        covered_by_run(run, make_plan(inputs(DESIRED, LIVE)))
    assert caught.value.next_step


def test_a_pause_that_ends_between_plan_and_apply_makes_its_change_stale():
    from reconciler.pause.declared import DeclaredPause

    pause = DeclaredPause(True, NOW + timedelta(hours=1), "load")
    before = make_plan(inputs([config(), entity_sync(pause=True, pause_spec=pause)], LIVE)).plan
    after = make_plan(inputs([config(), entity_sync(pause=False, pause_spec=pause)], LIVE, now=pause.until))
    scope = gather((Reviewed(before),), after)
    assert scope.approved == frozenset()
    assert [result.outcome for result in scope.earlier] == [Outcome.ALREADY]


def test_half_a_character_in_a_note_makes_no_plan_impossible():
    plan = saved()
    odd = replace(plan, notes=(Note(NoteKind.HELD, "EntitySync/categories", "held by \ud800"),))
    assert plan_digest(odd) == plan_digest(odd) != plan_digest(plan)
