"""Policies in plan and apply: what references stand for is judged there, and a broken rule lets nothing through."""

from __future__ import annotations

import pytest

from support.checkout import Checkout, document, http_config

RULE = {
    "if": {"properties": {"kind": {"const": "DeliveryConfig"}}},
    "then": {"properties": {"spec": {"properties": {"name": {"pattern": "^Good"}}}}},
}


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    """Return a checkout with a name that a variable decides, and a rule about it."""
    checkout.write("environment.yaml", checkout.environment(variables={"word": "Bad"}))
    hook = http_config("hook")
    hook["spec"]["name"] = "${var:word} hook"
    checkout.write("shop.yaml", hook)
    checkout.write("rule.yaml", document("Policy", "names", {"message": "Names are good.", "schema": RULE}))
    return checkout


def test_plan_and_apply_refuse_what_validate_could_not_judge(shop: Checkout) -> None:
    assert shop.call("validate").status == 0
    for words in (("plan",), ("apply", "--yes")):
        with shop.unchanged():
            ended = shop.call(*words)
        assert ended.status == 1, str(ended)
        assert "policy-breach" in ended.stderr
        assert "DeliveryConfig hook: Names are good." in " ".join(ended.stderr.split())
        assert "shop.yaml:" in ended.stderr
    assert shop.call("drift", "--format", "json").json["items"]


def test_an_approval_does_not_pass_a_rule_that_came_later(shop: Checkout) -> None:
    rule = shop.folder / "manifests" / "rule.yaml"
    text = rule.read_text()
    rule.unlink()
    assert shop.call("plan", "--save", "plan.json").status == 0
    rule.write_text(text)
    with shop.unchanged():
        ended = shop.call("apply", "plan.json")
    assert ended.status == 1
    assert "policy-breach" in ended.stderr


def test_a_warning_and_what_cannot_be_judged_are_notes_of_the_plan(shop: Checkout) -> None:
    rules = [
        document("Policy", "names", {"message": "Names are good.", "severity": "warning", "schema": RULE}),
        document(
            "Policy",
            "keys",
            {
                "message": "Keys are long.",
                "schema": {
                    "properties": {
                        "spec": {
                            "properties": {
                                "deliveryTargets": {
                                    "properties": {"http": {"properties": {"secret": {"minLength": 40}}}}
                                }
                            }
                        }
                    }
                },
            },
        ),
    ]
    shop.write("rule.yaml", *rules)
    ended = shop.call("plan", "--format", "json")
    assert ended.status == 0, str(ended)
    notes = [note["message"] for note in ended.json["notes"] if note["kind"] == "policy"]
    assert notes == [
        "DeliveryConfig hook: Names are good.",
        "DeliveryConfig hook: Policy keys cannot be judged: it depends on a secret",
    ]
    assert shop.call("apply", "--yes").status == 0
