"""Drift: what differs, who moved, and each way to put it right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.checkout import Checkout, document, entity_sync, http_config, wait_until

SCHEMAS = Path(__file__).parents[2] / "schemas"
BUYERS = "/integrations/entitysync/buyers"
ENDED = 'pause: {until: "2020-01-01T00:00:00Z", reason: load}'
FILE = """\
# The shop's hook.
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: hook}
spec:
  name: Hook   # shown in the portal
  deliveryTargets:
    http:
      endpoint: https://hooks.example.com/shop
      secret: signing-key   # not a real one
---
apiVersion: reconciler/v1
kind: EntitySync
metadata: {name: buyers}
spec:
  entity: buyers
  deliveryConfig: hook   # by name
# The end.
"""


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    """Return a checkout whose manifests are live."""
    checkout.write("environment.yaml", checkout.environment())
    (checkout.manifests / "shop.yaml").write_text(FILE)
    checkout.applied()
    return checkout


def edit(checkout: Checkout, old: str, new: str) -> None:
    path = checkout.manifests / "shop.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def in_the_portal(checkout: Checkout, **members: Any) -> None:
    """Change the hook, or with `Paused` the sync, as somebody in the portal would."""
    where = {"Paused"} & members.keys()
    checkout.change_live(
        lambda live: (live["syncs"][BUYERS] if where else live["deliveryConfigs"]["hook"]).update(members)
    )


def drift(checkout: Checkout, *words: str, status: int = 2) -> list[dict[str, Any]]:
    """Return the items of a drift report, held against its schema."""
    ended = checkout.call("drift", "--format", "json", *words)
    assert ended.status == status, str(ended)
    reports = ended.json if isinstance(ended.json, list) else [ended.json]
    schema = json.loads((SCHEMAS / "drift.schema.json").read_text())
    for report in reports:
        jsonschema.validate(report, schema)
        assert report["summary"]["drifted"] == sum(item["snoozed_until"] is None for item in report["items"])
        assert report["drifted"] == bool(report["summary"]["drifted"])
    return [item for report in reports for item in report["items"]]


def test_nothing_differs(shop: Checkout) -> None:
    with shop.unchanged():
        assert drift(shop, status=0) == []


CAUSES: dict[str, Callable[[Checkout], None]] = {
    "git-moved": lambda shop: edit(shop, "name: Hook ", "name: Our hook "),
    "live-moved": lambda shop: in_the_portal(shop, Name="Theirs"),
    "both-moved": lambda shop: (in_the_portal(shop, Name="Theirs"), edit(shop, "name: Hook ", "name: Ours "))[1],
    "undeclared-pause": lambda shop: in_the_portal(shop, Paused=True),
    "overdue": lambda shop: (
        in_the_portal(shop, Paused=True),
        edit(
            shop,
            "deliveryConfig: hook ",
            'pause: {until: "2020-01-01T00:00:00Z", reason: load}\n  deliveryConfig: hook ',
        ),
    )[1],
    "differs": lambda shop: (shop.ledger.unlink(), in_the_portal(shop, Name="Theirs"))[1],
}


@pytest.mark.parametrize("cause", CAUSES)
def test_it_knows_who_moved_and_what_can_be_done(shop: Checkout, cause: str) -> None:
    CAUSES[cause](shop)
    with shop.unchanged():
        (item,) = drift(shop)
    assert item["cause"] == cause
    assert any(step.startswith("reconciler apply") for step in item["next_steps"])
    assert any("--resume-expired" in step for step in item["next_steps"]) == (cause == "overdue")
    text = shop.call("drift").stdout
    assert item["name"] in text


@pytest.mark.parametrize("cause", CAUSES)
def test_each_next_step_works_as_it_is_printed(shop: Checkout, cause: str) -> None:
    CAUSES[cause](shop)
    (item,) = drift(shop)
    steps = [step.removeprefix("reconciler ").split() for step in item["next_steps"]]
    for words in steps:
        if "snooze" in words:
            words[-1] = "because"
            assert shop.call(*words).status == 0
            assert drift(shop, status=0)
            assert shop.call(*words[:3], "-e", "test", "--end").status == 0
        elif "--adopt" in words and cause != "overdue":
            before = shop.manifest_bytes()
            ended = shop.call(*words)
            assert ended.status == 0, str(ended)
            assert drift(shop, status=0) == []
            for name, content in before.items():
                (shop.manifests / name).write_bytes(content)
    last = next(words for words in steps if "--resume-expired" in words or words[0] == "apply")
    ended = shop.call(*last, *(["--yes"] if last[0] == "apply" else []))
    assert ended.status == 0, str(ended)
    assert drift(shop, status=0) == []


def test_what_is_adopted_leaves_the_rest_of_the_file_alone(shop: Checkout) -> None:
    in_the_portal(shop, Name="Theirs: 'quoted' #not a comment ${x}", Enabled=False)
    in_the_portal(shop, Paused=True)
    live = shop.live()
    shop.emulator.clear_requests()
    ended = shop.call("drift", "--adopt", "DeliveryConfig/hook", "--adopt", "EntitySync/buyers")
    assert ended.status == 0, str(ended)
    assert (shop.writes(), shop.live()) == ([], live)
    text = (shop.manifests / "shop.yaml").read_text()
    for comment in ("# The shop's hook.", "# shown in the portal", "# not a real one", "# by name", "# The end."):
        assert comment in text
    kept = [line for line in FILE.splitlines() if "name: Hook" not in line]
    assert [line for line in kept if line not in text.splitlines()] == []
    assert drift(shop, status=0) == []
    assert shop.call("plan", "--exit-code").status == 0


def test_what_cannot_be_adopted_changes_no_file(shop: Checkout) -> None:
    in_the_portal(shop, Name="Theirs")
    shop.change_live(lambda live: live["syncs"].pop(BUYERS))
    with shop.unchanged():
        ended = shop.call("drift", "--adopt", "DeliveryConfig/hook", "--adopt", "EntitySync/buyers")
    assert ended.status == 64, str(ended)
    assert "state: absent" in " ".join(ended.stderr.split())


def test_what_no_manifest_can_say_is_not_adopted(shop: Checkout) -> None:
    in_the_portal(shop, Name="n" * 129)
    with shop.unchanged():
        ended = shop.call("drift", "--adopt", "DeliveryConfig/hook")
    assert ended.status == 64, str(ended)
    assert "spec.name is longer than 128 characters" in " ".join(ended.stderr.split())


def test_resume_expired_lifts_what_is_overdue_and_nothing_else(shop: Checkout) -> None:
    CAUSES["overdue"](shop)
    in_the_portal(shop, Name="Theirs")
    shop.emulator.clear_requests()
    items = drift(shop, "--resume-expired")
    assert [item["cause"] for item in items] == ["live-moved"]
    assert shop.writes() == [("PATCH", "entitysync/buyers")]
    assert shop.live()["syncs"][BUYERS]["Paused"] is False


@pytest.mark.parametrize(
    ("unmanaged", "status", "causes"), [("report", 0, []), ("drift", 2, ["unmanaged"]), ("ignore", 0, [])]
)
def test_what_no_manifest_names(shop: Checkout, unmanaged: str, status: int, causes: list[str]) -> None:
    shop.write("environment.yaml", shop.environment(guardrails={"unmanaged": unmanaged}))
    shop.change_live(lambda live: live["syncs"].update({BUYERS.replace("buyers", "catalogs"): live["syncs"][BUYERS]}))
    with shop.unchanged():
        items = drift(shop, status=status)
        assert [item["cause"] for item in items] == causes
        shown = "catalogs" in shop.call("drift").stdout
    assert shown == (unmanaged != "ignore")
    for item in items:
        words = item["next_steps"][0].removeprefix("reconciler ").split()
        assert shop.call(*words).status == 0
        assert drift(shop, status=0) == []


def test_one_unreachable_environment_does_not_hide_the_others(shop: Checkout) -> None:
    away = shop.environment("away", ordercloud={"clientSecret": "wrong"})
    shop.write("environment.yaml", shop.environment(), away)
    in_the_portal(shop, Name="Theirs")
    items = drift(shop, "-e", "all", status=1)
    assert {item["cause"] for item in items} == {"unreachable", "live-moved"}
    (lost,) = [item for item in items if item["cause"] == "unreachable"]
    assert lost["next_steps"] == ["reconciler doctor -e away"]
    assert drift(shop, "-e", "test")


def test_a_snooze_is_shown_does_not_count_and_ends(shop: Checkout) -> None:
    in_the_portal(shop, Paused=True)
    words = ("drift", "snooze", "EntitySync/buyers", "-e", "test")
    assert shop.call(*words, "--for", "3s", "--reason", "stock-taking").status == 0
    (item,) = drift(shop, status=0)
    assert item["snooze_reason"] == "stock-taking"
    text = shop.call("drift")
    assert (text.status, "stock-taking" in text.stdout) == (0, True)
    wait_until(lambda: shop.call("drift").status == 2, 10)
    assert shop.call(*words, "--for", "1d", "--reason", "again").status == 0
    assert drift(shop, status=0)
    assert shop.call(*words, "--end").status == 0
    assert drift(shop)


def test_a_snooze_holds_for_one_object_only(shop: Checkout) -> None:
    in_the_portal(shop, Paused=True)
    in_the_portal(shop, Name="Theirs")
    assert shop.call("drift", "snooze", "EntitySync/buyers", "--for", "1d", "--reason", "x").status == 0
    assert len(drift(shop)) == 2


def test_json_of_plan_and_apply_fits_their_schemas(shop: Checkout) -> None:
    shop.write("more.yaml", entity_sync("catalogs", "more"), http_config("more", "${secret:E2E_MORE}"))
    shop.write("gone.yaml", document("ErrorConfig", "errors", state="absent"))
    shop.variables["E2E_MORE"] = "key"
    for command, name in ((("plan",), "plan"), (("apply", "--yes"), "apply")):
        ended = shop.call(*command, "--format", "json")
        jsonschema.validate(ended.json, json.loads((SCHEMAS / f"{name}.schema.json").read_text()))
    ended = shop.call("plan", "-e", "other", "--format", "json")
    jsonschema.validate(json.loads(ended.stderr), json.loads((SCHEMAS / "error.schema.json").read_text()))
