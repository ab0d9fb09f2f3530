"""Rules of products, variants, specs, prices and stock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.models import SHAPES
from reconciler.emulator.ordercloud.commerce.resource import Entry, Preset, Rules, Scope
from reconciler.emulator.ordercloud.errors import invalid, not_found, refuse
from reconciler.emulator.ordercloud.filters import date_of
from reconciler.emulator.ordercloud.models import JsonObject

STOCK = "InventoryRecord"
VARIANT_STOCK = "VariantInventoryRecord"


class ProductRules(Rules):
    """Rules of products: parents, counts, stock as a sum of records, and lists by catalog, category and supplier."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        if row.get("IsParent") and row.get("ParentID"):
            raise invalid([("ParentID", "A parent product cannot have a parent itself.")])

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        # inferred: every product has an Inventory, tracked or not, as exported marketplaces show.
        inventory = {**row.get("Inventory", {})}
        held = (before or {}).get("Inventory") or {}
        # What a client sends has no LastUpdated; what a seed brings along is new and keeps its own.
        given = before is None and inventory.get("LastUpdated") is not None
        inventory.setdefault("LastUpdated", held.get("LastUpdated"))
        if not given and (inventory["LastUpdated"] is None or inventory != held):
            inventory["LastUpdated"] = market.now()
        row["Inventory"] = inventory

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Product", (), row["ID"])

    def derive(self, market: Marketplace, scope: Scope, row: JsonObject) -> JsonObject:
        product_id = row["ID"]
        variants = market.store.table("Variant", (product_id,))
        records = list(market.store.rows(STOCK, (product_id,)))
        for variant_id in variants:
            records += market.store.rows(VARIANT_STOCK, (product_id, variant_id))
        return {
            "VariantCount": len(variants),
            "SpecCount": len(market.store.table("SpecProductAssignment").starting_with(f"{product_id}/")),
            "Inventory": summed(market, row["Inventory"], records),
        }

    def presets(self, market: Marketplace, scope: Scope, options: Mapping[str, str]) -> Sequence[Preset]:
        found = []
        catalog_id, category_id, supplier_id = (
            options.get(f"{name}ID") for name in ("catalog", "category", "supplier")
        )
        # inferred: which catalog and category a product is in, the index knows as late as the product itself.
        versions, seen = market.store.versions, market.store.search.version()
        if category_id:
            key = ("category", catalog_id, category_id, versions["CategoryProductAssignment"], seen)
            found.append(Preset(key, lambda: _among(_in_category(market, catalog_id, category_id))))
        elif catalog_id:
            products = ("catalog", catalog_id, versions["ProductCatalogAssignment"], seen)
            found.append(
                Preset(products, lambda: _among(_second_parts(market, "ProductCatalogAssignment", (), catalog_id)))
            )
        if supplier_id:
            sold = {scope[0] for scope in market.store.scopes("ProductSupplier")}
            sold = {product for product in sold if supplier_id in market.store.table("ProductSupplier", (product,))}
            # inferred: what a supplier's products are.
            found.append(
                Preset(
                    ("supplier", supplier_id, versions["ProductSupplier"]),
                    lambda: lambda entry, row: entry in sold or row.get("DefaultSupplierID") == supplier_id,
                    reads_rows=True,
                )
            )
        return found


def _among(ids: set[str]) -> Callable[[Entry, JsonObject], bool]:
    return lambda entry, _row: entry in ids


def _second_parts(market: Marketplace, name: str, scope: Scope, first: str) -> set[str]:
    keys = market.store.seen(name, scope).starting_with(f"{first}/")
    return {key.split("/")[1] for key in keys}


def _in_category(market: Marketplace, catalog_id: str | None, category_id: str) -> set[str]:
    name = "CategoryProductAssignment"
    scopes = [(catalog_id,)] if catalog_id else market.store.scopes(name)
    return {product for scope in scopes for product in _second_parts(market, name, scope, category_id)}


def summed(market: Marketplace, inventory: JsonObject, records: Sequence[JsonObject]) -> JsonObject:
    """Sum the records of an Inventory into its quantity; without records it stays as it is."""
    if not records:
        return inventory
    quantity = sum(record.get("QuantityAvailable") or 0 for record in records)
    if quantity == inventory.get("QuantityAvailable"):
        return inventory
    stamp = inventory.get("LastUpdated") if market.switches().stock_stamp == "never" else None
    return {**inventory, "QuantityAvailable": quantity, "LastUpdated": stamp or market.now()}


class VariantRules(Rules):
    """Rules of variants: stock as the sum of the records; the product counts its variants."""

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        inventory = row.get("Inventory")
        if inventory is not None and inventory != (before or {}).get("Inventory"):
            row["Inventory"] = {**inventory, "LastUpdated": inventory.get("LastUpdated") or market.now()}

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Variant", scope, row["ID"])
        market.touch("Product", (), scope[0])

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        market.touch("Product", (), scope[0])

    def derive(self, market: Marketplace, scope: Scope, row: JsonObject) -> JsonObject:
        records = list(market.store.rows(VARIANT_STOCK, (*scope, row["ID"])))
        return {"Inventory": summed(market, row.get("Inventory") or {}, records)} if records else {}


class InventoryRecordRules(Rules):
    """Rules of inventory records: of a product or of its variants, never of both; their sum is the stock."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        if row["AddressID"] != (before or {}).get("AddressID") and _place(market, row) is None:
            raise not_found("Address", row["AddressID"])
        if before is not None:
            return
        product = market.existing("Product", (), scope[0])
        of_variant = len(scope) > 1
        # inferred: code and status of both refusals.
        if bool(product["Inventory"].get("VariantLevelTracking")) != of_variant:
            where = "variants" if not of_variant else "the product"
            raise refuse(
                400,
                "InventoryRecord.InvalidLevel",
                f"Stock of {scope[0]} is tracked on {where}: Inventory.VariantLevelTracking says so.",
            )
        if of_variant and market.store.table(STOCK, scope[:1]):
            raise refuse(400, "InventoryRecord.InvalidLevel", f"{scope[0]} has records of its own.")

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        self._count(market, scope)

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        self._count(market, scope)

    def _count(self, market: Marketplace, scope: Scope) -> None:
        if len(scope) > 1:
            market.touch("Variant", scope[:1], scope[1])
        market.touch("Product", (), scope[0])
        product = market.row("Product", (), scope[0])
        if product is not None and not market.is_loading and market.switches().stock_stamp == "every_change":
            stamped = {**(product.get("Inventory") or {}), "LastUpdated": market.now()}
            market.update("Product", (), scope[0], {"Inventory": stamped})

    def shown(self, market: Marketplace, scope: Scope, shown: JsonObject) -> JsonObject:
        place = _place(market, shown)
        return {**shown, "Address": None if place is None else SHAPES["Address"].show(place)}


def _place(market: Marketplace, record: JsonObject) -> JsonObject | None:
    """Return the address of a record: the seller's, its owner's, or any supplier's."""
    address_id = record["AddressID"]
    scopes = [(record.get("OwnerID") or "",), *market.store.scopes("SupplierAddress")]
    found = market.row("AdminAddress", (), address_id)
    return found or next(filter(None, (market.row("SupplierAddress", scope, address_id) for scope in scopes)), None)


class SpecRules(Rules):
    """Rules of specs: their options show inside them."""

    def derive(self, market: Marketplace, scope: Scope, row: JsonObject) -> JsonObject:
        return {"OptionCount": len(market.store.table("SpecOption", (row["ID"],)))}

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        row.pop("Options", None)

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Spec", (), row["ID"])

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        option_id = row.get("DefaultOptionID")
        if option_id and option_id != (before or {}).get("DefaultOptionID"):
            # documented: written once spec and option are there.
            market.existing("SpecOption", ((before or row).get("ID") or "",), option_id)

    def shown(self, market: Marketplace, scope: Scope, shown: JsonObject) -> JsonObject:
        options = [SHAPES["SpecOption"].show(row) for row in market.store.rows("SpecOption", (shown["ID"],))]
        return {**shown, "Options": sorted(options, key=lambda row: row["ListOrder"])}


class SpecOptionRules(Rules):
    """Rules of spec options: the spec counts them."""

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Spec", (), scope[0])

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        market.touch("Spec", (), scope[0])


class SpecAssignmentRules(Rules):
    """Rules of spec assignments: the product counts its specs."""

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Product", (), row["ProductID"])

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        market.touch("Product", (), row["ProductID"])


class PriceScheduleRules(Rules):
    """Rules of price schedules: price breaks in order of quantity, and whether there is a sale."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        quantities = [price_break["Quantity"] for price_break in row.get("PriceBreaks") or ()]
        if len(set(quantities)) < len(quantities):
            raise invalid([("PriceBreaks", "Two price breaks have the same quantity.")])

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        if row.get("PriceBreaks"):
            row["PriceBreaks"] = sorted(row["PriceBreaks"], key=lambda price_break: price_break["Quantity"])

    def shown(self, market: Marketplace, scope: Scope, shown: JsonObject) -> JsonObject:
        return {**shown, "IsOnSale": is_on_sale(market, shown)}


def is_on_sale(market: Marketplace, schedule: Mapping[str, Any]) -> bool:
    """Return whether a price schedule has a sale price and is within its sale. inferred: an open end counts."""
    start, end = schedule.get("SaleStart"), schedule.get("SaleEnd")
    if not (start or end) or not any(price.get("SalePrice") is not None for price in schedule.get("PriceBreaks") or ()):
        return False
    now = date_of(market.now())
    first, last = (date_of(text) if text else now for text in (start, end))
    return now is not None and first is not None and last is not None and first <= now <= last
