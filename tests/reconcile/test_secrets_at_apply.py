"""A plan that was made without the secrets of targets approves the same, and apply compares and sends the secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import GuardrailBreach, PlanFileError, SecretUnset
from reconciler.kind.kind import Observed
from reconciler.ledger.config.model import Memory, SecretFingerprint
from reconciler.ledger.config.secret_fingerprint import fingerprint
from reconciler.reconcile.approval import check_approval, permit_saved
from reconciler.reconcile.gathered import Reviewed
from reconciler.reconcile.plan import NoteKind
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import make_plan, require_secrets
from reconciler.reconcile.planread import plan_from_json
from reconciler.reconcile.session import Comparison
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
