"""Payloads of messages, from the vendor's reference consumer and the documented payloads (fact sheet §4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID, Marketplace
from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.deliveries.records import TOPICS, Record
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.switches import Switches

# inferred: whose user context it is; of clients without a user, their own.
USER_CONTEXT: Mapping[str, Any] = {"ID": "emulator", "AnonymousId": None}
_STATUSES = ("Unsubmitted", "AwaitingApproval", "Declined", "Open", "Completed", "Canceled")
_USER_TYPES = {"BuyerUser": 0, "SupplierUser": 1, "AdminUser": 2}
_STOCK_MEMBERS = ("ID", "OwnerID", "AddressID", "OrderCanExceed", "QuantityAvailable")
_NOT_IN_USERS = ("FailedLoginAttempts", "LastActive", "Password")


def updated(market: Marketplace, record: Record, row: JsonObject, sync: JsonObject, switches: Switches) -> JsonObject:
    """Return the payload of an `updated` message.

    Args:
        market: where the record is.
        record: which it is.
        row: what is stored of it.
        sync: the configuration of its sync.
        switches: for what is not published.
    """
    shown = market.show(market.resources[record.name], record.scope, row)
    make = _SPECIAL.get(record.name)
    if make is not None:
        shown = make(market, record, shown, sync)
    elif switches.delivery_parent_ids == "present":
        # inferred: CatalogID of a category, BuyerID of a user group.
        shown = {**_parents(record), **shown}
    return {"UserContext": USER_CONTEXT, **shown}


def deleted(record: Record, switches: Switches) -> JsonObject:
    """Return the payload of a `deleted` message."""
    payload: JsonObject = {"UserContext": USER_CONTEXT}
    if record.name == "Product":
        return {**payload, "ProductID": record.key}
    # documented of categories alone.
    if record.name == "Category" or (
        switches.delivery_parent_ids == "present" and not record.name.endswith("InventoryRecord")
    ):
        payload |= _parents(record)
    if record.name == "UserGroup":
        # inferred: the value.
        payload["UserGroupType"] = "BuyerUserGroup"
    return {**payload, "ID": record.key}


def _parents(record: Record) -> JsonObject:
    return dict(zip(TOPICS[record.name].parents, record.scope, strict=False))


def _product(market: Marketplace, record: Record, shown: JsonObject, sync: JsonObject) -> JsonObject:
    store, key = market.store, record.key
    tied = store.table("ProductCatalogAssignment")
    catalogs = [each for each in store.table("Catalog").ordered() if f"{each}/{key}" in tied]
    assignments = [
        store.table("ProductAssignment").load(each)
        for each in store.table("ProductAssignment").starting_with(f"{key}/")
    ]
    sellers = list(store.rows("ProductSupplier", (key,)))
    buyers = {each["BuyerID"] for each in assignments if each.get("BuyerID")}
    for catalog in catalogs:
        parties = (pair.split("/") for pair in store.table("CatalogAssignment").starting_with(f"{catalog}/"))
        buyers |= {party[1] for party in parties if party[1]}
    specs = [pair.split("/")[1] for pair in store.table("SpecProductAssignment").starting_with(f"{key}/")]
    spec = market.resources["Spec"]
    found = {name: value for name, value in shown.items() if name not in ("ID", "DateCreated", "IsBundle")}
    return {
        "ProductID": key,
        "Marketplace": MARKETPLACE_ID,
        **found,
        **_prices(market, shown, assignments, sellers, excluded=bool(sync.get("ExcludePriceSchedules"))),
        "Catalogs": catalogs,
        "Suppliers": [each["SupplierID"] for each in sellers],
        "Buyers": sorted(buyers),
        "Categories": _categories(market, key),
        "UserGroups": sorted({each["UserGroupID"] for each in assignments if each.get("UserGroupID")}),
        "Specs": [market.show(spec, (), row) for each in specs if (row := store.row("Spec", (), each)) is not None],
    }


def _categories(market: Marketplace, product: str) -> list[JsonObject]:
    """The categories of a product, of all catalogs. Only those that have it are read."""
    found = []
    for scope in market.store.scopes("Category"):
        tied = market.store.table("CategoryProductAssignment", scope)
        categories = market.store.table("Category", scope)
        for key in categories.ordered():
            if f"{key}/{product}" in tied:
                row = categories.load(key)
                # inferred: 0 where there is no order, as the reference consumer reads a number.
                short = {member: row.get(member) for member in ("ID", "Name", "Active")}
                found.append({**short, "ListOrder": row.get("ListOrder") or 0})
    return found


def _prices(
    market: Marketplace, shown: JsonObject, assignments: list[JsonObject], sellers: list[JsonObject], *, excluded: bool
) -> JsonObject:
    if excluded:
        # inferred: that they are empty and not left out.
        return {"DefaultPriceSchedule": None, "PartyPriceSchedules": [], "SellerDefaultPriceSchedules": []}

    def schedule(key: str | None) -> JsonObject | None:
        row = market.row("PriceSchedule", (), key)
        return None if row is None else market.show(market.resources["PriceSchedule"], (), row)

    return {
        "DefaultPriceSchedule": schedule(shown.get("DefaultPriceScheduleID")),
        "PartyPriceSchedules": [
            {
                "Seller": each.get("SellerID") or MARKETPLACE_ID,
                "Party": each.get("UserGroupID") or each.get("BuyerID"),
                "PartyType": 2 if each.get("UserGroupID") else 3,
                "PriceSchedule": found,
            }
            for each in assignments
            if (found := schedule(each.get("PriceScheduleID"))) is not None
        ],
        "SellerDefaultPriceSchedules": [
            {"Seller": each["SupplierID"], "PriceSchedule": found}
            for each in sellers
            if (found := schedule(each.get("DefaultPriceScheduleID"))) is not None
        ],
    }


def _stock(_market: Marketplace, record: Record, shown: JsonObject, _sync: JsonObject) -> JsonObject:
    """The one record that changed, in a list. inferred: that `ID` is the record's."""
    return {"ID": record.key, "ProductID": record.scope[0], "InventoryRecords": [_short_stock(shown)]}


def _short_stock(shown: JsonObject) -> JsonObject:
    place = shown.get("Address") or {}
    short = {name: shown.get(name) for name in _STOCK_MEMBERS}
    return {**short, "Zip": place.get("Zip"), "xp": shown.get("xp")}


def full_stock(market: Marketplace, record: Record) -> JsonObject:
    """Return the payload of a `full.updated` message: all inventory records of a product.

    inferred: that `ID` is the product's.
    """
    rows = stock_rows(market, record.scope[0])
    shown = [market.show(market.resources[name], scope, row) for name, scope, row in rows]
    product = record.scope[0]
    records = [_short_stock(each) for each in shown]
    return {"UserContext": USER_CONTEXT, "ID": product, "ProductID": product, "InventoryRecords": records}


def stock_rows(market: Marketplace, product: str) -> list[tuple[str, Scope, JsonObject]]:
    """Return the inventory records of a product, or of its variants: resource, parents and row."""
    store = market.store
    scopes: list[tuple[str, Scope]] = [("InventoryRecord", (product,))]
    scopes += [("VariantInventoryRecord", (product, each)) for each in store.table("Variant", (product,)).ordered()]
    return [(name, scope, row) for name, scope in scopes for row in store.rows(name, scope)]


def _user(_market: Marketplace, record: Record, shown: JsonObject, _sync: JsonObject) -> JsonObject:
    kept = {name: value for name, value in shown.items() if name not in _NOT_IN_USERS}
    return {"ID": record.key, "UserType": _USER_TYPES[record.name], **kept}


def _order(_market: Marketplace, _record: Record, shown: JsonObject, _sync: JsonObject) -> JsonObject:
    return {**shown, "Status": _STATUSES.index(shown["Status"]) + 1}


_SPECIAL: Mapping[str, Callable[[Marketplace, Record, JsonObject, JsonObject], JsonObject]] = {
    "Product": _product,
    "InventoryRecord": _stock,
    "VariantInventoryRecord": _stock,
    "BuyerUser": _user,
    "SupplierUser": _user,
    "AdminUser": _user,
    "Order": _order,
}
