"""Drift names the cause and the next step; import writes what the next plan finds nothing to say about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ledger.config.model import Memory, Snooze
from reconciler.manifest.environment import Guardrails
from reconciler.reconcile.drift import find_drift, unreachable
from reconciler.reconcile.importer import import_live
from reconciler.reconcile.plan import Cause
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.secrets import last_restore
from reconciler.registry import kinds
from reconciler.report.text.drift import drift_to_text
from support.builders import ALL_KINDS, NOW, config, entity_sync, inputs, live_config, live_sync


def drift(desired, live, **settings):
    given = inputs(desired, live, **settings)
    return find_drift(given, make_plan(given))


def test_nothing_differs_is_no_drift():
    assert not drift([config()], [live_config()]).drifted


def test_an_undeclared_pause_is_drift_with_its_next_steps():
    report = drift([config(), entity_sync()], [live_config(), live_sync(Paused=True)])
    (item,) = report.items
    assert item.cause is Cause.UNDECLARED_PAUSE
    assert item.next_steps == (
        "reconciler apply -e sandbox --target EntitySync/categories",
        "reconciler drift -e sandbox --adopt EntitySync/categories",
        "reconciler drift snooze EntitySync/categories -e sandbox --for 7d --reason …",
    )


def test_a_value_that_live_changed_can_be_adopted_also_beside_one_that_live_lost():
    wanted = config(targets={"http": {"endpoint": "https://hooks.example.com/oc", "customAuthHeaderName": "X-Key"}})
    (item,) = drift([wanted], [live_config(Name="moved")]).items
    assert item.change is not None
    assert {field.before is None for field in item.change.fields} == {True, False}
    assert "reconciler drift -e sandbox --adopt DeliveryConfig/hooks" in item.next_steps


def test_what_adopt_would_refuse_is_not_offered_and_apply_is_what_takes_it_off_a_forbidden_host():
    wanted = config(targets={"http": {"endpoint": "https://ok.example.com/oc", "customAuthHeaderName": "X-Key"}})
    hosts = ("ok.example.com",)
    report = drift([wanted], [live_config()], target_hosts=hosts)
    steps = {item.cause: item.next_steps for item in report.items}
    assert steps.pop(Cause.FORBIDDEN_HOST) == ("reconciler apply -e sandbox --target DeliveryConfig/hooks",)
    assert [step for others in steps.values() for step in others if "--adopt" in step] == []
    (item,) = drift([wanted], [live_config()], target_hosts=(*hosts, "hooks.example.com")).items
    assert "reconciler drift -e sandbox --adopt DeliveryConfig/hooks" in item.next_steps


def test_a_snoozed_drift_is_shown_and_does_not_count_until_it_ends():
    live = [live_config(), live_sync(Paused=True)]
    snooze = Snooze("EntitySync", "categories", NOW + timedelta(days=1), "known", "ann")
    report = drift([config(), entity_sync()], live, memory=Memory(snoozes=(snooze,)))
    assert report.items[0].snooze_reason == "known"
    assert not report.drifted
    ended = Snooze("EntitySync", "categories", NOW, "known", "ann")
    assert drift([config(), entity_sync()], live, memory=Memory(snoozes=(ended,))).drifted


def test_unmanaged_is_drift_only_where_the_environment_says_so():
    assert not drift([], [live_config()]).drifted
    report = drift([], [live_config()], guardrails=Guardrails(unmanaged="drift"))
    assert [item.cause for item in report.items] == [Cause.UNMANAGED]


def test_what_points_at_a_forbidden_host_is_neither_imported_nor_offered_for_import():
    live = [live_config()]
    hosts = ("allowed.example.com",)
    report = drift([], live, guardrails=Guardrails(unmanaged="drift"), target_hosts=hosts)
    assert {item.cause for item in report.items} == {Cause.FORBIDDEN_HOST, Cause.UNMANAGED}
    assert {item.next_steps[0] for item in report.items} == {"reconciler explain forbidden-host"}
    assert not [line for line in drift_to_text(report).splitlines() if line != line.rstrip()]
    result = import_live(ALL_KINDS, inputs([], [*live, live_sync()]).live, {}, target_hosts=hosts)
    assert not result.manifests
    reasons = dict(result.left_out)
    assert "outside targetHosts" in reasons["DeliveryConfig/hooks"]
    assert "points at hooks.example.com" in reasons["DeliveryConfig/hooks"]
    assert "which is left out" in reasons["EntitySync/categories"]


def test_an_environment_that_cannot_be_read_is_drift_of_its_own():
    assert unreachable("sandbox", "no connection", NOW).drifted


def imported(live, managed=None, targets=()):
    return import_live(ALL_KINDS, inputs([], live).live, managed or {}, targets)


def test_import_leaves_defaults_out_and_names_references_and_secrets():
    result = imported([live_config(), live_sync(SyncEntityDeleted=False)])
    first, second = result.manifests
    assert first.spec == {
        "name": "hooks",
        "deliveryTargets": {
            "http": {"endpoint": "https://hooks.example.com/oc", "secret": "${secret:HOOKS_HTTP_SECRET}"}
        },
    }
    assert [item.variable for item in first.secrets] == ["HOOKS_HTTP_SECRET"]
    assert second.spec == {"entity": "categories", "deliveryConfig": "hooks", "syncEntityDeleted": False}


def test_import_uses_the_names_that_manifests_already_have():
    result = imported([live_config(), live_sync()], {("DeliveryConfig", "hooks"): "our-hooks"})
    (only,) = result.manifests
    assert only.spec["deliveryConfig"] == "our-hooks"


def test_import_leaves_out_what_points_at_nothing_and_says_so():
    result = imported([live_sync(config="gone")])
    assert result.manifests == ()
    assert result.left_out == (("EntitySync/categories", "it refers to DeliveryConfig gone, which does not exist"),)


def test_an_import_says_whether_an_api_shows_nothing_of_a_kind_or_a_part_of_it():
    every = kinds()
    left_out = dict(import_live(every, {name: {} for name in ("Store", "DataSync")}, {}).left_out)
    assert left_out["Store"] == "the API shows a part of it at most; write its manifest by hand"
    assert left_out["DataSync"] == "the API cannot show it; write its manifest by hand"


def test_a_header_value_is_imported_only_where_a_header_has_a_name():
    live = live_config(DeliveryTargets={"Http": {"Endpoint": "https://x.example.com", "CustomAuthHeaderName": "X-Key"}})
    (only,) = imported([live]).manifests
    assert (
        only.spec["deliveryTargets"]["http"]["customAuthHeaderValue"] == "${secret:HOOKS_HTTP_CUSTOM_AUTH_HEADER_VALUE}"
    )


def test_text_that_looks_like_a_reference_stays_text():
    target = {"Endpoint": "https://x.example.com", "TargetSchemaName": "M", "ConfigData": {"a": ["${env:HOME}"]}}
    (only,) = imported([live_config(DeliveryTargets={"ContentHub": target})]).manifests
    assert only.spec["deliveryTargets"]["contentHub"]["configData"] == {"a": ["$${env:HOME}"]}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 22, 3, 0, tzinfo=UTC), datetime(2026, 11, 22, 3, 0, tzinfo=UTC)),
        (datetime(2026, 11, 22, 2, 59, tzinfo=UTC), datetime(2026, 11, 15, 3, 0, tzinfo=UTC)),
        (datetime(2026, 11, 28, 23, 0, tzinfo=UTC), datetime(2026, 11, 22, 3, 0, tzinfo=UTC)),
    ],
)
def test_the_last_restore_is_the_latest_sunday_at_three(now, expected):
    assert last_restore("Sunday 03:00", now) == expected


@pytest.mark.parametrize("window", ["", "Sunday", "Someday 03:00", "Sunday 24:00", "Sunday 3:00"])
def test_a_window_that_is_none_is_refused(window):
    with pytest.raises(ValueError, match="weekday"):
        last_restore(window, NOW)


@pytest.mark.parametrize("live_id", ["reconciler", "actions", "RECONCILER"])
def test_an_import_names_no_variable_that_manifests_may_not_read(live_id):
    live = live_config(live_id, DeliveryTargets={"Http": {"Endpoint": "https://x.example.com/?code=t"}})
    (only,) = imported([live]).manifests
    assert len(only.secrets) == 2
    assert all(secret.variable.startswith("ID_") for secret in only.secrets), only.secrets
