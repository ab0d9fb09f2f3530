"""Rules of orders and line items: prices, totals, members of other objects, and statuses from draft to completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID, Marketplace
from reconciler.emulator.ordercloud.commerce.models import SHAPES, snapshot
from reconciler.emulator.ordercloud.commerce.pricing import price_of
from reconciler.emulator.ordercloud.commerce.resource import Preset, Rules, Scope
from reconciler.emulator.ordercloud.errors import invalid, refuse
from reconciler.emulator.ordercloud.filters import date_of
from reconciler.emulator.ordercloud.models import JsonObject

DIRECTIONS = ("incoming", "outgoing", "all")
UNSUBMITTED = "Unsubmitted"


def goes(order: JsonObject, direction: str) -> bool:
    """Return whether an order has this direction, seen by the marketplace owner, as whom the emulator's clients act."""
    outgoing = order.get("FromCompanyID") == MARKETPLACE_ID
    return direction.lower() == "all" or outgoing == (direction.lower() == "outgoing")


class OrderRules(Rules):
    """Rules of orders: totals, people and addresses of an order, and lists by direction, dates and parties."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        if before is not None:
            # documented: only writable on create.
            row["FromCompanyID"], row["FromUserID"], row["ToCompanyID"] = (
                before.get(member) for member in ("FromCompanyID", "FromUserID", "ToCompanyID")
            )
        elif row.get("FromUserID"):
            market.existing(_users_of(row), _users_scope(row), row["FromUserID"])

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        row.setdefault("Status", UNSUBMITTED)
        row["ToCompanyID"] = row.get("ToCompanyID") or MARKETPLACE_ID
        if row["Status"] in ("Open", "Completed") and not row.get("DateSubmitted"):
            row["DateSubmitted"] = row["DateCreated"]
        # documented: true once it went from the buyer to the seller, of which DateSubmitted tells.
        row["IsSubmitted"] = row.get("DateSubmitted") is not None

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Order", (), row["ID"])

    def derive(self, market: Marketplace, scope: Scope, row: JsonObject) -> JsonObject:
        lines = list(market.store.rows("LineItem", (row["ID"],)))
        subtotal = round(sum(line.get("LineSubtotal") or 0 for line in lines), 4)
        discount = row.get("PromotionDiscount") or 0
        extras = sum(row.get(member) or 0 for member in ("ShippingCost", "TaxCost", "Gratuity", "Fees"))
        return {
            "LineItemCount": len(lines),
            "Subtotal": subtotal,
            "Total": round(subtotal - discount + extras, 4),
        }

    def shown(self, market: Marketplace, scope: Scope, shown: JsonObject) -> JsonObject:
        company_id = shown["FromCompanyID"]
        user = market.row(_users_of(shown), _users_scope(shown), shown["FromUserID"])
        if user is not None:
            user = {**SHAPES["OrderUser"].show(snapshot("OrderUser", user)), "CompanyID": company_id}
        billing = _address(market, shown, shown["BillingAddressID"])
        return {**shown, "FromUser": user, "BillingAddress": billing}

    def presets(self, market: Marketplace, scope: Scope, options: Mapping[str, str]) -> Sequence[Preset]:
        drafts = options["drafts"] == "true"
        buyer_id, supplier_id, direction = (options.get(name) for name in ("buyerID", "supplierID", "direction"))
        start, end = (_bound(options, name) for name in ("from", "to"))

        def fits(_entry: str, row: JsonObject) -> bool:
            # documented: from and to are about when the order was created.
            created = date_of(row["DateCreated"])
            return (
                row["IsSubmitted"] != drafts
                and goes(row, direction or "all")
                and buyer_id in (None, row.get("FromCompanyID"))
                and supplier_id in (None, row.get("ToCompanyID"))
                and (created is None or ((start is None or created >= start) and (end is None or created <= end)))
            )

        key = ("orders", drafts, (direction or "").lower(), buyer_id, supplier_id, start, end)
        return [Preset(key, lambda: fits, reads_rows=True)]


def asks_for_drafts(filters: Sequence[tuple[str, str]]) -> bool:
    """Return whether filters ask for unsubmitted orders, which are never listed together with submitted ones."""
    asked = {name.lower(): value.lower() for name, value in filters}
    return asked.get("issubmitted") == "false" or asked.get("status") == "unsubmitted"


def _bound(options: Mapping[str, str], name: str) -> datetime | None:
    text = options.get(name)
    if not text:
        return None
    found = date_of(text)
    if found is None:
        raise refuse(400, "List.InvalidType", f"{name} has to be a date.")
    return found


def _users_of(order: JsonObject) -> str:
    return "AdminUser" if order.get("FromCompanyID") in (None, MARKETPLACE_ID) else "BuyerUser"


def _users_scope(order: JsonObject) -> Scope:
    return () if _users_of(order) == "AdminUser" else (order["FromCompanyID"],)


def _address(market: Marketplace, order: JsonObject, address_id: str | None) -> JsonObject | None:
    row = market.row("BuyerAddress", (order.get("FromCompanyID") or "",), address_id)
    return None if row is None else SHAPES["Address"].show(row)


class LineItemRules(Rules):
    """Rules of line items: price and product as they are when the line is written."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        if row.get("Quantity", 1) < 1:
            raise invalid([("Quantity", "Quantity has to be 1 or more.")])

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        row.setdefault("Quantity", 1)
        product = market.row("Product", (), row["ProductID"])
        held = before or {}
        if product is not None and held.get("ProductID") != row["ProductID"]:
            row["Product"] = snapshot("LineItemProduct", product)
            row["SupplierID"] = row.get("SupplierID") or product.get("DefaultSupplierID")
        if row.get("Specs"):
            row["Specs"] = [_spec(market, spec) for spec in row["Specs"]]
            row["Variant"] = _variant(market, row)
        if row.get("UnitPrice") is None or (_same_price_asked(row, held) and _is_other(row, held)):
            order = market.row("Order", (), scope[0]) or {}
            row.update(price_of(market, order, row))
        elif held:
            row["PriceOverridden"] = held.get("PriceOverridden") or row.get("UnitPrice") != held.get("UnitPrice")
        else:
            # A seed brings its totals along, and with them prices that nobody overrode.
            row.setdefault("PriceOverridden", "LineTotal" not in row)
        subtotal = round((row.get("UnitPrice") or 0) * row["Quantity"], 4)
        row["LineSubtotal"] = subtotal
        row["LineTotal"] = round(subtotal - (row.get("PromotionDiscount") or 0), 4)

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        market.touch("Order", (), scope[0])
        # Whether a shipment touches the order is said elsewhere; anything else about a line does, whatever it costs.
        if {**row, "QuantityShipped": 0} != {**(before or {}), "QuantityShipped": 0}:
            self._stamp(market, scope)

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        market.touch("Order", (), scope[0])
        self._stamp(market, scope)

    @staticmethod
    def _stamp(market: Marketplace, scope: Scope) -> None:
        # With an order its lines go as well.
        if market.row("Order", (), scope[0]) is not None:
            market.stamp("Order", (), scope[0])

    def shown(self, market: Marketplace, scope: Scope, shown: JsonObject) -> JsonObject:
        order = market.row("Order", (), scope[0]) or {}
        ship_from = market.row("AdminAddress", (), shown["ShipFromAddressID"])
        if ship_from is not None:
            ship_from = SHAPES["Address"].show(ship_from)
        shipping = _address(market, order, shown["ShippingAddressID"])
        return {**shown, "ShippingAddress": shipping, "ShipFromAddress": ship_from}


def _same_price_asked(row: JsonObject, held: JsonObject) -> bool:
    """Return whether a line kept a calculated price, so that it has to be calculated again."""
    return bool(held) and not held.get("PriceOverridden") and row.get("UnitPrice") == held.get("UnitPrice")


def _is_other(row: JsonObject, held: JsonObject) -> bool:
    """Return whether a line changed in what its price depends on; that it was shipped is no reason for another."""
    return any(row.get(member) != held.get(member) for member in ("ProductID", "Quantity", "Specs"))


def _spec(market: Marketplace, spec: JsonObject) -> JsonObject:
    """Return a chosen spec with its name and markup."""
    known = market.row("Spec", (), spec["SpecID"]) or {}
    option = market.row("SpecOption", (spec["SpecID"],), spec.get("OptionID")) or {}
    filled = {
        "Name": known.get("Name"),
        "Value": spec.get("Value") or option.get("Value"),
        "PriceMarkupType": option.get("PriceMarkupType"),
        "PriceMarkup": option.get("PriceMarkup"),
    }
    return {**spec, **{name: value for name, value in filled.items() if value is not None}}


def _variant(market: Marketplace, line: JsonObject) -> JsonObject | None:
    """Return the variant with the chosen options."""
    chosen = {(spec["SpecID"], spec.get("OptionID")) for spec in line["Specs"]}
    for variant in market.store.rows("Variant", (line["ProductID"],)):
        options = {(spec["SpecID"], spec.get("OptionID")) for spec in variant.get("Specs") or ()}
        if options and options <= chosen:
            return snapshot("LineItemVariant", variant)
    return None
