"""The whole life of every resource through a third party's generated SDK, unchanged but for its URLs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ordercloud.client import OrderCloudClient
from ordercloud.errors import OrderCloudError
from ordercloud.resources.base import paginate
from ordercloud.sync_client import SyncOrderCloudClient, paginate_sync

from reconciler.emulator.testing import RunningEmulator
from support.shop import Shop

USER = {"FirstName": "Ada", "LastName": "Byron", "Email": "ada@example.com", "Active": True}
ADDRESS = {"Street1": "Quay 1", "City": "Hamburg", "Country": "DE"}


class Sdk:
    """The SDK's client, asynchronous or not, called the same way."""

    def __init__(self, call: Callable[..., Any], pages: Callable[..., list[Any]]) -> None:
        self.call = call
        self.pages = pages


def settings(emulator: RunningEmulator) -> dict[str, Any]:
    return {
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "base_url": emulator.ordercloud_url,
        "auth_url": emulator.ordercloud_auth_url,
    }


@pytest.fixture(params=["sync", "async"])
def sdk(request: pytest.FixtureRequest, emulator: RunningEmulator, stocked: Shop) -> Iterator[Sdk]:
    if request.param == "sync":
        with SyncOrderCloudClient.create(**settings(emulator)) as client:

            def call(resource: str, method: str, *args: Any, **kwargs: Any) -> Any:
                return getattr(getattr(client, resource), method)(*args, **kwargs)

            def pages(resource: str, method: str, *args: Any, **kwargs: Any) -> list[Any]:
                return list(paginate_sync(getattr(getattr(client, resource), method), *args, **kwargs))

            yield Sdk(call, pages)
        return
    with asyncio.Runner() as runner:
        client_async = OrderCloudClient.create(**settings(emulator))

        def call_async(resource: str, method: str, *args: Any, **kwargs: Any) -> Any:
            return runner.run(getattr(getattr(client_async, resource), method)(*args, **kwargs))

        async def collect(resource: str, method: str, *args: Any, **kwargs: Any) -> list[Any]:
            found = paginate(getattr(getattr(client_async, resource), method), *args, **kwargs)
            return [item async for item in found]

        yield Sdk(call_async, lambda *args, **kwargs: runner.run(collect(*args, **kwargs)))
        runner.run(client_async.close())


@dataclass(frozen=True)
class Life:
    """One resource: its accessor, what its methods end with, the IDs of its parents, a body, and a change."""

    resource: str
    body: dict[str, Any]
    change: dict[str, Any]
    one: str = ""
    many: str = ""
    parents: tuple[str, ...] = ()


LIVES = [
    Life("products", {"Name": "N", "Active": True}, {"Name": "P"}),
    Life("specs", {"Name": "N"}, {"Name": "P"}),
    Life("specs", {"Value": "N"}, {"Value": "P"}, "_option", "_options", ("size",)),
    Life("price_schedules", {"Name": "N"}, {"Name": "P"}),
    Life("product_facets", {"Name": "N"}, {"Name": "P"}),
    Life("inventory_records", {"AddressID": "wh"}, {"QuantityAvailable": 4}, parents=("mug",)),
    Life(
        "inventory_records", {"AddressID": "wh"}, {"QuantityAvailable": 4}, "_variant", "_variant", ("shirt", "shirt-m")
    ),
    Life("catalogs", {"Name": "N"}, {"Name": "P"}),
    Life("categories", {"Name": "N"}, {"Name": "P"}, parents=("cat",)),
    Life("buyers", {"Name": "N"}, {"Name": "P"}),
    Life("users", {**USER, "Username": "@"}, {"LastName": "P"}, parents=("acme",)),
    Life("user_groups", {"Name": "N"}, {"Name": "P"}, parents=("acme",)),
    Life("addresses", ADDRESS, {"City": "P"}, parents=("acme",)),
    Life("suppliers", {"Name": "N"}, {"Name": "P"}),
    Life("supplier_users", {**USER, "Username": "@"}, {"LastName": "P"}, parents=("sup",)),
    Life("supplier_user_groups", {"Name": "N"}, {"Name": "P"}, parents=("sup",)),
    Life("supplier_addresses", ADDRESS, {"City": "P"}, parents=("sup",)),
    Life("admin_users", {**USER, "Username": "@"}, {"LastName": "P"}),
    Life("admin_addresses", ADDRESS, {"City": "P"}),
    Life("orders", {"FromCompanyID": "acme", "FromUserID": "u"}, {"Comments": "P"}, parents=("Incoming",)),
    Life("line_items", {"ProductID": "mug"}, {"Quantity": 2}, parents=("Incoming", "o")),
    Life("shipments", {"BuyerID": "acme"}, {"Shipper": "P"}),
]


@pytest.mark.parametrize("life", LIVES, ids=lambda life: f"{life.resource}{life.one}")
def test_the_whole_life(sdk: Sdk, life: Life) -> None:
    def call(method: str, *args: Any, **kwargs: Any) -> Any:
        return sdk.call(life.resource, f"{method}{life.one}", *life.parents, *args, **kwargs)

    def body(item_id: str) -> dict[str, Any]:
        return {name: item_id if value == "@" else value for name, value in {**life.body, "ID": item_id}.items()}

    drafts = {"IsSubmitted": "false"} if life.resource == "orders" else {}
    member, value = next(iter(life.change.items()))
    wanted = [f"life-{number}" for number in range(5)]
    for item_id in wanted:
        assert call("create", body(item_id)).id == item_id
    with pytest.raises(OrderCloudError) as taken:
        call("create", body("life-0"))
    assert (taken.value.status_code, taken.value.errors[0].error_code) == (409, "IdExists")

    assert call("get", "life-1").id == "life-1"
    patched = call("patch", "life-1", life.change)
    assert patched.model_dump(by_alias=True)[member] == value
    found = sdk.call(
        life.resource,
        f"list{life.many}",
        *life.parents,
        filters={"ID": "life-*", member: value, **drafts},
        sort_by="!ID",
        page_size=5,
    )
    assert "life-1" in [item.id for item in found.items]
    assert all(item.model_dump(by_alias=True)[member] == value for item in found.items)
    saved = call("save", "life-1", body("renamed"))
    assert saved.id == "renamed"
    assert saved.model_dump(by_alias=True)[member] != value or life.body.get(member) == value
    listed = sdk.pages(
        life.resource, f"list{life.many}", *life.parents, page_size=2, filters={"ID": "life-*", **drafts}
    )
    assert [item.id for item in listed] == [item_id for item_id in wanted if item_id != "life-1"]
    for item_id in ("renamed", "life-0"):
        call("delete", item_id)
    for method, args in (("get", ()), ("delete", ()), ("patch", (life.change,))):
        with pytest.raises(OrderCloudError) as missing:
            call(method, "renamed", *args)
        assert (missing.value.status_code, missing.value.errors[0].error_code) == (404, "NotFound")
    left = sdk.pages(
        life.resource, f"list{life.many}", *life.parents, page_size=100, filters={"ID": "life-*", **drafts}
    )
    assert [item.id for item in left] == wanted[2:]


def test_variants(sdk: Sdk) -> None:
    product = sdk.call("products", "generate_variants", "shirt", {"Active": True}, overwrite_existing=True)
    assert product.variant_count == 2
    variant = sdk.call("products", "get_variant", "shirt", "shirt-s")
    assert sdk.call("products", "patch_variant", "shirt", "shirt-s", {"ID": "small"}).specs == variant.specs
    assert sdk.call("products", "save_variant", "shirt", "small", {"Name": "Small", "Active": False}).active is False
    found = sdk.pages("products", "list_variants", "shirt", page_size=1, sort_by="!ID", filters={"Active": "false"})
    assert [item.id for item in found] == ["small"]
    assert [spec.id for spec in sdk.call("products", "list_specs", "shirt").items] == ["size"]
    with pytest.raises(OrderCloudError, match="404"):
        sdk.call("products", "get_variant", "shirt", "shirt-s")


@dataclass(frozen=True)
class Tie:
    """One kind of assignment: its accessor, methods, parents, body, and how it is taken back."""

    resource: str
    save: str
    list: str
    delete: str
    body: dict[str, Any]
    taken_back: tuple[tuple[str, ...], dict[str, str]]
    parents: tuple[str, ...] = ()


GROUP = {"buyer_id": "acme", "user_group_id": "g"}
TIES = [
    Tie(
        "products",
        "save_assignment",
        "list_assignments",
        "delete_assignment",
        {"ProductID": "mug", "BuyerID": "acme", "PriceScheduleID": "ps"},
        (("mug", "acme"), {}),
    ),
    Tie(
        "specs",
        "save_product_assignment",
        "list_product_assignments",
        "delete_product_assignment",
        {"SpecID": "size", "ProductID": "mug"},
        (("size", "mug"), {}),
    ),
    Tie(
        "catalogs",
        "save_assignment",
        "list_assignments",
        "delete_assignment",
        {"CatalogID": "acme", "BuyerID": "acme"},
        (("acme",), {"buyer_id": "acme"}),
    ),
    Tie(
        "catalogs",
        "save_product_assignment",
        "list_product_assignments",
        "delete_product_assignment",
        {"CatalogID": "cat", "ProductID": "mug"},
        (("cat", "mug"), {}),
    ),
    Tie(
        "categories",
        "save_assignment",
        "list_assignments",
        "delete_assignment",
        {"CategoryID": "top", "BuyerID": "acme", "UserGroupID": "g"},
        (("cat", "top"), GROUP),
        ("cat",),
    ),
    Tie(
        "categories",
        "save_product_assignment",
        "list_product_assignments",
        "delete_product_assignment",
        {"CategoryID": "top", "ProductID": "mug", "ListOrder": 2},
        (("cat", "top", "mug"), {}),
        ("cat",),
    ),
    Tie(
        "user_groups",
        "save_user_assignment",
        "list_user_assignments",
        "delete_user_assignment",
        {"UserGroupID": "g", "UserID": "u2"},
        (("acme", "g", "u2"), {}),
        ("acme",),
    ),
    Tie(
        "supplier_user_groups",
        "save_user_assignment",
        "list_user_assignments",
        "delete_user_assignment",
        {"UserGroupID": "sg", "UserID": "su2"},
        (("sup", "sg", "su2"), {}),
        ("sup",),
    ),
    Tie(
        "addresses",
        "save_assignment",
        "list_assignments",
        "delete_assignment",
        {"AddressID": "a", "UserGroupID": "g", "IsShipping": True},
        (("acme", "a"), {"user_group_id": "g"}),
        ("acme",),
    ),
    Tie(
        "inventory_records",
        "save_assignment",
        "list_assignments",
        "delete_assignment",
        {"InventoryRecordID": "r", "BuyerID": "acme", "UserGroupID": "g"},
        (("mug", "r"), GROUP),
        ("mug",),
    ),
    Tie(
        "inventory_records",
        "save_variant_assignment",
        "list_variant_assignments",
        "delete_variant_assignment",
        {"InventoryRecordID": "rs", "BuyerID": "acme", "UserGroupID": "g"},
        (("shirt", "shirt-s", "rs"), GROUP),
        ("shirt", "shirt-s"),
    ),
]


@pytest.mark.parametrize("tie", TIES, ids=lambda tie: f"{tie.resource}-{tie.save}")
def test_the_whole_life_of_an_assignment(sdk: Sdk, stocked: Shop, tie: Tie) -> None:
    stocked.put("/buyers/acme/users/u2", Username="u2", **USER)
    stocked.put("/suppliers/sup/users/su2", Username="su2", **USER)

    def listed() -> list[dict[str, Any]]:
        items = sdk.pages(tie.resource, tie.list, *tie.parents, page_size=1)
        return [{name: item.model_dump(by_alias=True)[name] for name in tie.body} for item in items]

    before = listed()
    for _ in range(2):
        assert sdk.call(tie.resource, tie.save, *tie.parents, tie.body) is None
    assert tie.body in listed()
    assert len(listed()) == len(before) + 1
    args, kwargs = tie.taken_back
    assert sdk.call(tie.resource, tie.delete, *args, **kwargs) is None
    assert listed() == before
    with pytest.raises(OrderCloudError, match="404"):
        sdk.call(tie.resource, tie.delete, *args, **kwargs)


def test_suppliers_of_products_and_buyers_of_suppliers(sdk: Sdk) -> None:
    sdk.call("products", "save_supplier", "mug", "sup", default_price_schedule_id="ps")
    supplier = sdk.call("products", "list_suppliers", "mug").items[0]
    assert (supplier.id, supplier.name, supplier.default_price_schedule_id) == ("sup", "Supplier", "ps")
    sdk.call("products", "remove_supplier", "mug", "sup")
    assert sdk.call("products", "list_suppliers", "mug").items == []
    sdk.call("suppliers", "save_buyer", "sup", "acme")
    assert [buyer.id for buyer in sdk.call("suppliers", "list_buyers", "sup").items] == ["acme"]
    assert "sup" in [seller.id for seller in sdk.call("buyers", "list_buyer_sellers", "acme").items]
    sdk.call("suppliers", "delete_buyer", "sup", "acme")


def test_price_breaks(sdk: Sdk) -> None:
    schedule = sdk.call("price_schedules", "save_price_break", "ps", {"Quantity": 5, "Price": 8})
    assert [price.quantity for price in schedule.price_breaks] == [1, 5]
    sdk.call("price_schedules", "delete_price_break", "ps", quantity=5)
    assert len(sdk.call("price_schedules", "get", "ps").price_breaks) == 1


def test_an_order_from_draft_to_done(sdk: Sdk) -> None:
    order = sdk.call("orders", "create", "Incoming", {"FromCompanyID": "acme", "FromUserID": "u"})
    sdk.call("line_items", "create", "Incoming", order.id, {"ProductID": "mug", "Quantity": 2})
    assert sdk.call("orders", "submit", "Incoming", order.id).status == "Open"
    sheet = sdk.call("integration_events", "get_worksheet", "Incoming", order.id)
    assert (sheet.order.total, len(sheet.line_items)) == (20, 1)
    across = sdk.pages("line_items", "list_across_orders", "Incoming", page_size=1, buyer_id="acme")
    assert {item.order_id for item in across} == {"o", order.id}
    shipped = sdk.call("orders", "ship", "Incoming", order.id, {"TrackingNumber": "T"})
    assert shipped.status == "Completed"
    shipment = sdk.call("orders", "list_shipments", "Incoming", order.id).items[0]
    item = sdk.call("shipments", "list_items", shipment.id).items[0]
    assert sdk.call("shipments", "get_item", shipment.id, item.order_id, item.line_item_id) == item
    sdk.call("shipments", "delete_item", shipment.id, item.order_id, item.line_item_id)
    saved = sdk.call(
        "shipments",
        "save_item",
        shipment.id,
        {"OrderID": item.order_id, "LineItemID": item.line_item_id, "QuantityShipped": 1},
    )
    assert saved.quantity_shipped == 1
    other = sdk.call("orders", "create", "Outgoing", {})
    assert sdk.call("orders", "cancel", "Outgoing", other.id).status == "Canceled"
    assert {user.id for user in sdk.pages("users", "list_across_buyers", page_size=1)} == {"u"}
