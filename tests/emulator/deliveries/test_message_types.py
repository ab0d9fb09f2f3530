"""Every message type of the fact sheet, with the members that it names (§4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator
from support.receiver import Receiver, running_receiver, wait_for

USER = (
    *("ID", "UserType", "CompanyID", "Username", "FirstName", "LastName", "Email", "Phone", "TermsAccepted", "Active"),
    *("AvailableRoles", "Locale", "DateCreated", "PasswordLastSetDate", "xp"),
)
PRODUCT = (
    *("ProductID", "Marketplace", "OwnerID", "Name", "Description", "IsParent", "ParentID", "QuantityMultiplier"),
    *("ShipWeight", "ShipHeight", "ShipWidth", "ShipLength", "Active", "AutoForward", "SpecCount", "VariantCount"),
    *("ShipFromAddressID", "DefaultSupplierID", "AllSuppliersCanSell", "Returnable", "DefaultPriceScheduleID"),
    *("Inventory", "DefaultPriceSchedule", "PartyPriceSchedules", "SellerDefaultPriceSchedules", "Catalogs"),
    *("Suppliers", "Buyers", "Categories", "UserGroups", "Specs", "xp"),
)
STOCK = ("ID", "ProductID", "InventoryRecords")
STOCK_RECORD = ("ID", "OwnerID", "AddressID", "OrderCanExceed", "QuantityAvailable", "Zip", "xp")
# The type, and every member that the fact sheet has for it; beside them only UserContext.
TABLE: dict[str, tuple[str, ...]] = {
    "product.updated": PRODUCT,
    "product.deleted": ("ProductID",),
    "entitysync.inventoryrecord.updated": STOCK,
    "entitysync.inventoryrecord.full.updated": STOCK,
    "entitysync.inventoryrecord.deleted": ("ID",),
    "entitysync.buyeruser.updated": USER,
    "entitysync.supplieruser.updated": USER,
    "entitysync.adminuser.updated": USER,
    "entitysync.buyeruser.deleted": ("ID", "CompanyID"),
    "entitysync.supplieruser.deleted": ("ID", "CompanyID"),
    "entitysync.adminuser.deleted": ("ID",),
    "entitysync.category.updated": ("CatalogID", "ID", "Name", "Description", "ListOrder", "Active", "ParentID",
                                    "ChildCount", "xp"),
    "entitysync.category.deleted": ("CatalogID", "ID"),
    "entitysync.catalog.updated": ("ID", "OwnerID", "Name", "Description", "Active", "CategoryCount", "xp"),
    "entitysync.catalog.deleted": ("ID",),
    "entitysync.buyer.updated": ("ID", "Name", "DefaultCatalogID", "Active", "DateCreated", "xp"),
    "entitysync.buyer.deleted": ("ID",),
    "entitysync.supplier.updated": ("ID", "Name", "Active", "DateCreated", "AllBuyersCanOrder", "xp"),
    "entitysync.supplier.deleted": ("ID",),
    "entitysync.buyerusergroup.updated": ("BuyerID", "ID", "Name", "Description", "xp"),
    "entitysync.buyerusergroup.deleted": ("BuyerID", "ID", "UserGroupType"),
}  # fmt: skip
ENTITIES = (
    *("adminusers", "buyers", "buyers/users", "buyers/usergroups", "categories", "catalogs", "suppliers"),
    *("suppliers/users", "products/inventoryrecords"),
)
PERSON = {"FirstName": "A", "LastName": "B", "Email": "a@example.com", "Active": True, "Password": "pw"}
MADE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/addresses/main", {"Street1": "1", "City": "Leeds", "Zip": "LS1", "Country": "GB"}),
    ("/catalogs/retail", {"Name": "Retail"}),
    ("/catalogs/retail/categories/tools", {"Name": "Tools"}),
    ("/products/saw", {"Name": "Saw"}),
    ("/products/saw/inventoryrecords/leeds", {"AddressID": "main", "QuantityAvailable": 3}),
    ("/buyers/acme", {"Name": "Acme"}),
    ("/buyers/acme/users/ann", {**PERSON, "Username": "ann"}),
    ("/buyers/acme/usergroups/vip", {"Name": "VIP"}),
    ("/suppliers/mill", {"Name": "Mill"}),
    ("/suppliers/mill/users/bob", {**PERSON, "Username": "bob"}),
    ("/adminusers/eve", {**PERSON, "Username": "eve"}),
    ("/orders/Outgoing/o1", {"Comments": "x"}),
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def api(emulator: RunningEmulator, receiver: Receiver) -> Iterator[httpx.Client]:
    """A marketplace of which everything is delivered."""
    headers = {"Authorization": f"Bearer {emulator.mint_token('emulator')}"}
    with httpx.Client(base_url=emulator.ordercloud_url, headers=headers, trust_env=False) as client:
        target = {"Http": {"Endpoint": receiver.url, "Secret": "s"}}
        config = {"Name": "all", "Enabled": True, "DeliveryTargets": target}
        assert client.put("/integrations/deliveryconfig/all", json=config).is_success
        flags = {"SyncEntityChanged": True, "SyncEntityDeleted": True}
        products = {"SyncProductChanged": True, "SyncProductDeleted": True}
        for sync, members in (
            ("productsync", products),
            ("OrderSync", {}),
            *((f"entitysync/{each}", flags) for each in ENTITIES),
        ):
            assert client.put(f"/integrations/{sync}", json={"DeliveryConfigID": "all", **members}).is_success
        yield client


def quiet(emulator: RunningEmulator) -> None:
    def done() -> bool:
        pending = emulator.undelivered()
        return not (pending["queued"] or pending["later"] or pending["underWay"])

    wait_for(done, "an empty queue")


def test_every_message_type_of_the_fact_sheet_has_its_members_and_no_others(
    emulator: RunningEmulator, api: httpx.Client, receiver: Receiver
) -> None:
    emulator.switch(delivery_stock_deleted="sent")
    for path, body in MADE:
        assert api.put(path, json=body).is_success, path
    assert api.post("/catalogs/productassignments", json={"CatalogID": "retail", "ProductID": "saw"}).is_success
    quiet(emulator)
    assert emulator.full_sync("retail") == {"products": 1, "inventory": 1}
    quiet(emulator)
    for path, _ in reversed(MADE[1:-1]):
        assert api.delete(path).is_success, path
    quiet(emulator)
    seen = {message.type: message.payload for message in receiver.taken}
    order = seen.pop("ordersync.updated")
    assert {name: {*payload} - {"UserContext"} for name, payload in seen.items()} == {
        name: {*members} for name, members in TABLE.items()
    }
    assert {(*payload["UserContext"],) for payload in seen.values()} == {("ID", "AnonymousId")}
    for name in ("entitysync.inventoryrecord.updated", "entitysync.inventoryrecord.full.updated"):
        assert [(*each,) for each in seen[name]["InventoryRecords"]] == [STOCK_RECORD]
        assert seen[name]["ProductID"] == "saw"
    users = ("buyeruser", "supplieruser", "adminuser")
    assert [seen[f"entitysync.{each}.updated"]["UserType"] for each in users] == [0, 1, 2]
    assert {"Status", "FromUser", "BillingAddress", "SubscriptionID", "Total"} <= {*order}
    assert order["Status"] == 1


def test_a_full_sync_sends_all_records_of_a_product_in_one_message(
    emulator: RunningEmulator, api: httpx.Client, receiver: Receiver
) -> None:
    for path, body in MADE[:5]:
        assert api.put(path, json=body).is_success
    for product, category in (("saw", "tools"), ("axe", None)):
        api.put(f"/products/{product}", json={"Name": product})
        api.post("/catalogs/productassignments", json={"CatalogID": "retail", "ProductID": product})
        if category is not None:
            body = {"CategoryID": category, "ProductID": product}
            assert api.post("/catalogs/retail/categories/productassignments", json=body).is_success
    api.put("/products/saw/inventoryrecords/second", json={"AddressID": "main", "QuantityAvailable": 4})
    quiet(emulator)
    receiver.taken.clear()
    assert emulator.full_sync("retail") == {"products": 2, "inventory": 1}
    assert emulator.full_sync("retail", "tools") == {"products": 1, "inventory": 1}
    quiet(emulator)
    assert sorted(each.type for each in receiver.taken) == [
        *["entitysync.inventoryrecord.full.updated"] * 2,
        *["product.updated"] * 3,
    ]
    full = next(each for each in receiver.taken if "full" in each.type)
    assert [each["QuantityAvailable"] for each in full.payload["InventoryRecords"]] == [3, 4]


def test_names_that_are_not_published_can_be_others(
    emulator: RunningEmulator, api: httpx.Client, receiver: Receiver
) -> None:
    for path, body in MADE[:5]:
        api.put(path, json=body)
    quiet(emulator)
    receiver.taken.clear()
    emulator.switch(delivery_stock_deleted="sent_by_other_name", delivery_member_case="camel")
    api.delete("/products/saw/inventoryrecords/leeds")
    wait_for(lambda: len(emulator.deliveries()) > 0 and not emulator.undelivered()["underWay"], "the messages")
    quiet(emulator)
    told = [each for each in emulator.deliveries(bodies=True) if each["type"].endswith("deleted")]
    assert [each["type"] for each in told] == ["sitecore.ordercloud.messages.entitysync.productinventoryrecord.deleted"]
    assert '"id":"leeds"' in told[0]["body"]


def test_a_message_is_there_before_the_search_index_knows_of_what_it_says(
    emulator: RunningEmulator, api: httpx.Client, receiver: Receiver
) -> None:
    emulator.clock(frozen=True)
    api.put("/products/saw", json={"Name": "Saw"})
    emulator.search_lag(60)
    api.patch("/products/saw", json={"Name": "Sharp saw"})
    quiet(emulator)
    assert receiver.taken[-1].payload["Name"] == "Sharp saw"
    assert api.get("/products/saw").json()["Name"] == "Saw"
    api.delete("/products/saw")
    quiet(emulator)
    assert receiver.taken[-1].type == "product.deleted"
    assert api.get("/products/saw").status_code == 200
    emulator.clock(advance=61)
    assert api.get("/products/saw").status_code == 404
