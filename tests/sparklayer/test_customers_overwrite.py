"""A DataSync that would replace customers nobody can read is stopped by a guardrail, once."""

from __future__ import annotations

from typing import Any

from reconciler.kind.kind import Observed
from reconciler.sparklayer.kinds.data_sync.kind import DataSyncKind


def state(**customers: Any) -> dict[str, Any]:
    return {"integration": "ordercloud", "customers": customers}


def refused(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    kind = DataSyncKind()
    if before is None:
        return [refusal.rule for refusal in kind.create_refusals(after)]
    observed = Observed("DataSync", "ordercloud", before, {})
    return [refusal.rule for refusal in kind.refusals(after, observed, frozenset(), frozenset())]


def test_what_loses_data_waits_for_an_override() -> None:
    assert refused(None, state(overwriteUnread=True)) == ["loses-data"]
    assert refused(state(), state(overwriteUnread=True)) == ["loses-data"]
    assert refused({"integration": "ordercloud"}, state(overwriteUnread=True)) == ["loses-data"]


def test_what_was_agreed_to_is_not_asked_again() -> None:
    assert refused(state(overwriteUnread=True), state(overwriteUnread=True, where="Active")) == []
    assert refused(None, state()) == []
    assert refused(None, {"integration": "ordercloud"}) == []
