from __future__ import annotations

import copy
from typing import Any

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator

HTTP = {"Endpoint": "https://hooks.example.com/oc", "Secret": "marker-secret"}
KAFKA = {"BootstrapServers": "k:9092", "SaslUsername": "u", "SaslPassword": "marker-sasl", "Topic": "t"}
SEARCH = {
    "Domain": "4711",
    "Source": "1099",
    "Endpoint": "https://discover.example.com",
    "Entity": "product",
    "ApiKey": "marker-key",
    "Content": {
        "Locales": ["en"],
        "Http": {"Endpoint": "https://c.example.com", "CustomAuthHeaderName": "A", "CustomAuthHeaderValue": "marker-v"},
    },
}
ALL_TARGETS: dict[str, dict[str, Any]] = {
    "Kafka": KAFKA,
    "Http": {**HTTP, "CustomAuthHeaderName": "X-Key", "CustomAuthHeaderValue": "marker-header"},
    "EventHub": {"EventHubName": "hub", "ConnectionString": "marker-connection"},
    "AzureBlob": {"ConnectionString": "marker-connection", "OverrideContainerName": "c"},
    "AzureTable": {"ConnectionString": "marker-connection", "OverrideTableName": "t"},
    "CosmosDb": {"ConnectionString": "marker-connection", "OverrideDatabaseName": "d"},
    "MessageSender": {"Endpoint": "https://m.example.com", "Secret": "marker-secret"},
    "SearchIngestion": SEARCH,
    "ContentHub": {
        "ApiKey": "marker-key",
        "Endpoint": "https://c.example.com",
        "TargetSchemaName": "s",
        "ConfigData": {"a": 1},
    },
    "SendEvent": {"SiteID": "s", "ServiceEndpoint": "https://s.example.com"},
    "DiscoverEvent": {"ClientID": "c", "ApiKey": "marker-key", "ServiceEndpoint": "https://s.example.com"},
    "Mailchimp": {"ApiKey": "marker-key"},
}


def config(config_id: str | None = "one", targets: Any = None, **members: Any) -> dict[str, Any]:
    body = {
        "Name": "One",
        "Enabled": True,
        "DeliveryTargets": {"Http": HTTP} if targets is None else targets,
        **members,
    }
    return copy.deepcopy(body if config_id is None else {"ID": config_id, **body})


def without_secrets(target: Any) -> Any:
    if isinstance(target, dict):
        return {k: without_secrets(v) for k, v in target.items() if not str(v).startswith("marker-")}
    return target


def no_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: no_nulls(item) for key, item in value.items() if item is not None}
    return value


def stored_targets(emulator: RunningEmulator, config_id: str = "one") -> Any:
    return emulator.state(secrets=True)["ordercloud"]["deliveryConfigs"][config_id]["DeliveryTargets"]


def problems(response: httpx.Response) -> str:
    assert response.status_code == 400, response.text
    return " ".join(error["Message"] for error in response.json()["Errors"])


@pytest.mark.parametrize("name", ALL_TARGETS)
def test_each_target_round_trips_without_its_secrets(emulator: RunningEmulator, api: httpx.Client, name: str) -> None:
    target = ALL_TARGETS[name]
    created = api.post("/deliveryconfig", json=config(targets={name: target}))
    assert created.status_code == 201
    read = api.get("/deliveryconfig/one")
    assert read.json() == created.json()
    assert no_nulls(read.json()["DeliveryTargets"]) == {name: without_secrets(target)}
    assert "marker-" not in read.text
    assert stored_targets(emulator) == {name: target}


def test_state_dump_shows_secrets_as_present_or_absent(emulator: RunningEmulator, api: httpx.Client) -> None:
    api.post("/deliveryconfig", json=config(targets={"SearchIngestion": SEARCH, "Http": HTTP}))
    dumped = emulator.state()
    assert "marker-" not in str(dumped)
    targets = dumped["ordercloud"]["deliveryConfigs"]["one"]["DeliveryTargets"]
    assert targets["Http"]["Secret"] == "present"
    assert targets["Http"]["CustomAuthHeaderValue"] == "absent"
    assert targets["SearchIngestion"]["Content"]["Http"]["CustomAuthHeaderValue"] == "present"


def test_id_is_generated_when_none_is_sent(api: httpx.Client) -> None:
    first, second = (api.post("/deliveryconfig", json=config(None)).json()["ID"] for _ in range(2))
    assert first != second
    assert api.get(f"/deliveryconfig/{first}").status_code == 200


@pytest.mark.parametrize("bad", ["with space", "slash/", "ü", "x" * 101, "dot.dot", "new\nline", "end\n"])
def test_ids_have_a_form(api: httpx.Client, bad: str) -> None:
    assert "ID may have letters" in problems(api.post("/deliveryconfig", json=config(bad)))
    api.post("/deliveryconfig", json=config())
    assert "ID may have letters" in problems(api.patch("/deliveryconfig/one", json={"ID": bad}))


def test_id_in_use_is_a_conflict(api: httpx.Client) -> None:
    api.post("/deliveryconfig", json=config())
    again = api.post("/deliveryconfig", json=config())
    assert again.status_code == 409
    assert again.json()["Errors"][0]["ErrorCode"] == "IdExists"


def test_every_missing_member_is_named_at_once(api: httpx.Client) -> None:
    answer = api.post("/deliveryconfig", json={"DeliveryTargets": {"Kafka": {"Topic": "t"}}})
    members = {error["Data"]["Member"] for error in answer.json()["Errors"]}
    kafka = {f"DeliveryTargets.Kafka.{name}" for name in ("BootstrapServers", "SaslUsername", "SaslPassword")}
    assert members == {"Name", *kafka}


def test_lengths_are_limited(api: httpx.Client) -> None:
    assert api.post("/deliveryconfig", json=config(Name="n" * 128)).status_code == 201
    assert "128" in problems(api.post("/deliveryconfig", json=config("two", Name="n" * 129)))
    assert "50" in problems(api.post("/deliveryconfig", json=config("two", {"Http": {**HTTP, "Secret": "s" * 51}})))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"Name": 1}', b'{"Name":"a","Enabled":"yes"}'])
def test_what_is_no_such_object_is_refused(api: httpx.Client, body: bytes) -> None:
    answer = api.post("/deliveryconfig", content=body)
    assert answer.status_code == 400
    assert answer.json()["Errors"][0]["ErrorCode"] == "Request.InvalidRequestBody"


def test_at_most_one_known_integration(api: httpx.Client) -> None:
    send_event = ALL_TARGETS["SendEvent"]
    both = {"SearchIngestion": SEARCH, "SendEvent": send_event}
    assert "Only one known integration" in problems(api.post("/deliveryconfig", json=config(targets=both)))
    several_custom = {"SearchIngestion": SEARCH, "Http": HTTP, "Kafka": KAFKA}
    assert api.post("/deliveryconfig", json=config(targets=several_custom)).status_code == 201
    patched = api.patch("/deliveryconfig/one", json={"DeliveryTargets": {"SendEvent": send_event}})
    assert "Only one known integration" in problems(patched)


def test_unknown_targets_and_members_survive(api: httpx.Client) -> None:
    sent = config(targets={"Http": {**HTTP, "Retries": 3}, "Pigeon": {"Loft": "north"}}, Colour="blue")
    api.post("/deliveryconfig", json=sent)
    api.patch("/deliveryconfig/one", json={"Name": "Two"})
    read = api.get("/deliveryconfig/one").json()
    assert read["Colour"] == "blue"
    assert read["DeliveryTargets"]["Pigeon"] == {"Loft": "north"}
    assert read["DeliveryTargets"]["Http"]["Retries"] == 3


def test_member_names_are_matched_without_regard_to_case(api: httpx.Client) -> None:
    body = {"id": "one", "name": "One", "enabled": True, "deliveryTargets": {"http": {"endpoint": "x", "SECRET": "s"}}}
    assert api.post("/deliveryconfig", json=body).status_code == 201
    read = api.get("/deliveryconfig/one").json()
    assert read["Name"] == "One"
    assert read["DeliveryTargets"]["Http"]["Endpoint"] == "x"


def test_paths_are_matched_without_regard_to_case_but_ids_are_not(api: httpx.Client) -> None:
    api.post("/deliveryconfig", json=config("One"))
    assert api.get("/DeliveryConfig/One").status_code == 200
    assert api.get("/deliveryconfig/one").status_code == 404


def test_patch_keeps_what_is_not_sent_and_null_removes_a_target(emulator: RunningEmulator, api: httpx.Client) -> None:
    api.post("/deliveryconfig", json=config(targets={"Http": HTTP, "Kafka": KAFKA}))
    answer = api.patch("/deliveryconfig/one", json={"Enabled": False, "DeliveryTargets": {"Kafka": None}})
    assert answer.status_code == 200
    assert answer.json()["Name"] == "One"
    assert answer.json()["Enabled"] is False
    assert stored_targets(emulator) == {"Http": HTTP}


def test_put_replaces_everything(emulator: RunningEmulator, api: httpx.Client) -> None:
    api.post("/deliveryconfig", json=config(targets={"Http": HTTP, "Kafka": KAFKA}, Colour="blue"))
    answer = api.put("/deliveryconfig/one", json={"Name": "Two", "DeliveryTargets": {"Http": HTTP}})
    assert answer.status_code == 200
    assert "Colour" not in answer.json()
    assert answer.json()["Enabled"] is False
    assert stored_targets(emulator) == {"Http": HTTP}


def test_put_creates_under_the_id_of_the_path(api: httpx.Client) -> None:
    assert api.put("/deliveryconfig/new", json=config(None)).status_code == 200
    assert api.get("/deliveryconfig/new").json()["ID"] == "new"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_new_id_in_the_body_renames(emulator: RunningEmulator, api: httpx.Client, method: str) -> None:
    api.post("/deliveryconfig", json=config("old"))
    api.post("/deliveryconfig", json=config("taken"))
    assert api.request(method, "/deliveryconfig/old", json=config("new")).json()["ID"] == "new"
    assert api.get("/deliveryconfig/old").status_code == 404
    assert stored_targets(emulator, "new") == {"Http": HTTP}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_rename_to_an_id_in_use_is_a_conflict(plain: httpx.Client, method: str) -> None:
    plain.post("/deliveryconfig", json=config("old"))
    plain.post("/deliveryconfig", json=config("taken"))
    assert plain.request(method, "/deliveryconfig/old", json=config("taken")).status_code == 409
    assert plain.get("/deliveryconfig/old").status_code == 200


def test_delete_and_not_found(api: httpx.Client) -> None:
    api.post("/deliveryconfig", json=config())
    assert api.delete("/deliveryconfig/one").status_code == 204
    for answer in (api.get("/deliveryconfig/one"), api.delete("/deliveryconfig/one")):
        assert answer.status_code == 404
        error = answer.json()["Errors"][0]
        assert error["ErrorCode"] == "NotFound"
        assert error["Data"] == {"ObjectType": "DeliveryConfig", "ObjectID": "one"}
    assert api.patch("/deliveryconfig/one", json={}).status_code == 404


def test_a_config_in_use_is_not_deleted(api: httpx.Client) -> None:
    api.post("/deliveryconfig", json=config())
    api.put("/ErrorConfig", json={"DeliveryConfigID": "one"})
    refused = api.delete("/deliveryconfig/one")
    assert refused.status_code == 400
    assert refused.json()["Errors"][0]["ErrorCode"] == "DeliveryConfig.CannotDeleteConfigInUse"
    api.delete("/ErrorConfig")
    assert api.delete("/deliveryconfig/one").status_code == 204
