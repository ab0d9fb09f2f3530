"""Policies: what a team asks of its manifests, told of what `validate` can know."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.errors import Problem
from reconciler.manifest.validate import Validation

Check = Callable[..., Validation]
MESSAGE = "Hooks are signed."


def policy(schema: dict[str, Any], *, name: str = "p", metadata: str = "", severity: str = "error") -> str:
    head = f"apiVersion: reconciler/v1\nkind: Policy\nmetadata: {{name: {name}{metadata}}}\n"
    return f"{head}spec:\n  message: {MESSAGE}\n  severity: {severity}\n  schema: {json.dumps(schema)}\n---\n"


def config(http: str = "endpoint: https://a, secret: '${secret:S}'", fields: str = "", metadata: str = "") -> str:
    head = f"apiVersion: reconciler/v1\nkind: DeliveryConfig\nmetadata: {{name: c{metadata}}}\n"
    return f"{head}spec:\n  name: C\n  {fields}\n  deliveryTargets:\n    http: {{{http}}}\n---\n"


def environment(name: str = "e", spec: str = "{}") -> str:
    return f"apiVersion: reconciler/v1\nkind: Environment\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


def of_spec(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a rule about the spec of delivery configs."""
    return {"if": {"properties": {"kind": {"const": "DeliveryConfig"}}}, "then": {"properties": {"spec": schema}}}


def of_http(schema: dict[str, Any]) -> dict[str, Any]:
    return of_spec({"properties": {"deliveryTargets": {"properties": {"http": schema}}}})


def breaches(found: Validation) -> list[Problem]:
    assert {problem.code for problem in found.problems} <= {"policy-breach"}
    return list(found.problems)


def test_a_breach_says_the_message_the_place_and_the_policy(check: Check) -> None:
    rule = policy(of_http({"properties": {"endpoint": {"pattern": "^https://hooks"}}}))
    (problem,) = breaches(check(rules=rule, shop=config()))
    assert problem.message == f"DeliveryConfig c: {MESSAGE}"
    assert problem.place.file.endswith("shop.yaml")
    assert (problem.place.line, problem.place.column) == (8, 22)
    assert problem.hint is not None
    assert "Policy p" in problem.hint
    assert "spec.deliveryTargets.http.endpoint" in problem.hint


def test_what_is_kept_is_not_told(check: Check) -> None:
    assert breaches(check(policy(of_http({"required": ["secret"]})) + config())) == []


def test_a_warning_stops_nothing(check: Check) -> None:
    found = check(policy(of_spec({"required": ["no"]}), severity="warning") + config())
    assert [problem.code for problem in found.warnings] == ["policy-breach"]
    assert found.problems == ()


def test_defaults_are_filled_in(check: Check) -> None:
    assert (
        breaches(
            check(policy(of_spec({"required": ["enabled"], "properties": {"enabled": {"const": True}}})) + config())
        )
        == []
    )
    assert len(breaches(check(policy(of_spec({"properties": {"enabled": {"const": False}}})) + config()))) == 1


def test_a_rule_sees_environment_kind_metadata_and_spec_and_nothing_else(check: Check) -> None:
    names = ["environment", "kind", "metadata", "spec"]
    rule = {"required": names, "properties": dict.fromkeys(names, True), "additionalProperties": False}
    protected = {
        "if": {"properties": {"kind": {"const": "DeliveryConfig"}}},
        "then": {"properties": {"metadata": {"required": ["protect"]}}},
    }
    text = policy(rule, name="whole") + policy(protected) + environment()
    assert breaches(check(text + config(metadata=", protect: true"))) == []


def test_the_environment_is_judged_too(check: Check) -> None:
    rule = {
        "if": {"properties": {"kind": {"const": "Environment"}}},
        "then": {"properties": {"spec": {"properties": {"guardrails": {"properties": {"maxDeletes": {"const": 0}}}}}}},
    }
    assert breaches(check(policy(rule) + environment())) == []
    assert len(breaches(check(policy(rule) + environment(spec="{guardrails: {maxDeletes: 3}}")))) == 1


def test_a_policy_is_for_its_environments(check: Check) -> None:
    patch = "{patches: [{kind: DeliveryConfig, name: c, spec: {enabled: false}}]}"
    text = config() + environment("a", patch) + environment("b")
    wanted = of_spec({"properties": {"enabled": {"const": True}}})
    (problem,) = breaches(check(policy(wanted) + text))
    assert "patches" in str(problem.place) or problem.place.line is not None
    assert len(breaches(check(policy(wanted, metadata=", environments: [a]") + text))) == 1
    assert breaches(check(policy(wanted, metadata=", environments: [b]") + text)) == []
    named = {
        "if": {"properties": {"environment": {"const": "a"}}},
        "then": of_spec({"properties": {"enabled": {"const": False}}}),
    }
    assert breaches(check(policy(named) + text)) == []


def test_what_is_to_be_absent_is_not_judged(check: Check) -> None:
    absent = config().replace("spec:", "state: absent\nspec:")
    assert breaches(check(policy(of_spec({"required": ["no"]})) + absent)) == []


@pytest.mark.parametrize("value", ["${secret:S}", "literal-secret-value"])
@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^x"},
        {"not": {"pattern": "."}},
        {"const": "x"},
        {"if": {"minLength": 3}, "then": False},
        {"type": "number"},
    ],
)
def test_a_secret_is_there_and_its_value_decides_nothing(check: Check, value: str, schema: dict[str, Any]) -> None:
    rule = policy(of_http({"required": ["secret"], "properties": {"secret": schema}}))
    found = check(rule + config(f"endpoint: https://a, secret: '{value}'"))
    assert breaches(found) == []
    assert all("literal-secret-value" not in str(problem) for problem in (*found.problems, *found.warnings))


def test_what_metadata_calls_sensitive_is_there_and_no_more(check: Check) -> None:
    rule = policy(of_http({"properties": {"endpoint": {"not": {"pattern": "/T0KEN"}}}}))
    hook = "endpoint: https://a/T0KEN, secret: '${secret:S}'"
    assert len(breaches(check(rule + config(hook)))) == 1
    assert breaches(check(rule + config(hook, metadata=", sensitive: [deliveryTargets.http.endpoint]"))) == []


def test_a_password_in_a_url_is_not_to_be_read_by_a_rule(check: Check) -> None:
    rule = policy(of_http({"properties": {"endpoint": {"not": {"pattern": "hunter2"}}}}))
    assert breaches(check(rule + config("endpoint: 'https://u:hunter2@a/', secret: '${secret:S}'"))) == []


@pytest.mark.parametrize("reference", ["${var:x}", "${env:EMULATOR}"])
def test_a_breach_that_depends_on_a_reference_is_left_to_the_plan(check: Check, reference: str) -> None:
    rule = policy(of_http({"required": ["endpoint"], "properties": {"endpoint": {"pattern": "^https://b"}}}))
    text = environment(spec="{variables: {x: a}}") + config(
        f"endpoint: 'https://{reference}/', secret: '${{secret:S}}'"
    )
    assert breaches(check(rule + text)) == []


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "strin"}, "type"),
        ({"properties": {"spec": {"$ref": "file:///etc/passwd"}}}, "$ref"),
        ({"pattern": "${var:x}"}, None),
    ],
)
def test_a_policy_that_cannot_be_used_is_told_where_it_stands(
    check: Check, schema: dict[str, Any], place: str | None
) -> None:
    (problem,) = check(policy(schema) + config()).problems
    assert problem.code == ("bad-policy" if place else "reference-not-allowed")
    assert problem.place.line == 7


def test_a_rule_that_never_ends_is_told(check: Check) -> None:
    rule = policy(of_spec({"properties": {"name": {"pattern": "^(a|a)*$"}}}))
    text = config().replace("name: C\n", f"name: {'a' * 60}b\n")
    (problem,) = check(rule + text).problems
    assert problem.code == "policy-too-slow"


def test_two_policies_have_two_names(check: Check) -> None:
    (problem,) = check(policy({}) + policy({}) + config()).problems
    assert problem.code == "duplicate-name"


def test_a_policy_cannot_be_absent(check: Check) -> None:
    (problem,) = check(policy({}).replace("spec:", "state: absent\nspec:") + config()).problems
    assert "a Policy cannot be absent" in problem.message
