"""A plan that was made without the secrets of targets approves the same, and apply compares and sends the secrets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.saved_plans import SavedPlans, permit_gated, require_digest
from reconciler.errors import GuardrailBreach, PlanFileError, SecretUnset, StalePlan
from reconciler.kind.kind import Observed
from reconciler.ledger.config.model import Memory, SecretFingerprint
from reconciler.ledger.config.secret_fingerprint import fingerprint
from reconciler.reconcile.approval import Permission, check_approval, permit_saved
from reconciler.reconcile.gathered import Reviewed
from reconciler.reconcile.plan import NoteKind
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import make_plan, require_secrets
from reconciler.reconcile.planread import plan_from_json
from reconciler.reconcile.session import Comparison
from reconciler.reconcile.verdict import PlanVerdict
from reconciler.reconcile.work import Desired
from support.builders import API, NOW, config, entity_sync, http_targets, inputs, live_config, live_sync, secret

PATH = "deliveryTargets.http.secret"
LIVE = [live_config(), live_sync()]


def hooks(value: str | None, **members: Any) -> Desired:
    """Return a delivery config whose secret has this value here."""
    return config(targets=http_targets(secret=secret(value)), **members)


def applied(value: str) -> Memory:
    digest = fingerprint(b"salt", value, api_url=API, kind="DeliveryConfig", live_id="hooks", path=PATH)
    key = (API, "DeliveryConfig", "hooks", PATH)
    return Memory(salt=b"salt", fingerprints={key: SecretFingerprint(digest, NOW)}, fresh=False)


def compare(*desired: Desired, live: list[Observed] | None = None, **rest: Any) -> Comparison:
    read = inputs(list(desired), LIVE if live is None else live, **rest)
    return Comparison(read, make_plan(read))


def blind(*desired: Desired, **rest: Any) -> Reviewed:
    """Return a saved plan that was made without secrets."""
    comparison = compare(*desired, secrets_at_apply=True, **rest)
    require_secrets(comparison.inputs, comparison.planned.work.values())
    return Reviewed(plan_from_json(plan_to_json(comparison.planned.plan)))


@pytest.mark.parametrize("live", [LIVE, [live_sync()]], ids=["update", "create"])
def test_it_has_the_digests_of_a_plan_with_secrets(live: list[Observed]) -> None:
    memory = applied("s3cr3t")
    seen = compare(hooks("s3cr3t", enabled=False), entity_sync(), live=live, memory=memory).planned.plan
    reviewed = blind(hooks(None, enabled=False), entity_sync(), live=live, memory=memory).plan
    assert [change.digest for change in reviewed.changes] == [change.digest for change in seen.changes]
    assert reviewed.approves == seen.approves
    assert reviewed.secrets_at_apply


def test_without_it_a_plan_that_has_to_send_an_unset_secret_fails() -> None:
    targets = http_targets("https://other.example.com", secret=secret(None))
    comparison = compare(config(targets=targets), entity_sync())
    with pytest.raises(SecretUnset):
        require_secrets(comparison.inputs, comparison.planned.work.values())


def test_its_secrets_are_noted_as_checked_at_apply_whether_or_not_the_object_changes() -> None:
    new = config("new", targets=hooks(None).state["deliveryTargets"])
    notes = blind(hooks(None), new, entity_sync()).plan.notes
    found = [note for note in notes if note.kind is NoteKind.CHECKED_AT_APPLY]
    assert [note.subject for note in found] == ["DeliveryConfig/hooks", "DeliveryConfig/new"]
    assert all("${secret:SECRET} is checked at apply" in note.message for note in found)
    assert NoteKind.SECRET_UNSET not in {note.kind for note in notes}


def test_a_secret_that_has_changed_is_sent_along_with_what_was_reviewed() -> None:
    reviewed = blind(hooks(None, enabled=False), entity_sync(), memory=applied("old"))
    now = compare(hooks("new", enabled=False), entity_sync(), memory=applied("old"))
    (change,) = now.planned.plan.changes
    assert {field.path for field in change.fields} == {"enabled", PATH}
    permission = permit_saved(now, (reviewed,))
    assert permission.approved == {change.digest}
    assert permission.earlier == ()


def test_a_secret_that_has_changed_alone_is_sent_too() -> None:
    now = compare(hooks("new"), entity_sync(syncEntityDeleted=False), memory=applied("old"))
    without = blind(hooks(None), entity_sync(syncEntityDeleted=False), memory=applied("old"))
    assert permit_saved(now, (without,)).approved == {change.digest for change in now.planned.plan.changes}
    # A plan that was made with secrets says which of them differ, and approves no other.
    seen = compare(hooks("old"), entity_sync(syncEntityDeleted=False), memory=applied("old")).planned.plan
    permission = permit_saved(now, (Reviewed(seen),))
    assert [change.key for change in permission.unreviewed] == ["DeliveryConfig/hooks"]


def test_what_is_no_secret_stays_as_it_was_reviewed() -> None:
    reviewed = blind(hooks(None, enabled=False), entity_sync(), memory=applied("old"))
    now = compare(hooks("new", enabled=False, name="Other"), entity_sync(), memory=applied("old"))
    assert permit_saved(now, (reviewed,)).approved == frozenset()


def test_what_has_to_be_sent_whatever_its_value_is_in_the_plan_already() -> None:
    seen = compare(hooks("s3cr3t"), entity_sync(), push_secrets=True, memory=applied("s3cr3t")).planned.plan
    reviewed = blind(hooks(None), entity_sync(), push_secrets=True, memory=applied("s3cr3t")).plan
    assert reviewed.approves == seen.approves
    assert [field.path for change in reviewed.changes for field in change.fields] == [PATH]


def test_a_host_inside_a_secret_is_checked_by_apply() -> None:
    def sent(value: str | None) -> Desired:
        return config(targets={"azureBlob": {"connectionString": secret(value)}})

    live = [live_config(DeliveryTargets={"AzureBlob": {}}, Name="Old"), live_sync()]
    allowed = ("*.example.com",)
    reviewed = blind(sent(None), entity_sync(), live=live, target_hosts=allowed)
    assert reviewed.plan.breaches == ()
    value = "BlobEndpoint=https://blob.elsewhere.net;SharedAccessSignature=sig"
    now = compare(sent(value), entity_sync(), live=live, target_hosts=allowed)
    with pytest.raises(GuardrailBreach, match="targetHosts"):
        permit_saved(now, (reviewed,))
    fine = compare(sent(value.replace("elsewhere.net", "example.com")), entity_sync(), live=live, target_hosts=allowed)
    assert permit_saved(fine, (reviewed,)).approved


def test_a_plan_that_says_so_by_an_edit_alone_is_altered() -> None:
    plan = compare(hooks("s3cr3t", enabled=False), entity_sync()).planned.plan
    with pytest.raises(PlanFileError, match="altered"):
        check_approval(replace(plan, secrets_at_apply=True), NOW)


class Gate:
    """A forge that says this of its environment, and counts how often it was asked."""

    def __init__(self, closed: str | None) -> None:
        self.closed, self.asked = closed, 0

    async def __call__(self, _environment: str) -> str | None:
        self.asked += 1
        return self.closed


def gated(reviewed: Reviewed) -> Reviewed:
    return replace(reviewed, file="new.json", gated=True)


def permitted(now: Comparison, gate: Gate, *plans: Reviewed) -> tuple[Permission, tuple[PlanVerdict, ...]]:
    return asyncio.run(permit_gated(now, SavedPlans(plans), gate))


OLD = applied("old")


@pytest.mark.parametrize(
    "rest", [{}, {"syncEntityDeleted": False}], ids=["the plan is empty", "the plan changes another object"]
)
def test_a_gated_plan_that_passed_sends_a_secret_that_has_changed_like_an_approval(rest: dict[str, Any]) -> None:
    made = blind(hooks(None), entity_sync(**rest), memory=OLD)
    now = compare(hooks("new"), entity_sync(**rest), memory=OLD)
    everything = {change.digest for change in now.planned.plan.changes}
    gate = Gate(None)
    permission, _ = permitted(now, gate, gated(made))
    assert permission.approved == permit_saved(now, (made,)).approved == everything
    assert gate.asked == 1
    seen = require_digest((gated(made),), made.plan.approves or "")
    assert permitted(now, Gate("no reviewers"), *seen)[0].approved == everything


def test_a_closed_gate_lets_no_secret_through_and_that_is_said() -> None:
    now = compare(hooks("new"), entity_sync(), memory=OLD)
    made = gated(blind(hooks(None), entity_sync(), memory=OLD))
    with pytest.raises(StalePlan, match=r"new\.json: nobody has reviewed it, and no reviewers"):
        permitted(now, Gate("no reviewers"), made)
    # Beside a plan that was made with secrets, and approves no other than it has.
    moved = {"syncEntityDeleted": False}
    now = compare(hooks("new"), entity_sync(**moved), memory=OLD)
    seen = Reviewed(compare(hooks("old"), entity_sync(**moved), memory=OLD).planned.plan)
    permission, told = permitted(now, Gate("no reviewers"), seen, made)
    assert permission.approved == {change.digest for change in seen.plan.changes}
    assert [change.key for change in permission.unreviewed] == ["DeliveryConfig/hooks"]
    assert [each.code for each in told] == [None, "stale-plan"]
    assert len(permitted(now, Gate(None), seen, made)[0].approved) == 2


def test_a_secret_along_with_a_reviewed_change_waits_for_the_gate_where_the_gated_plan_alone_left_it_to_apply() -> None:
    now = compare(hooks("new", enabled=False), entity_sync(), memory=OLD)
    seen = Reviewed(compare(hooks("old", enabled=False), entity_sync(), memory=OLD).planned.plan)
    made = gated(blind(hooks(None, enabled=False), entity_sync(), memory=OLD))
    for closed, sent in (("no reviewers", 0), (None, 1)):
        gate = Gate(closed)
        assert (len(permitted(now, gate, seen, made)[0].approved), gate.asked) == (sent, 1)


def test_the_forge_is_not_asked_about_secrets_that_an_approval_covers_or_that_have_not_changed() -> None:
    gate = Gate("no reviewers")
    made = blind(hooks(None), entity_sync(), memory=OLD)
    assert permitted(compare(hooks("new"), entity_sync(), memory=OLD), gate, made, gated(made))[0].approved
    permitted(compare(hooks("old"), entity_sync(), memory=OLD), gate, gated(made))
    now = compare(hooks("new"), entity_sync(), memory=OLD)
    with_secrets = Reviewed(compare(hooks("old"), entity_sync(), memory=OLD).planned.plan)
    assert permitted(now, gate, gated(with_secrets))[0].approved == frozenset()
    assert gate.asked == 0
