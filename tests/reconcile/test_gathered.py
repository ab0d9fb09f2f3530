"""Several saved plans in one apply: what each approves, what they approve together, and what no plan covers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.errors import GuardrailBreach, StalePlan
from reconciler.kind.kind import Action, Observed
from reconciler.manifest.environment import Guardrails
from reconciler.reconcile.approval import Permission, check_approval, permit_saved
from reconciler.reconcile.digests import approval_digest, plan_digest
from reconciler.reconcile.gathered import Gathered, Reviewed, gather
from reconciler.reconcile.plan import Outcome, Plan
from reconciler.reconcile.planfile import error_body, plan_to_json
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.planread import plan_from_json
from reconciler.reconcile.session import Comparison
from reconciler.reconcile.work import Desired
from support.builders import NOW, config, entity_sync, inputs, live_config, live_sync

LIVE = [live_config(), live_sync(), live_sync("buyers")]
AT_REST = (config(), entity_sync(), entity_sync("buyers"))


def planned(*desired: Desired, live: list[Observed] | None = None, **rest: Any) -> Comparison:
    """Plan these objects, and those that are at rest in place of the others."""
    named = {each.key for each in desired}
    asked = [*desired, *(each for each in AT_REST if each.key not in named)]
    read = inputs(asked, LIVE if live is None else live, **rest)
    return Comparison(read, make_plan(read))


def saved(*desired: Desired, file: str = "plan.json", gated: bool = False, **rest: Any) -> Reviewed:
    plan = planned(*desired, **rest).planned.plan
    return Reviewed(plan_from_json(plan_to_json(plan)), file, gated)


def covers(now: Comparison, *reviewed: Reviewed) -> dict[str, list[int]]:
    """Return which plans approve each change that is approved, by its key."""
    gathered = gather(reviewed, now.planned)
    keys = {change.digest: change.key for change in now.planned.plan.changes}
    return {keys[digest]: sorted(numbers) for digest, numbers in gathered.covering.items()}


def outcomes(gathered: Gathered | Permission) -> dict[str, Outcome]:
    return {result.change.key: result.outcome for result in gathered.earlier}


def test_three_pull_requests_that_change_something_else_each_are_applied_together() -> None:
    one, two, three = config(name="New"), entity_sync(syncEntityDeleted=False), config("extra")
    now = planned(one, two, three)
    assert covers(now, saved(one), saved(two), saved(three)) == {
        "DeliveryConfig/hooks": [0],
        "EntitySync/categories": [1],
        "DeliveryConfig/extra": [2],
    }
    gathered = gather((saved(one), saved(two), saved(three)), now.planned)
    assert (gathered.earlier, gathered.unreviewed) == ((), ())


def test_a_branch_that_has_what_was_merged_before_it_asks_for_it_once() -> None:
    one, two = config(name="New"), entity_sync(syncEntityDeleted=False)
    assert covers(planned(one, two), saved(one), saved(one, two)) == {
        "DeliveryConfig/hooks": [0],
        "EntitySync/categories": [1],
    }


def test_two_pull_requests_that_change_one_object_in_different_fields_are_reviewed_together() -> None:
    both = planned(config(name="New", enabled=False))
    parts = (saved(config(name="New")), saved(config(enabled=False)))
    assert covers(both, *parts) == {"DeliveryConfig/hooks": [0, 1]}
    assert outcomes(gather(parts, both.planned)) == {}
    assert covers(both, parts[0]) == {}
    assert outcomes(gather(parts[:1], both.planned)) == {"DeliveryConfig/hooks": Outcome.STALE}


def test_of_two_pull_requests_that_change_one_field_git_says_which_wins() -> None:
    first, second = saved(config(name="First"), file="1.json"), saved(config(name="Second"), file="2.json")
    gathered = gather((first, second), planned(config(name="Second")).planned)
    assert list(gathered.covering.values()) == [frozenset({1})]
    assert gathered.overtaken == {0: ("DeliveryConfig/hooks",)}
    assert gathered.earlier == ()


def test_what_neither_of_them_has_reviewed_is_stale_and_names_the_plan_and_the_fields() -> None:
    first = saved(config(name="First"), file="1.json")
    second = saved(config(name="Second"), file="2.json", now=NOW + timedelta(minutes=1))
    (result,) = gather((first, second), planned(config(name="Third")).planned).earlier
    assert result.outcome is Outcome.STALE
    assert (result.message or "").endswith("reviewed in 2.json: name")
    assert result.next_step


def test_a_base_that_an_earlier_one_of_them_moved_leaves_the_rest_to_the_later_one() -> None:
    later = saved(config(name="New", enabled=False))
    live = [live_config(Name="New"), *LIVE[1:]]
    assert covers(planned(config(name="New", enabled=False), live=live), later) == {"DeliveryConfig/hooks": [0]}


def test_a_rest_is_not_approved_where_the_other_fields_are_not_as_reviewed() -> None:
    reviewed = saved(config(name="New", enabled=False))
    # Somebody wrote the old name into the manifests again: `enabled` alone is not what was reviewed.
    assert covers(planned(config(enabled=False)), reviewed) == {}
    assert covers(planned(config(name="New", enabled=False), live=[live_config(Name="Moved")]), reviewed) == {}


def test_what_an_earlier_one_of_them_has_made_of_a_field_is_no_base_that_moved() -> None:
    first, second = saved(config(name="First")), saved(config(name="Second"))
    live = [live_config(Name="First"), *LIVE[1:]]
    now = planned(config(name="Second"), live=live)
    assert covers(now, first, second) == {"DeliveryConfig/hooks": [1]}
    assert covers(now, second) == {}
    assert covers(planned(config(name="Second"), live=[live_config(Name="Hand"), *LIVE[1:]]), first, second) == {}


def test_what_an_earlier_one_of_them_has_created_is_changed_by_the_one_that_builds_on_it() -> None:
    first, second = saved(config("extra")), saved(config("extra", enabled=False))
    live = [*LIVE, live_config("extra")]
    now = planned(config("extra", enabled=False), live=live)
    assert covers(now, first) == {}
    assert covers(now, second) == {}  # nobody said that it would be there
    assert covers(now, first, second) == {"DeliveryConfig/extra": [1]}
    moved = planned(config("extra", enabled=False), live=[*LIVE, live_config("extra", Name="By hand")])
    assert covers(moved, first, second) == {}


def test_a_delete_and_a_create_are_approved_as_a_whole_or_not() -> None:
    reviewed = saved(config("extra", enabled=False), config("more"))
    now = planned(config("extra", enabled=True), config("more"))
    assert covers(now, reviewed) == {"DeliveryConfig/more": [0]}
    gone = saved(config("old", absent=True), live=[*LIVE, live_config("old")])
    moved = planned(config("old", absent=True), live=[*LIVE, live_config("old", Name="moved")])
    assert [change.action for change in moved.planned.plan.changes] == [Action.DELETE]
    assert covers(moved, gone) == {}


def test_what_was_applied_meanwhile_needs_no_work_whoever_asked_for_it() -> None:
    one, two = config(name="New"), entity_sync(syncEntityDeleted=False)
    now = planned(one, two, live=[live_config(Name="New"), *LIVE[1:]])
    gathered = gather((saved(one), saved(two)), now.planned)
    assert outcomes(gathered) == {"DeliveryConfig/hooks": Outcome.ALREADY}
    assert len(gathered.approved) == 1


def test_a_gated_plan_is_needed_only_for_what_the_others_do_not_approve() -> None:
    now = planned(config(name="New", enabled=False), entity_sync(syncEntityDeleted=False))
    parts = (saved(config(name="New")), saved(config(enabled=False)))
    gated = Reviewed(now.planned.plan, "gated.json", gated=True)
    assert covers(now, *parts, gated) == {"DeliveryConfig/hooks": [0, 1], "EntitySync/categories": [2]}


def test_a_limit_holds_for_each_plan_as_if_they_were_applied_one_after_the_other() -> None:
    one, two = (config("a"), config("b")), (config("c"), config("d"))
    limits = Guardrails(maxChanges=2)
    now = planned(*one, *two, guardrails=limits)
    assert len(permit_saved(now, (saved(*one), saved(*two))).approved) == 4
    with pytest.raises(GuardrailBreach, match="maxChanges"):
        permit_saved(now, (saved(*one, *two),))


def test_a_plan_that_a_guardrail_refuses_is_left_out_and_the_others_are_applied() -> None:
    limits = Guardrails(maxChanges=2)
    wide, narrow = (config("a"), config("b"), config("c")), config("d")
    permission = permit_saved(planned(*wide, narrow, guardrails=limits), (saved(*wide), saved(narrow)))
    assert len(permission.approved) == 1
    assert list(permission.plans) == [0]
    assert set(outcomes(permission).values()) == {Outcome.SKIPPED}
    assert all(result.code == GuardrailBreach.code for result in permission.earlier)


def test_all_that_stops_together_is_refused_together() -> None:
    pausing = {"pause": True}
    one, two = entity_sync(**pausing), entity_sync("buyers", **pausing)
    limits = Guardrails(requirePauseEnd=False)
    with pytest.raises(GuardrailBreach, match="stopAll"):
        permit_saved(planned(one, two, guardrails=limits), (saved(one), saved(two)))


def test_a_delete_that_needs_the_change_of_another_plan_is_judged_with_it() -> None:
    live = [*LIVE, live_config("old"), live_sync("catalogs", "old")]
    moves = entity_sync("catalogs", "hooks")
    deletes = config("old", absent=True)
    limits = Guardrails(maxDeletes=1)
    now = planned(moves, deletes, live=live, guardrails=limits)
    assert len(permit_saved(now, (saved(moves, live=live), saved(moves, deletes, live=live))).approved) == 2
    with pytest.raises(GuardrailBreach, match="in-use"):
        permit_saved(
            planned(entity_sync("catalogs", "old"), deletes, live=live, guardrails=limits),
            (saved(deletes, live=live),),
        )


def test_a_plan_that_failed_approves_nothing_and_says_why() -> None:
    failed = replace(planned().planned.plan, error=error_body(StalePlan("no answer from the API")))
    failed = plan_from_json(plan_to_json(replace(failed, digest=plan_digest(failed))))
    assert (failed.status, failed.is_empty) == ("failed", False)
    with pytest.raises(StalePlan, match=r"planning had failed .*no answer from the API"):
        check_approval(failed, NOW)


def test_a_plan_that_was_refused_approves_nothing_unless_its_rule_is_overridden_by_now() -> None:
    refused: Plan = saved(config("a"), config("b"), guardrails=Guardrails(maxChanges=1)).plan
    assert refused.status == "refused"
    with pytest.raises(GuardrailBreach, match=r"refused when it was planned.*maxChanges"):
        check_approval(refused, NOW)
    check_approval(refused, NOW, overrides={"maxChanges": "both at once"})


def test_what_a_plan_approves_has_one_digest_whenever_it_is_planned() -> None:
    first = saved(config(name="New")).plan
    later = saved(config(name="New"), now=NOW + timedelta(days=1)).plan
    assert first.approves == later.approves == approval_digest(first)
    assert first.digest != later.digest
    assert saved(config(name="Other")).plan.approves != first.approves
