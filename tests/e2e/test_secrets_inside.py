"""Secrets inside values that live shows: compared with live, sent, imported as references, and never shown."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from support.checkout import Checkout, Document, document, http_config

PATH = "deliveryTargets.http.endpoint"


def hook(endpoint: str, **metadata: Any) -> Document:
    target = {"endpoint": endpoint, "secret": "signing-key"}
    return document("DeliveryConfig", "hook", {"name": "Hook", "deliveryTargets": {"http": target}}, metadata=metadata)


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    """Return a checkout whose hook has a code in its URL."""
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("shop.yaml", hook("https://me:${secret:PW}@hooks.example.com/in?code=${secret:CODE}"))
    checkout.variables.update(PW="kr3mbel-pw", CODE="kr3mbel-one")
    checkout.applied()
    assert "https://me:kr3mbel-pw@hooks.example.com/in?code=kr3mbel-one" in str(checkout.live())
    return checkout


def planned(shop: Checkout) -> Any:
    ended = shop.call("plan", "--format", "json")
    assert "kr3mbel" not in f"{ended.stdout}{ended.stderr}"
    assert ended.status == 0, str(ended)
    return ended.json


def test_apply_then_plan_is_empty_and_a_missing_secret_is_no_change(shop: Checkout) -> None:
    assert planned(shop)["changes"] == []
    del shop.variables["CODE"]
    plan = planned(shop)
    assert plan["changes"] == []
    assert [note["kind"] for note in plan["notes"] if PATH in note["message"]] == ["secret-unset"]


def test_another_secret_is_a_change_without_its_value_or_a_hash_of_it(shop: Checkout) -> None:
    plans = []
    for code in ("kr3mbel-two", "kr3mbel-three"):
        shop.variables["CODE"] = code
        plans.append(planned(shop))
    (change,) = plans[0]["changes"]
    assert change["fields"] == [{"path": PATH, "before": None, "after": None, "sensitive": True}]
    assert [note["kind"] for note in plans[0]["notes"] if PATH in note["message"]] == ["secret-changes"]
    for plan in plans:
        del plan["created_at"], plan["expires_at"], plan["digest"]
    assert plans[0] == plans[1]
    shop.applied()
    assert "code=kr3mbel-three" in str(shop.live())
    assert planned(shop)["changes"] == []


def test_a_plan_shows_where_the_value_points_and_that_a_secret_in_it_changes(shop: Checkout) -> None:
    shop.write("shop.yaml", hook("https://me:${secret:PW}@other.example.com/in?code=${secret:NEW}"))
    shop.variables["NEW"] = "kr3mbel-new"
    plan = planned(shop)
    (field,) = plan["changes"][0]["fields"]
    assert field == {
        "path": PATH,
        "before": "https://••••••@hooks.example.com/in?code=••••••",
        "after": "https://••••••@other.example.com/in?code=••••••",
        "sensitive": False,
    }
    assert [note["kind"] for note in plan["notes"] if PATH in note["message"]] == ["secret-changes"]


def test_what_live_has_by_hand_is_found_and_not_shown(shop: Checkout) -> None:
    def change(state: dict[str, Any]) -> None:
        config = next(iter(state["deliveryConfigs"].values()))
        config["DeliveryTargets"]["Http"]["Endpoint"] = "https://me:kr3mbel-pw@hooks.example.com/in?code=kr3mbel-hand"

    shop.change_live(change)
    for form in ("text", "json", "markdown", "html"):
        ended = shop.call("drift", "--format", form)
        assert ended.status == 2, str(ended)
        assert "kr3mbel" not in f"{ended.stdout}{ended.stderr}"
    before = (shop.manifests / "shop.yaml").read_text()
    ended = shop.call("drift", "--adopt", "DeliveryConfig/hook")
    assert ended.status == 64, str(ended)
    assert "kr3mbel" not in f"{ended.stdout}{ended.stderr}"
    assert (shop.manifests / "shop.yaml").read_text() == before
    shop.applied()
    assert "code=kr3mbel-one" in str(shop.live())


def test_import_writes_references_and_the_plan_after_it_is_empty(shop: Checkout) -> None:
    def change(state: dict[str, Any]) -> None:
        config = next(iter(state["deliveryConfigs"].values()))
        config["DeliveryTargets"]["ContentHub"] = {
            "Endpoint": "https://hub.example.com",
            "TargetSchemaName": "M",
            "ConfigData": {
                "apiKey": "kr3mbel-key",
                "title": "T",
                "url": "https://x.example.com/?sig=kr3mbel-sig",
                "headers": [{"name": "Accept", "value": "text/plain"}, {"name": "X-Api-Key", "value": "kr3mbel-pair"}],
                "text": '{"dbpass": "kr3mbel-json"}',
                "arguments": ["--api-key", "kr3mbel-flag"],
                "form": "X-Api-Key%3A%20kr3mbel-form",
            },
        }

    shop.change_live(change)
    (shop.manifests / "shop.yaml").unlink()
    ended = shop.call("import", "--format", "json")
    assert ended.status == 0, str(ended)
    assert "kr3mbel" not in f"{ended.stdout}{ended.stderr}"
    written = "".join(path.read_text() for path in shop.manifests.rglob("*.yaml"))
    assert "kr3mbel" not in written
    assert "@hooks.example.com/in?code=${secret:HOOK_HTTP_ENDPOINT_2}" in written
    shop.variables |= {
        "HOOK_HTTP_ENDPOINT": "me:kr3mbel-pw",
        "HOOK_HTTP_ENDPOINT_2": "kr3mbel-one",
        "HOOK_CONTENT_HUB_CONFIG_DATA_API_KEY": "kr3mbel-key",
        "HOOK_CONTENT_HUB_CONFIG_DATA_URL": "kr3mbel-sig",
        "HOOK_CONTENT_HUB_CONFIG_DATA_HEADERS_VALUE": "kr3mbel-pair",
        "HOOK_CONTENT_HUB_CONFIG_DATA_TEXT": "kr3mbel-json",
        "HOOK_CONTENT_HUB_CONFIG_DATA_ARGUMENTS": "kr3mbel-flag",
        "HOOK_CONTENT_HUB_CONFIG_DATA_FORM": "kr3mbel-form",
    }
    plan = planned(shop)
    assert plan["changes"] == []
    shop.variables = dict.fromkeys(re.findall(r"\$\{secret:(\w+)", written), "kr3mbel-unseen") | shop.variables
    shop.variables["HOOK_CONTENT_HUB_CONFIG_DATA_HEADERS_VALUE"] = "kr3mbel-other"
    (change,) = planned(shop)["changes"]
    assert [field for field in change["fields"] if "configData" in field["path"]] == [
        {
            "path": "deliveryTargets.contentHub.configData.headers[1]",
            "before": None,
            "after": None,
            "sensitive": True,
        }
    ]


def test_import_writes_references_in_plain_fields_and_prose_too(shop: Checkout) -> None:
    def change(state: dict[str, Any]) -> None:
        config = next(iter(state["deliveryConfigs"].values()))
        config["Name"] = "https://n:kr3mbel-name@h/"
        config["DeliveryTargets"] = {
            "ContentHub": {
                "Endpoint": "https://hub.example.com",
                "TargetSchemaName": "M",
                "ConfigData": {"note": "send Bearer kr3mbel-note", "tokens": {"a": "kr3mbel-a"}},
            }
        }

    shop.change_live(change)
    (shop.manifests / "shop.yaml").unlink()
    ended = shop.call("import", "--format", "json")
    assert ended.status == 0, str(ended)
    written = "".join(path.read_text() for path in shop.manifests.rglob("*.yaml"))
    assert "kr3mbel" not in f"{ended.stdout}{ended.stderr}{written}"
    shop.variables |= {
        "HOOK_NAME": "n:kr3mbel-name",
        "HOOK_CONTENT_HUB_CONFIG_DATA_NOTE": "kr3mbel-note",
        "HOOK_CONTENT_HUB_CONFIG_DATA_TOKENS_A": "kr3mbel-a",
    }
    assert planned(shop)["changes"] == []
    shop.variables["HOOK_NAME"] = "n:kr3mbel-other"
    (change_of_name,) = planned(shop)["changes"]
    assert change_of_name["fields"] == [{"path": "name", "before": None, "after": None, "sensitive": True}]
    shop.applied()
    assert "https://n:kr3mbel-other@h/" in str(shop.live())


def test_a_path_of_a_url_can_be_secret(shop: Checkout) -> None:
    shop.write("shop.yaml", hook("https://hooks.example.com/services/${secret:CODE}", sensitive=[PATH]))
    (change,) = planned(shop)["changes"]
    assert change["fields"][0]["after"] == "https://hooks.example.com/••••••"
    shop.applied()
    assert "https://hooks.example.com/services/kr3mbel-one" in str(shop.live())
    gone = copy.deepcopy(hook("https://hooks.example.com/x", sensitive=[PATH]))
    shop.write("shop.yaml", {**gone, "state": "absent"})
    assert planned(shop)["changes"][0]["action"] == "delete"


def test_white_space_around_a_secret_is_a_note(shop: Checkout) -> None:
    shop.variables["CODE"] = " kr3mbel-one"
    notes = [note for note in planned(shop)["notes"] if note["kind"] == "secret-blanks"]
    assert notes == []  # inside a value it is inside
    shop.write("shop.yaml", hook("https://hooks.example.com/in") | {})
    config = hook("https://hooks.example.com/in")
    config["spec"]["deliveryTargets"]["http"]["secret"] = "${secret:CODE}"
    shop.write("shop.yaml", config)
    (note,) = [note for note in planned(shop)["notes"] if note["kind"] == "secret-blanks"]
    assert "${secret:CODE}" in json.dumps(note)


def test_a_secret_setting_of_a_store_is_remembered_by_its_fingerprint(checkout: Checkout) -> None:
    spark = {"url": checkout.emulator.sparklayer_url, "siteID": "demo", "clientID": "emulator"}
    checkout.write("environment.yaml", checkout.environment(sparklayer={**spark, "clientSecret": "emulator"}))
    settings = {"theme": "dark", "maps_api_key": "${secret:KEY}", "feed": "https://x.example.com/?t=${secret:KEY}"}
    checkout.write("shop.yaml", document("Store", "store", {"baseCurrency": "GBP", "settings": settings}))
    checkout.variables["KEY"] = "kr3mbel-one"
    checkout.applied()
    assert str(checkout.emulator.state(secrets=True)).count("kr3mbel-one") == 2
    assert planned(checkout)["changes"] == []
    checkout.variables["KEY"] = "kr3mbel-two"
    (change,) = planned(checkout)["changes"]
    assert {field["path"] for field in change["fields"]} == {"settings.maps_api_key", "settings.feed"}
    assert all(field["sensitive"] for field in change["fields"])
    checkout.applied()
    assert str(checkout.emulator.state(secrets=True)).count("kr3mbel-two") == 2
    assert planned(checkout)["changes"] == []
    assert b"kr3mbel" not in checkout.ledger.read_bytes()
    settings["other_token"] = "${secret:KEY}"
    checkout.write("shop.yaml", document("Store", "store", {"baseCurrency": "GBP", "settings": settings}))
    (change,) = planned(checkout)["changes"]
    assert [field["path"] for field in change["fields"]] == ["settings.other_token"]
    checkout.applied()
    assert str(checkout.emulator.state(secrets=True)).count("kr3mbel-two") == 3


def test_planned_without_secrets_it_approves_the_same_and_is_applied_with_them(shop: Checkout) -> None:
    more = http_config("more", "${secret:SIGN}")
    moved = hook("https://me:${secret:PW}@other.example.com/in?code=${secret:CODE}")
    new = {**hook("https://${secret:PW}@new.example.com/in"), "metadata": {"name": "new"}}
    shop.write("shop.yaml", moved, more, new)
    shop.variables["SIGN"] = "kr3mbel-sign"
    seen, secrets = planned(shop), {name: shop.variables.pop(name) for name in ("PW", "CODE", "SIGN")}
    failed = shop.call("plan", "--save", "plan.json")
    assert failed.status == 1, str(failed)
    kept = json.loads((shop.folder / "plan.json").read_text())
    assert (kept["status"], kept["error"]["code"], kept["changes"]) == ("failed", "secret-unset", [])
    with shop.unchanged():
        refused = shop.call("apply", "plan.json")
    assert refused.status == 4, str(refused)
    assert "plan.json: planning had failed" in refused.stderr
    ended = shop.call("plan", "--secrets-at-apply", "--save", "plan.json")
    assert ended.status == 0, str(ended)
    assert "checked at apply" in ended.stdout
    kept = json.loads((shop.folder / "plan.json").read_text())
    assert [change["digest"] for change in kept["changes"]] == [change["digest"] for change in seen["changes"]]
    assert (kept["approves"], kept["status"]) == (seen["approves"], "planned")
    shop.variables.update(secrets, CODE="kr3mbel-two")
    assert shop.call("apply", "plan.json").status == 0
    assert "https://me:kr3mbel-pw@other.example.com/in?code=kr3mbel-two" in str(shop.live())
    assert planned(shop)["changes"] == []
