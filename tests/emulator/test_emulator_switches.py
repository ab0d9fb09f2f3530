from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.emulator.switches import (
    CHOICES,
    CONFIGURATION,
    ORDERCLOUD,
    RECORDS,
    SPARKLAYER,
    Switches,
    covering_switches,
    flipped_switches,
    random_switches,
)
from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.errors import UsageError

HTTP = {"Endpoint": "https://hooks.example.com", "Secret": "s", "CustomAuthHeaderName": "X"}
KAFKA = {"BootstrapServers": "k:9092", "SaslUsername": "u", "SaslPassword": "p", "Topic": "t"}
SYNC = {"SyncProductChanged": True, "SyncProductDeleted": True, "DeliveryConfigID": "one"}


@pytest.fixture
def targets(emulator: RunningEmulator) -> Callable[[], Any]:
    return lambda: emulator.state(secrets=True)["ordercloud"]["deliveryConfigs"]["one"]["DeliveryTargets"]


@pytest.fixture
def configured(plain: httpx.Client) -> httpx.Client:
    body = {"ID": "one", "Name": "One", "Enabled": True, "DeliveryTargets": {"Http": HTTP, "Kafka": KAFKA}}
    assert plain.post("/deliveryconfig", json=body).status_code == 201
    return plain


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        ("deep", {"Http": {**HTTP, "Endpoint": "https://new"}, "Kafka": KAFKA}),
        ("targets", {"Http": {"Endpoint": "https://new"}, "Kafka": KAFKA}),
        ("shallow", {"Http": {"Endpoint": "https://new"}}),
    ],
)
def test_patch_depth(
    emulator: RunningEmulator, configured: httpx.Client, targets: Callable[[], Any], depth: str, expected: Any
) -> None:
    emulator.switch(patch_depth=depth)
    patch = {"DeliveryTargets": {"Http": {"Endpoint": "https://new"}}}
    assert configured.patch("/deliveryconfig/one", json=patch).status_code == 200
    assert targets() == expected


def test_patch_that_adds_a_target_needs_its_secrets(emulator: RunningEmulator, configured: httpx.Client) -> None:
    for depth in CHOICES["patch_depth"]:
        emulator.switch(patch_depth=depth)
        patch = {"DeliveryTargets": {"EventHub": {"EventHubName": "hub"}}}
        assert configured.patch("/deliveryconfig/one", json=patch).status_code == 400


@pytest.mark.parametrize(("shows", "expected"), [("null", None), ("masked", "********")])
def test_write_only_read(emulator: RunningEmulator, configured: httpx.Client, shows: str, expected: Any) -> None:
    assert "Secret" not in configured.get("/deliveryconfig/one").json()["DeliveryTargets"]["Http"]
    emulator.switch(write_only_read=shows)
    http = configured.get("/deliveryconfig/one").json()["DeliveryTargets"]["Http"]
    assert http["Secret"] == expected
    assert http["CustomAuthHeaderValue"] is None
    assert configured.get("/deliveryconfig").json()["Items"][0]["DeliveryTargets"]["Http"] == http


@pytest.mark.parametrize(
    ("does", "status", "secret"), [("rejects", 400, "s"), ("keeps", 200, "s"), ("clears", 200, None)]
)
def test_put_without_secrets(
    emulator: RunningEmulator,
    configured: httpx.Client,
    targets: Callable[[], Any],
    does: str,
    status: int,
    secret: str | None,
) -> None:
    emulator.switch(put_without_secrets=does)
    body = {"Name": "Two", "DeliveryTargets": {"Http": {"Endpoint": "https://new"}}}
    assert configured.put("/deliveryconfig/one", json=body).status_code == status
    assert targets()["Http"].get("Secret") == secret
    created = configured.put("/deliveryconfig/new", json=body)
    assert created.status_code == 400


def test_unconfigured_sync(emulator: RunningEmulator, plain: httpx.Client) -> None:
    assert plain.get("/entitysync/buyers").status_code == 404
    emulator.switch(unconfigured_sync="empty")
    assert (plain.get("/entitysync/buyers").status_code, plain.get("/entitysync/buyers").json()) == (200, {})
    emulator.switch(unconfigured_sync="null_members")
    members = ("DeliveryConfigID", "SyncEntityChanged", "SyncEntityDeleted", "Paused")
    assert plain.get("/entitysync/buyers").json() == dict.fromkeys(members)


def test_unconfigured_delete(emulator: RunningEmulator, plain: httpx.Client) -> None:
    assert plain.delete("/productsync").status_code == 404
    emulator.switch(unconfigured_delete="no_content")
    assert plain.delete("/productsync").status_code == 204


def test_in_use_delete_status(emulator: RunningEmulator, configured: httpx.Client) -> None:
    configured.put("/productsync", json=SYNC)
    assert configured.delete("/deliveryconfig/one").status_code == 400
    emulator.switch(in_use_delete_status=409)
    refused = configured.delete("/deliveryconfig/one")
    assert refused.status_code == 409
    assert refused.json()["Errors"][0]["ErrorCode"] == "DeliveryConfig.CannotDeleteConfigInUse"


@pytest.mark.parametrize(("switch", "points_at"), [("followed", "new"), ("not_followed", "one")])
def test_renamed_config(emulator: RunningEmulator, configured: httpx.Client, switch: str, points_at: str) -> None:
    emulator.switch(renamed_config=switch)
    configured.put("/productsync", json=SYNC)
    configured.patch("/deliveryconfig/one", json={"ID": "new"})
    assert configured.get("/productsync").json()["DeliveryConfigID"] == points_at
    in_use = configured.delete("/deliveryconfig/new").status_code
    assert in_use == (400 if points_at == "new" else 204)
    assert configured.patch("/productsync", json={"Paused": True}).status_code == 200


def test_put_create_status(emulator: RunningEmulator, configured: httpx.Client) -> None:
    emulator.switch(put_create_status=201)
    body = {"Name": "Two", "DeliveryTargets": {"Http": HTTP}}
    for path, content in (("/deliveryconfig/two", body), ("/productsync", SYNC)):
        assert [configured.put(path, json=content).status_code for _ in range(2)] == [201, 200]


def test_sync_status(emulator: RunningEmulator, configured: httpx.Client) -> None:
    emulator.switch(unknown_record="accepted")
    configured.put("/productsync", json=SYNC)
    assert configured.post("/productsync/sync", json={"ProductID": "p"}).status_code == 204
    emulator.switch(sync_status=202)
    assert configured.post("/productsync/sync", json={"ProductID": "p"}).status_code == 202


def test_sync_spelling(emulator: RunningEmulator, configured: httpx.Client) -> None:
    emulator.switch(unknown_record="accepted")
    entity = {"SyncEntityChanged": True, "SyncEntityDeleted": True, "DeliveryConfigID": SYNC["DeliveryConfigID"]}
    paths = ("/entitysync/supplier/sync", "/entitysync/suppliers/sync")
    for spelling, expected in (("sdk", [204, 404]), ("guide", [404, 204]), ("both", [204, 204])):
        emulator.switch(sync_spelling=spelling)
        configured.put("/entitysync/suppliers", json=entity)
        assert [configured.post(path, json={"SupplierID": "s"}).status_code for path in paths] == expected


def test_unknown_config_status(emulator: RunningEmulator, plain: httpx.Client) -> None:
    assert plain.put("/productsync", json=SYNC).status_code == 400
    emulator.switch(unknown_config_status=404)
    assert plain.put("/productsync", json=SYNC).status_code == 404


@pytest.mark.parametrize(
    ("switch", "sent", "shown"),
    [
        ("mailchimp", "Mailchimp", "Mailchimp"),
        ("mailchimp", "Mandrill", "Mailchimp"),
        ("mandrill", "Mailchimp", "Mandrill"),
        ("mandrill", "Mandrill", "Mandrill"),
        ("mandrill_only", "Mandrill", "Mandrill"),
        ("mandrill_only", "Mailchimp", None),
    ],
)
def test_known_target_name(
    emulator: RunningEmulator, plain: httpx.Client, switch: str, sent: str, shown: str | None
) -> None:
    emulator.switch(known_target_name=switch)
    plain.post(
        "/deliveryconfig", json={"ID": "a", "Name": "A", "DeliveryTargets": {"Http": HTTP, sent: {"ApiKey": "k"}}}
    )
    targets = plain.get("/deliveryconfig/a").json()["DeliveryTargets"]
    other = {"Mailchimp": "Mandrill", "Mandrill": "Mailchimp"}
    assert [name for name in other if targets.get(name) is not None] == ([shown] if shown else [])
    assert not shown or other[shown] not in targets


def test_target_stored_under_the_other_name_is_shown_under_todays(
    emulator: RunningEmulator, plain: httpx.Client
) -> None:
    body = {"ID": "a", "Name": "A", "DeliveryTargets": {"Mailchimp": {"ApiKey": "k"}}}
    plain.post("/deliveryconfig", json=body)
    emulator.switch(known_target_name="mandrill")
    plain.patch("/deliveryconfig/a", json={"Name": "B"})
    assert plain.get("/deliveryconfig/a").json()["DeliveryTargets"]["Mandrill"] is not None
    assert plain.patch("/deliveryconfig/a", json={"DeliveryTargets": {"Mandrill": None}}).status_code == 200
    assert plain.get("/deliveryconfig/a").json()["DeliveryTargets"]["Mandrill"] is None


def test_missing_role_body(emulator: RunningEmulator, login: Callable[..., httpx.Response]) -> None:
    token = login(emulator, scope="CatalogReader").json()["access_token"]
    url, headers = f"{emulator.ordercloud_url}/integrations/productsync", {"Authorization": f"Bearer {token}"}
    expected = {
        "listed": ["ProductSyncConfigAdmin"],
        "mapped": {"MissingRoles": ["ProductSyncConfigAdmin"]},
        "bare": None,
    }
    for value, data in expected.items():
        emulator.switch(missing_role_body=value)
        refused = httpx.get(url, headers=headers, trust_env=False)
        assert (refused.status_code, refused.json()["Errors"][0]["Data"]) == (403, data)


def test_login_status_and_scope_beyond_roles(emulator: RunningEmulator, login: Callable[..., httpx.Response]) -> None:
    emulator.switch(login_status=400, scope_beyond_roles="refused")
    assert login(emulator, secret="wrong").status_code == 400
    emulator.add_client("narrow", "s", ["ProductSyncConfigAdmin"])
    assert login(emulator, "narrow", "s", scope="ProductSyncConfigAdmin").status_code == 200
    assert login(emulator, "narrow", "s", scope="ProductSyncConfigAdmin ErrorConfigAdmin").status_code == 400


def test_long_urls(emulator: RunningEmulator, token: str) -> None:
    url, headers = f"{emulator.ordercloud_url}/products", {"Authorization": f"Bearer {token}"}
    room = 2_086 - len("/ordercloud/v1/products?ID=")
    longest, beyond = f"{url}?ID={'x' * room}", f"{url}?ID={'x' * (room + 1)}"
    assert httpx.get(longest, headers=headers, trust_env=False).status_code == 200
    refused = httpx.get(beyond, headers=headers, trust_env=False)
    assert (refused.status_code, refused.json()["Errors"][0]["ErrorCode"]) == (414, "UriTooLong")
    emulator.switch(long_urls="accepted")
    assert httpx.get(beyond, headers=headers, trust_env=False).status_code == 200


def test_every_switch_has_a_test_here() -> None:
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    together = {"login_status", "scope_beyond_roles"}
    with_commerce = {
        *("unknown_record", "xp_patch_depth", "number_ids", "large_lists", "clashing_xp", "unknown_catalog"),
        *("user_list", "default_users", "shipment_touches_order", "order_returns", "stock_stamp"),
    }
    assert set(ORDERCLOUD) <= tests | together | with_commerce


def test_switches_are_listed_with_choices_and_meaning(emulator: RunningEmulator) -> None:
    listed = emulator.control("GET", "switches")
    assert set(listed) == set(CHOICES)
    for name, entry in listed.items():
        assert entry["value"] == entry["choices"][0] == CHOICES[name][0]
        assert entry["description"]


def test_flipped_switches_cover_every_value_once() -> None:
    for names in (ORDERCLOUD, SPARKLAYER):
        flips = list(flipped_switches(names))
        assert flips[0] == {}
        assert all(len(flip) == 1 for flip in flips[1:])
        assert sorted(str(flip) for flip in flips[1:]) == sorted(
            str({name: value}) for name in names for value in CHOICES[name][1:]
        )


def test_switches_of_configuration_and_of_records_are_all_of_ordercloud() -> None:
    assert CONFIGURATION | RECORDS == ORDERCLOUD
    assert not CONFIGURATION & RECORDS


def test_a_few_combinations_of_switches_have_every_value_of_each() -> None:
    combinations = list(covering_switches())
    assert len(combinations) < 6
    for name in ORDERCLOUD:
        assert {each[name] for each in combinations} == set(CHOICES[name])


def test_random_switches_are_the_same_for_the_same_seed() -> None:
    assert list(random_switches(5, seed=7)) == list(random_switches(5, seed=7))
    assert list(random_switches(5, seed=7)) != list(random_switches(5, seed=8))
    for values in random_switches(5):
        Switches().changed(values)


def test_unknown_switches_and_values_are_refused() -> None:
    with pytest.raises(UsageError, match="no switch is called patchDepth"):
        Switches().changed({"patchDepth": "deep"})
    with pytest.raises(UsageError, match="patch_depth cannot be deeper"):
        Switches().changed({"patch_depth": "deeper"})


def test_switches_set_at_the_start_survive_a_reset() -> None:
    with running_emulator(switches={"patch_depth": "shallow"}) as emulator:
        emulator.switch(patch_depth="deep", sync_status="202")
        emulator.reset()
        listed = emulator.control("GET", "switches")
        assert listed["patch_depth"]["value"] == "shallow"
        assert listed["sync_status"]["value"] == "204"
