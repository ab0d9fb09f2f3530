from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.app import new_state
from reconciler.emulator.ordercloud.commerce.room import Commerce
from reconciler.emulator.ordercloud.room import OrderCloud
from reconciler.emulator.switches import Switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.emulator.traffic import TrafficSetting
from support.emulator_contract import Contract
from support.shop import Shop

ROOT = Path(__file__).parents[3]
IDS = {
    "productID": "mug",
    "variantID": "shirt-s",
    "inventoryRecordID": "r",
    "specID": "size",
    "priceScheduleID": "ps",
    "buyerID": "acme",
    "userID": "u",
    "userGroupID": "g",
    "addressID": "a",
    "catalogID": "cat",
    "categoryID": "top",
    "supplierID": "sup",
    "direction": "Incoming",
    "orderID": "o",
    "shipmentID": "sh",
}
OF_PATH = {
    "/products/{productID}/variants": {"productID": "shirt"},
    "/products/{productID}/variants/{variantID}": {"productID": "shirt"},
    "/products/{productID}/specs": {"productID": "shirt"},
    "/products/{productID}/variants/{variantID}/inventoryrecords": {"productID": "shirt"},
    "/addresses/{addressID}": {"addressID": "wh"},
    "/suppliers/{supplierID}/users/{userID}": {"userID": "su"},
    "/adminusers/{userID}": {"userID": "au"},
}


def commerce_reads(contract: Contract) -> list[tuple[str, dict[str, Any]]]:
    paths = contract.document["paths"].items()
    return [(path, item["get"]) for path, item in paths if "get" in item and not path.startswith("/integrations")]


def test_every_read_of_the_openapi_file_answers_in_its_schema(stocked: Shop, contract: Contract) -> None:
    reads = commerce_reads(contract)
    assert len(reads) == 47
    for path, _ in reads:
        body = stocked.get(path.format(**{**IDS, **OF_PATH.get(path, {})}))
        assert body.get("Items", True), f"{path} has nothing to show"
    for path, _ in reads:
        if "{" in path:
            names = {
                **IDS,
                "direction": "Incoming",
                **dict.fromkeys((name for name in IDS if name != "direction"), "x"),
            }
            if not path.endswith("{direction}"):
                stocked.call("GET", path.format(**names), status=404)


def test_roles_are_those_of_the_openapi_file(contract: Contract) -> None:
    state = new_state(Switches(), TrafficSetting())
    held: dict[tuple[str, str], frozenset[str]] = {
        (method, path): frozenset(roles) for roles, method, path, _ in Commerce(state).routes()
    }
    lower = {(method, _bare(path)): roles for (method, path), roles in held.items()}
    for path, operation in commerce_reads(contract):
        wanted = {role for choice in operation["security"] for role in choice["OAuth2"]} - {"FullAccess"}
        missing = wanted - lower["GET", _bare(f"/v1{path}")]
        assert not missing, f"{path} is not open to {missing}"


def _bare(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part.lower() for part in path.split("/"))


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("ProductReader", "GET /products", "POST /products"),
        ("ProductAdmin", "POST /products", "GET /buyers"),
        ("BuyerUserReader", "GET /buyerusers", "POST /buyers/acme/users"),
        ("ProductAssignmentAdmin", "GET /products/assignments", "GET /products"),
        ("OrderReader", "GET /lineitems/Incoming", "POST /orders/Incoming"),
    ],
)
def test_roles_open_what_they_open(
    emulator: RunningEmulator, login: Any, stocked: Shop, role: str, allowed: str, refused: str
) -> None:
    emulator.add_client("narrow", "s", [role])
    stocked.client.headers["Authorization"] = f"Bearer {login(emulator, 'narrow', 's').json()['access_token']}"
    method, path = allowed.split()
    stocked.call(method, path, {"Name": "New"} if method == "POST" else None)
    method, path = refused.split()
    assert stocked.refused(method, path, {"Name": "New"}, status=403) == "Auth.InsufficientRoles"


def test_the_members_are_those_of_the_openapi_file() -> None:
    script = ROOT / "tools" / "commerce_members.py"
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0


def test_a_dump_taken_over_is_the_same_marketplace(emulator: RunningEmulator, stocked: Shop) -> None:
    paths = ["/products", "/orders/incoming", "/lineitems/all", "/buyerusers", "/catalogs/cat/categories"]
    before = [stocked.get(path) for path in paths]
    state = emulator.state(secrets=True)
    emulator.reset()
    assert emulator.state()["ordercloud"]["commerce"]["objects"] == {}
    emulator.load(state)
    assert emulator.state(secrets=True)["ordercloud"]["commerce"] == state["ordercloud"]["commerce"]
    assert [stocked.get(path) for path in paths] == before
    assert stocked.refused("POST", "/adminusers", {**_USER, "Username": "U"}, status=409) == "User.UsernameMustBeUnique"


_USER = {"FirstName": "Ada", "LastName": "Byron", "Email": "ada@example.com", "Active": True}


def test_a_password_is_kept_nowhere(emulator: RunningEmulator, shop: Shop) -> None:
    shop.post("/adminusers", ID="au", Username="au", Password="marker-password", **_USER)
    shop.patch("/adminusers/au", Password="marker-password-2")
    assert "marker" not in shop.client.get("/adminusers").text
    assert "marker" not in str(emulator.state(secrets=True))
    assert shop.get("/adminusers/au")["PasswordLastSetDate"]


@pytest.mark.parametrize("known", [True, False])
def test_a_sync_operation_needs_its_record(emulator: RunningEmulator, stocked: Shop, known: bool) -> None:
    target = {"Http": {"Endpoint": "https://hooks.example.com", "Secret": "s"}}
    config = {"ID": "d", "Name": "D", "Enabled": True, "DeliveryTargets": target}
    stocked.call("POST", "/integrations/deliveryconfig", config)
    entity = {"SyncEntityChanged": True, "SyncEntityDeleted": True, "DeliveryConfigID": "d"}
    product = {"SyncProductChanged": True, "SyncProductDeleted": True, "DeliveryConfigID": "d"}
    stocked.call("PUT", "/integrations/productsync", product)
    operations = {
        "productsync": {"ProductID": "mug"},
        "entitysync/adminusers": {"UserID": "au"},
        "entitysync/buyers": {"BuyerID": "acme"},
        "entitysync/buyers/users": {"BuyerID": "acme", "UserID": "u"},
        "entitysync/buyers/usergroups": {"BuyerID": "acme", "UserGroupID": "g"},
        "entitysync/categories": {"CatalogID": "cat", "CategoryID": "top"},
        "entitysync/catalogs": {"CatalogID": "cat"},
        "entitysync/products/inventoryrecords": {"ProductID": "shirt", "InventoryRecordID": "rs"},
        "entitysync/suppliers": {"SupplierID": "sup"},
        "entitysync/suppliers/users": {"SupplierID": "sup", "UserID": "su"},
    }
    for path, ids in operations.items():
        if path != "productsync":
            stocked.call("PUT", f"/integrations/{path}", entity)
        # The operation of suppliers is singular in every SDK.
        operation = "supplier" if path.endswith("/suppliers") else path.split("/", 1)[-1]
        base = "/integrations" if path == "productsync" else "/integrations/entitysync"
        operation = f"{base}/{operation}/sync"
        if known:
            stocked.call("POST", operation, ids, 204)
            continue
        for name in ids:
            assert stocked.refused("POST", operation, {**ids, name: "nothing"}, status=404) == "NotFound"
            emulator.switch(unknown_record="accepted")
            stocked.call("POST", operation, {**ids, name: "nothing"}, 204)
            emulator.switch(unknown_record="not_found")


def test_the_room_of_a_fresh_emulator_has_an_empty_marketplace() -> None:
    room = new_state(Switches(), TrafficSetting()).rooms["ordercloud"]
    assert isinstance(room, OrderCloud)
    assert room.commerce.market.dump() == {"searchLag": 0.0, "objects": {}}
