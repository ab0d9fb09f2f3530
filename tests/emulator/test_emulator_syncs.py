from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator

PRODUCT = {"SyncProductChanged": True, "SyncProductDeleted": False, "DeliveryConfigID": "one"}
ENTITY = {"SyncEntityChanged": True, "SyncEntityDeleted": False, "DeliveryConfigID": "one"}
BARE = {"DeliveryConfigID": "one"}
SYNCS: dict[str, dict[str, Any]] = {
    "productsync": PRODUCT,
    "OrderSync": BARE,
    "ErrorConfig": BARE,
    "entitysync/adminusers": ENTITY,
    "entitysync/buyers": ENTITY,
    "entitysync/buyers/users": ENTITY,
    "entitysync/buyers/usergroups": ENTITY,
    "entitysync/categories": ENTITY,
    "entitysync/catalogs": ENTITY,
    "entitysync/products/inventoryrecords": ENTITY,
    "entitysync/suppliers": ENTITY,
    "entitysync/suppliers/users": ENTITY,
}
OPERATIONS = {
    "productsync": ("productsync/sync", ["ProductID"], "Synchronize.ProductSyncNotEnabled"),
    "entitysync/adminusers": (
        "entitysync/adminusers/sync",
        ["UserID"],
        "Synchronize.EntitySyncForAdminUsersNotEnabled",
    ),
    "entitysync/buyers": ("entitysync/buyers/sync", ["BuyerID"], "Synchronize.EntitySyncForBuyerNotEnabled"),
    "entitysync/buyers/users": (
        "entitysync/buyers/users/sync",
        ["BuyerID", "UserID"],
        "Synchronize.EntitySyncForBuyerUsersNotEnabled",
    ),
    "entitysync/buyers/usergroups": (
        "entitysync/buyers/usergroups/sync",
        ["BuyerID", "UserGroupID"],
        "Synchronize.EntitySyncForBuyerUserGroupNotEnabled",
    ),
    "entitysync/categories": (
        "entitysync/categories/sync",
        ["CatalogID", "CategoryID"],
        "Synchronize.EntitySyncForCategoryNotEnabled",
    ),
    "entitysync/catalogs": ("entitysync/catalogs/sync", ["CatalogID"], "Synchronize.EntitySyncForCatalogNotEnabled"),
    "entitysync/products/inventoryrecords": (
        "entitysync/products/inventoryrecords/sync",
        ["ProductID", "InventoryRecordID"],
        "Synchronize.EntitySyncForInventoryRecordNotEnabled",
    ),
    "entitysync/suppliers": ("entitysync/supplier/sync", ["SupplierID"], "Synchronize.EntitySyncForSupplierNotEnabled"),
    "entitysync/suppliers/users": (
        "entitysync/suppliers/users/sync",
        ["SupplierID", "UserID"],
        "Synchronize.EntitySyncForSupplierUsersNotEnabled",
    ),
}


@pytest.fixture(autouse=True)
def _delivery_configs(emulator: RunningEmulator, plain: httpx.Client) -> None:
    for name in ("one", "two"):
        target = {"Http": {"Endpoint": "https://hooks.example.com", "Secret": "s"}}
        plain.post("/deliveryconfig", json={"ID": name, "Name": name, "Enabled": True, "DeliveryTargets": target})
    emulator.clear_requests()


def code(response: httpx.Response) -> str:
    return str(response.json()["Errors"][0]["ErrorCode"])


@pytest.mark.parametrize("path", SYNCS)
def test_a_sync_is_saved_read_patched_and_deleted(api: httpx.Client, path: str) -> None:
    body = SYNCS[path]
    assert code(api.get(path)) == "NotFound"
    assert api.patch(path, json={"DeliveryConfigID": "two"}).status_code == 404
    saved = api.put(path, json=body)
    assert saved.status_code == 200
    assert body.items() <= saved.json().items()
    assert api.get(path).json() == saved.json()
    patched = api.patch(path, json={"DeliveryConfigID": "two"})
    assert patched.json() == {**saved.json(), "DeliveryConfigID": "two"}
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert api.delete(path).status_code == 404


@pytest.mark.parametrize("path", SYNCS)
def test_required_members_are_asked_for(api: httpx.Client, path: str) -> None:
    answer = api.put(path, json={})
    assert answer.status_code == 400
    assert {error["Data"]["Member"] for error in answer.json()["Errors"]} == set(SYNCS[path])
    api.put(path, json=SYNCS[path])
    assert api.patch(path, json={"DeliveryConfigID": None}).status_code == 400


@pytest.mark.parametrize("path", SYNCS)
def test_a_delivery_config_has_to_exist(api: httpx.Client, path: str) -> None:
    assert api.put(path, json={**SYNCS[path], "DeliveryConfigID": "nowhere"}).status_code == 400
    api.put(path, json=SYNCS[path])
    assert api.patch(path, json={"DeliveryConfigID": "nowhere"}).status_code == 400
    assert api.get(path).json()["DeliveryConfigID"] == "one"


def test_flags_that_are_left_out_are_false_and_put_resets_them(api: httpx.Client) -> None:
    first = api.put("productsync", json={**PRODUCT, "Paused": True, "ConfigData": {"a": [1]}}).json()
    assert first["Paused"] is True
    assert first["ExcludePriceSchedules"] is False
    assert api.put("productsync", json=PRODUCT).json() == {
        **PRODUCT,
        "Paused": False,
        "ExcludePriceSchedules": False,
        "ConfigData": None,
    }


def test_order_sync_has_no_pause_of_its_own(api: httpx.Client) -> None:
    assert set(api.put("OrderSync", json=BARE).json()) == {"DeliveryConfigID", "ConfigData"}


@pytest.mark.parametrize("path", OPERATIONS)
def test_sync_operation_is_accepted_and_remembered(emulator: RunningEmulator, api: httpx.Client, path: str) -> None:
    operation, names, not_enabled = OPERATIONS[path]
    emulator.switch(unknown_record="accepted")
    ids = {name: f"{name}-1" for name in names}
    refused = api.post(operation, json=ids)
    assert (refused.status_code, code(refused)) == (400, not_enabled)
    api.put(path, json=SYNCS[path])
    for name in names:
        assert api.post(operation, json={**ids, name: None}).status_code == 400
    assert api.post(operation, json=ids).status_code == 204
    api.patch("deliveryconfig/one", json={"Enabled": False})
    disabled = api.post(operation, json=ids)
    assert (disabled.status_code, code(disabled)) == (400, "DeliveryConfig.ConfigurationDisabled")
    remembered = emulator.state()["ordercloud"]["syncOperations"]
    assert [(item["path"], item["ids"]) for item in remembered] == [(f"/integrations/{operation}", ids)]


def test_the_plural_supplier_operation_does_not_exist(plain: httpx.Client) -> None:
    plain.put("entitysync/suppliers", json=ENTITY)
    assert plain.post("entitysync/suppliers/sync", json={"SupplierID": "s"}).status_code == 404


def test_error_config_validates(api: httpx.Client) -> None:
    assert api.post("ErrorConfig/validate").status_code == 400
    api.put("ErrorConfig", json=BARE)
    assert api.post("ErrorConfig/validate").status_code == 204
    api.patch("deliveryconfig/one", json={"Enabled": False})
    assert code(api.post("ErrorConfig/validate")) == "ErrorConfig.DeliveryConfigDisabled"


@pytest.mark.parametrize("path", SYNCS)
def test_every_sync_holds_its_delivery_config(api: httpx.Client, path: str) -> None:
    api.put(path, json=SYNCS[path])
    assert code(api.delete("deliveryconfig/one")) == "DeliveryConfig.CannotDeleteConfigInUse"
    api.patch(path, json={"DeliveryConfigID": "two"})
    assert api.delete("deliveryconfig/one").status_code == 204


def test_paths_work_in_the_casings_of_guides_and_sdks(api: httpx.Client) -> None:
    api.put("ProductSync", json=PRODUCT)
    assert api.get("PRODUCTSYNC").json() == api.get("productsync").json()
