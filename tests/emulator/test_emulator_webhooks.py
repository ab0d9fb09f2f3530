from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.ordercloud.sync_models import SINGLETONS
from reconciler.emulator.testing import RunningEmulator
from support.hook_receiver import HookReceiver, hook_receiver

CONFIG = {"Name": "Hook", "Enabled": True, "DeliveryTargets": {"Http": {"Endpoint": "https://a.test", "Secret": "s3"}}}
SYNC = {"SyncProductChanged": True, "SyncProductDeleted": True, "DeliveryConfigID": "main"}
ROUTES = {
    "v1/integrations/deliveryconfig": ["POST"],
    "v1/integrations/deliveryconfig/{deliveryConfigID}": ["PUT", "PATCH", "DELETE"],
    **{f"v1{each.path}": ["PUT", "PATCH", "DELETE"] for each in SINGLETONS},
    **{f"v1{each.operation.path}": ["POST"] for each in SINGLETONS if each.operation is not None},
}


@pytest.fixture
def receiver() -> Iterator[HookReceiver]:
    with hook_receiver() as started:
        yield started


@pytest.fixture
def api(emulator: RunningEmulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {emulator.mint_token('emulator')}"}
    with httpx.Client(base_url=emulator.ordercloud_url, headers=headers, trust_env=False) as client:
        yield client


def hook(api: httpx.Client, url: str, **more: Any) -> None:
    routes = [{"Route": route, "Verb": verb} for route, verbs in ROUTES.items() for verb in verbs]
    body = {"ID": "h", "Name": "H", "Url": url, "HashKey": "k", "ApiClientIDs": ["emulator"], "WebhookRoutes": routes}
    assert api.post("webhooks", json=body | more).status_code == 201


def test_a_webhook_is_kept_listed_changed_and_deleted_and_never_shows_its_key(api: httpx.Client) -> None:
    hook(api, "http://127.0.0.1:1")
    listed = api.get("webhooks").json()["Items"]
    assert [each["ID"] for each in listed] == ["h"]
    assert "HashKey" not in listed[0]
    assert api.patch("webhooks/h", json={"Name": "Renamed", "ID": "g"}).json()["Name"] == "Renamed"
    assert api.get("webhooks/h").status_code == 404
    assert api.put("webhooks/g", json={"Name": "Without URL"}).status_code == 400
    assert api.post("webhooks", json={"ID": "g", "Name": "x", "Url": "http://127.0.0.1:1"}).status_code == 409
    assert api.delete("webhooks/g").status_code == 204
    assert api.get("webhooks/g").status_code == 404


def test_a_post_hook_says_who_changed_what_in_the_vendors_payload(
    emulator: RunningEmulator, api: httpx.Client, receiver: HookReceiver
) -> None:
    hook(api, receiver.url, ConfigData={"place": "here"})
    api.post("integrations/deliveryconfig", json={**CONFIG, "ID": "main"})
    api.patch("integrations/deliveryconfig/main", json={"Enabled": False})
    api.put("integrations/PRODUCTSYNC", json=SYNC)
    # A read calls nobody, nor does what was refused.
    api.get("integrations/productsync")
    api.delete("integrations/deliveryconfig/main")
    taken = {(each.json["Route"], each.json["Verb"]): each for each in receiver.until(3)}
    assert set(taken) == {
        ("v1/integrations/deliveryconfig", "POST"),
        ("v1/integrations/deliveryconfig/{deliveryConfigID}", "PATCH"),
        ("v1/integrations/productsync", "PUT"),
    }
    assert all(each.is_signed_by("k") for each in taken.values())
    told = taken["v1/integrations/deliveryconfig/{deliveryConfigID}", "PATCH"].json
    assert told["RouteParams"] == {"deliveryConfigID": "main"}
    assert told["Request"] == {"Body": {"Enabled": False}, "Headers": None}
    assert told["Response"]["Body"]["Enabled"] is False
    assert told["ConfigData"] == {"place": "here"}
    assert told["Date"].endswith("+00:00")
    assert len(told["LogID"]) == 36
    claims = json.loads(base64.urlsafe_b64decode(told["UserToken"].split(".")[1] + "==="))
    assert claims["usr"] == "emulator"
    # The new secret of a target is in the body that it was sent in.
    created = taken["v1/integrations/deliveryconfig", "POST"].json
    assert created["Request"]["Body"]["DeliveryTargets"]["Http"]["Secret"] == "s3"


def test_every_configuration_endpoint_that_writes_calls_its_hooks(api: httpx.Client, receiver: HookReceiver) -> None:
    receiver.answer = {"proceed": False}
    hook(api, receiver.url, BeforeProcessRequest=True)
    every = [(route, verb) for route, verbs in ROUTES.items() for verb in verbs]
    assert len(every) == 4 + 12 * 3 + 10
    for route, verb in every:
        answer = api.request(verb, route.removeprefix("v1/").replace("{deliveryConfigID}", "main"), json={})
        assert (answer.status_code, answer.json()["Errors"][0]["ErrorCode"]) == (400, "Webhook.PreHookBlocked")
    assert [(each.json["Route"], each.json["Verb"]) for each in receiver.taken] == every


def test_a_pre_hook_blocks_or_lets_through_before_anything_is_written(
    emulator: RunningEmulator, api: httpx.Client, receiver: HookReceiver
) -> None:
    hook(api, receiver.url, BeforeProcessRequest=True)
    receiver.answer = {"proceed": False, "body": {"why": "frozen"}}
    refused = api.post("integrations/deliveryconfig", json={**CONFIG, "ID": "main"})
    assert refused.json()["Errors"][0]["Data"] == {"why": "frozen"}
    assert api.get("integrations/deliveryconfig/main").status_code == 404
    assert "Response" not in receiver.taken[0].json
    receiver.answer = {"proceed": True}
    assert api.post("integrations/deliveryconfig", json={**CONFIG, "ID": "main"}).status_code == 201
    receiver.answer = None
    assert api.patch("integrations/deliveryconfig/main", json={"Enabled": False}).status_code == 400
    emulator.switch(webhook_without_answer="proceeds")
    assert api.patch("integrations/deliveryconfig/main", json={"Enabled": False}).status_code == 200


def test_only_the_clients_that_are_named_call_a_webhook_and_routes_that_are_not_do_not(
    emulator: RunningEmulator, api: httpx.Client, receiver: HookReceiver
) -> None:
    hook(api, receiver.url, ApiClientIDs=["pipeline"])
    api.post("integrations/deliveryconfig", json={**CONFIG, "ID": "main"})
    emulator.add_client("pipeline", "p")
    theirs = {"Authorization": f"Bearer {emulator.mint_token('pipeline')}"}
    api.post("buyers", json={"Name": "No configuration"}, headers=theirs)
    api.patch("integrations/deliveryconfig/main", json={"Name": "Theirs"}, headers=theirs)
    assert receiver.until(1)[0].json["Request"]["Body"] == {"Name": "Theirs"}
    assert len(emulator.webhook_calls()) == 1


def test_a_webhook_may_have_a_delivery_config_instead_of_a_url(api: httpx.Client, receiver: HookReceiver) -> None:
    targets = {"Http": {"Endpoint": receiver.url, "Secret": "of-the-config"}}
    api.post("integrations/deliveryconfig", json={**CONFIG, "ID": "main", "DeliveryTargets": targets})
    hook(api, "", DeliveryConfigID="main")
    api.patch("integrations/deliveryconfig/main", json={"Name": "x"})
    assert receiver.until(1)[0].is_signed_by("of-the-config")


def test_a_restore_unties_webhooks_changes_secrets_and_tells_the_portals_webhook(
    emulator: RunningEmulator, api: httpx.Client, receiver: HookReceiver
) -> None:
    hook(api, receiver.url)
    api.post("integrations/deliveryconfig", json={**CONFIG, "ID": "main"})
    receiver.until(1)
    emulator.tell_of_restores(receiver.url, "portal")
    assert emulator.restore() == {"webhook": {"status": 200, "error": None}}
    assert receiver.taken[-1].is_signed_by("portal")
    assert api.get("webhooks/h").json()["Url"] is None
    assert api.get("webhooks/h").json()["ApiClientIDs"] == []
    held = emulator.state(secrets=True)["ordercloud"]["deliveryConfigs"]["main"]
    assert held["DeliveryTargets"]["Http"] == {"Endpoint": "https://a.test", "Secret": "production"}


@pytest.mark.parametrize(("switch", "left"), [("copied", []), ("kept", ["main"])])
def test_a_restore_brings_the_data_of_production_and_perhaps_its_configs(
    emulator: RunningEmulator, api: httpx.Client, switch: str, left: list[str]
) -> None:
    emulator.switch(restore_configs=switch)
    emulator.add_marketplace("production", {"Objects": {"Buyers": [{"ID": "theirs", "Name": "Theirs"}]}})
    api.post("buyers", json={"ID": "ours", "Name": "Ours"})
    api.post("integrations/deliveryconfig", json={**CONFIG, "ID": "main"})
    assert emulator.restore("production") == {"webhook": None}
    assert [each["ID"] for each in api.get("buyers").json()["Items"]] == ["theirs"]
    assert [each["ID"] for each in api.get("integrations/deliveryconfig").json()["Items"]] == left
