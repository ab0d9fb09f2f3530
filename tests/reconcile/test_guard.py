"""Each guardrail: what it stops, what it lets through, and how one run overrides it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.errors import UsageError
from reconciler.manifest.environment import Guardrails
from reconciler.pause.declared import DeclaredPause
from reconciler.reconcile.guard import OVERRIDABLE, RULES
from reconciler.reconcile.planner import make_plan
from reconciler.secret import Secret
from support.builders import NOW, config, entity_sync, http_targets, inputs, live_config, live_sync, secret


def rules(desired, live, **settings):
    return [breach.rule for breach in make_plan(inputs(desired, live, **settings)).plan.breaches]


def limits(**values):
    return {"guardrails": Guardrails.model_validate(values)}


PAUSED = {"pause": True}


def test_a_delete_is_refused_until_maxDeletes_allows_it():  # noqa: N802 - the rule's own name
    desired = [config(absent=True)]
    assert rules(desired, [live_config()]) == ["maxDeletes"]
    assert rules(desired, [live_config()], **limits(maxDeletes=1)) == []


def test_too_many_changes_are_refused():
    desired = [config(f"c{number}") for number in range(3)]
    assert rules(desired, [], **limits(maxChanges=2)) == ["maxChanges"]
    assert rules(desired, [], **limits(maxChanges=3)) == []


def test_a_new_pause_needs_an_end():
    live = [live_config(), live_sync(), live_sync("buyers")]
    endless = [config(), entity_sync(**PAUSED, pause_spec=DeclaredPause(True)), entity_sync("buyers")]
    assert rules(endless, live) == ["requirePauseEnd"]
    assert rules(endless, live, **limits(requirePauseEnd=False)) == []


def test_a_pause_without_an_end_that_is_already_live_is_no_breach():
    desired = [config(), entity_sync(**PAUSED, pause_spec=DeclaredPause(True))]
    assert rules(desired, [live_config(), live_sync(Paused=True)]) == []


def test_a_pause_may_not_be_longer_than_maxPause():  # noqa: N802
    pause = DeclaredPause(True, NOW + timedelta(days=8), "load")
    desired = [config(), entity_sync(**PAUSED, pause_spec=pause), entity_sync("buyers")]
    live = [live_config(), live_sync(), live_sync("buyers")]
    assert rules(desired, live) == ["maxPause"]
    assert rules(desired, live, **limits(maxPause="8d")) == []


def test_not_all_syncs_are_stopped_at_once():
    pause = DeclaredPause(True, NOW + timedelta(hours=1), "load")
    desired = [
        config(),
        entity_sync(**PAUSED, pause_spec=pause),
        entity_sync("buyers", **PAUSED, pause_spec=pause),
    ]
    live = [live_config(), live_sync(), live_sync("buyers")]
    assert rules(desired, live) == ["stopAll"]
    assert rules(desired, live, **limits(stopAll="allow")) == []
    assert rules(desired, [*live, live_sync("suppliers")]) == []


def test_a_config_that_an_unmanaged_sync_uses_is_not_deleted():
    desired = [config(absent=True)]
    assert rules(desired, [live_config(), live_sync()], **limits(maxDeletes=1)) == ["in-use"]


def test_a_config_that_an_unmanaged_sync_uses_is_not_renamed():
    desired = [config("new", renamed_from=("hooks",))]
    assert rules(desired, [live_config(), live_sync()]) == ["in-use"]
    assert rules([*desired, entity_sync(config="new")], [live_config(), live_sync()]) == []


def test_a_protected_object_is_never_deleted():
    desired = [config(absent=True, protect=True)]
    assert rules(desired, [live_config()], **limits(maxDeletes=1)) == ["protect"]
    with pytest.raises(UsageError, match="cannot be overridden"):
        rules(desired, [live_config()], overrides={"protect": "I want it"})


@pytest.mark.parametrize(
    "target",
    [{"FancyTarget": {"Url": "x"}}, {"FancyTarget": {"Url": "x", "Token": None}}],
)
def test_targets_are_not_sent_while_live_has_one_that_we_do_not_know(target):
    live = live_config(DeliveryTargets={"Http": {"Endpoint": "https://old.example.com"}, **target})
    assert rules([config()], [live]) == ["loses-data"]


def test_targets_are_not_sent_while_a_secret_is_left_to_others():
    live = live_config(DeliveryTargets={"Http": {"Endpoint": "https://old.example.com"}})
    desired = config(ignore=frozenset({"deliveryTargets.http.secret"}))
    assert rules([desired], [live]) == ["loses-data"]


def test_other_members_may_change_beside_a_target_that_we_do_not_know():
    live = live_config(
        Name="old", DeliveryTargets={"Http": {"Endpoint": "https://hooks.example.com/oc"}, "Fancy": {"U": 1}}
    )
    assert rules([config()], [live]) == []


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://hooks.example.com/x", []),
        ("https://a.b.example.com/x", []),
        ("https://example.com.evil.net/x", ["targetHosts"]),
        ("https://hooks.example.com@evil.net/x", ["targetHosts"]),
        ("not a url", ["targetHosts"]),
    ],
)
def test_targets_point_only_at_allowed_hosts(endpoint, expected):
    desired = [config(targets=http_targets(endpoint))]
    assert rules(desired, [], target_hosts=("*.example.com",)) == expected


def test_a_host_that_is_left_to_others_is_not_judged():
    desired = config(
        "new", targets=http_targets("https://evil.net"), ignore=frozenset({"deliveryTargets.http.endpoint"})
    )
    assert rules([desired], [], target_hosts=("*.example.com",)) == []


def test_a_bad_broker_is_not_let_through_beside_a_good_one():
    def kafka(servers):
        target = {"bootstrapServers": servers, "saslUsername": "u", "saslPassword": secret(), "topic": "t"}
        return rules([config(targets={"kafka": target})], [], target_hosts=("*.example.com",))

    assert kafka("a.example.com:9092,b.example.com:9092") == []
    assert kafka("a.example.com:9092,evil.net:9092") == ["targetHosts"]
    assert kafka("evil.net:9092,a.example.com:9092") == ["targetHosts"]
    assert kafka("a.example.com:9092,:9092") == ["targetHosts"]


def test_the_host_in_a_secret_connection_string_is_checked_and_never_shown():
    value = "Endpoint=sb://evil.example.net/;SharedAccessKeyName=x;SharedAccessKey=k3y"
    targets = {"eventHub": {"eventHubName": "h", "connectionString": secret(value)}}
    plan = make_plan(inputs([config(targets=targets)], [], target_hosts=("*.servicebus.windows.net",))).plan
    (breach,) = plan.breaches
    assert breach.rule == "targetHosts"
    assert "evil" not in breach.message
    assert "k3y" not in breach.message


def test_a_secret_that_stands_in_the_manifest_is_not_sent_where_that_is_forbidden():
    literal = Secret("(literal)", lambda: "k3y")
    desired = [config(targets={"http": {"endpoint": "https://hooks.example.com/x", "secret": literal}})]
    assert rules(desired, [], **limits(literalSecrets="forbid")) == ["literalSecrets"]
    assert rules(desired, [], **limits(literalSecrets="warn")) == []
    assert rules([config()], [], **limits(literalSecrets="forbid")) == []


def test_an_override_needs_a_rule_that_exists_and_is_recorded_with_its_reason():
    plan = make_plan(inputs([config(absent=True)], [live_config()], overrides={"maxDeletes": "asked by Ann"})).plan
    assert [(breach.rule, breach.overridden) for breach in plan.breaches] == [("maxDeletes", "asked by Ann")]
    assert plan.refused == ()
    with pytest.raises(UsageError, match="is no guardrail"):
        rules([], [], overrides={"maxDelets": "typo"})


def test_only_what_would_be_wrong_in_any_run_cannot_be_overridden():
    assert frozenset(RULES) - OVERRIDABLE == {"in-use", "protect", "missing-reference", "unsupported"}
