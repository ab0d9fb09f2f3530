"""Rules of shipments and their items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.models import SHAPES
from reconciler.emulator.ordercloud.commerce.resource import Preset, Rules, Scope
from reconciler.emulator.ordercloud.errors import invalid
from reconciler.emulator.ordercloud.models import JsonObject


class ShipmentRules(Rules):
    """Rules of shipments: their addresses, and the lists of one order."""

    def shown(self, market: Marketplace, scope: Scope, shown: JsonObject) -> JsonObject:
        start = market.row("AdminAddress", (), shown["FromAddressID"])
        end = market.row("BuyerAddress", (shown["BuyerID"] or "",), shown["ToAddressID"])
        address = SHAPES["Address"]
        return {
            **shown,
            "FromAddress": None if start is None else address.show(start),
            "ToAddress": None if end is None else address.show(end),
        }

    def presets(self, market: Marketplace, scope: Scope, options: Mapping[str, str]) -> Sequence[Preset]:
        order_id = options.get("orderID")
        if not order_id:
            return ()
        key = ("order", order_id, market.store.versions["ShipmentItem"])
        return [Preset(key, lambda: lambda entry, _row: _carries(market, entry, order_id))]


def _carries(market: Marketplace, shipment_id: str, order_id: str) -> bool:
    return bool(market.store.table("ShipmentItem", (shipment_id,)).starting_with(f"{order_id}/"))


class ShipmentItemRules(Rules):
    """Rules of shipment items: they show their line item; an order is complete once all of it was shipped."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        line = market.existing("LineItem", (row["OrderID"],), row["LineItemID"])
        held = (before or {}).get("QuantityShipped") or 0
        left = line["Quantity"] - (line.get("QuantityShipped") or 0) + held
        if not 1 <= row["QuantityShipped"] <= left:
            # inferred: that more than was ordered is refused.
            raise invalid([("QuantityShipped", f"QuantityShipped has to be 1 to {left}.")])

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        line = market.row("LineItem", (row["OrderID"],), row["LineItemID"]) or {}
        for member in ("UnitPrice", "CostCenter", "DateNeeded", "Product", "Variant", "Specs", "xp"):
            row.setdefault(member, line.get(member))

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        self._ship(market, row, row["QuantityShipped"] - ((before or {}).get("QuantityShipped") or 0))

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        self._ship(market, row, -row["QuantityShipped"])

    def _ship(self, market: Marketplace, row: JsonObject, more: int) -> None:
        place = ("LineItem", (row["OrderID"],), row["LineItemID"])
        line = market.row(*place)
        if line is None:
            return
        market.update(*place, {"QuantityShipped": (line.get("QuantityShipped") or 0) + more})
        order = market.row("Order", (), row["OrderID"])
        lines = market.store.rows("LineItem", (row["OrderID"],))
        done = all((line.get("QuantityShipped") or 0) >= line["Quantity"] for line in lines)
        if order is None:
            return
        if order["Status"] == "Open" and done:
            market.update("Order", (), row["OrderID"], {"Status": "Completed", "DateCompleted": market.now()})
        elif market.switches().shipment_touches_order == "yes":
            # inferred: that it is a change of the order; see the switch.
            market.stamp("Order", (), row["OrderID"])
