"""Changes of submitted orders, like a day of people's work: amended, shipped in part, cancelled, sent back."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.seeds.words import Dice

_SHIPPERS = ("DPD", "Royal Mail", "Evri")


class OrderChanges:
    """Changes orders of a marketplace, the same for the same marketplace and dice.

    Args:
        market: what is changed.
        dice: choose.
        orders: IDs of orders, in the order in which they are taken; each is changed in one way.
    """

    def __init__(self, market: Marketplace, dice: Dice, orders: Iterator[str]) -> None:
        self._market = market
        self._dice = dice
        self._orders = orders
        self._passed: list[str] = []

    def amend(self, count: int) -> Iterator[str]:
        """Change how many pieces a line of an open order has, never below what went out; or take a line out."""
        for order in self._next(count, "Open"):
            lines = list(self._market.store.rows("LineItem", (order,)))
            line = self._dice.pick(lines)
            shipped = line.get("QuantityShipped") or 0
            if len(lines) > 1 and not shipped and self._dice.roll() < 0.3:
                self._market.remove(self._market.resources["LineItem"], (order,), line["ID"])
            else:
                quantity = line["Quantity"] - 1 if line["Quantity"] - 1 > shipped else line["Quantity"] + 2
                self._market.update("LineItem", (order,), line["ID"], {"Quantity": quantity})
            yield order

    def ship(self, count: int) -> Iterator[JsonObject]:
        """Ship some of what is left of an open order; the last piece completes it."""
        for order in self._next(count, "Open"):
            shipment = self._free_id("Shipment", f"{order[:80]}-out")
            body = {
                "Shipper": self._dice.pick(_SHIPPERS),
                "TrackingNumber": f"GB{self._dice.between(10**8, 10**9 - 1)}",
            }
            buyer = self._market.existing("Order", (), order).get("FromCompanyID")
            self._market.insert(
                "Shipment", (), {"ID": shipment, "BuyerID": buyer, "DateShipped": self._market.now(), **body}
            )
            for line in list(self._market.store.rows("LineItem", (order,))):
                left = line["Quantity"] - (line.get("QuantityShipped") or 0)
                if left > 0:
                    item = {"OrderID": order, "LineItemID": line["ID"], "QuantityShipped": self._dice.between(1, left)}
                    self._market.insert("ShipmentItem", (shipment,), item)
            yield {"orderID": order, "shipmentID": shipment}

    def cancel(self, count: int) -> Iterator[str]:
        """Cancel an open order, whatever of it went out."""
        for order in self._next(count, "Open"):
            self._market.update("Order", (), order, {"Status": "Canceled", "DateCanceled": self._market.now()})
            yield order

    def send_back(self, count: int) -> Iterator[JsonObject]:
        """Send a piece of a completed order back; the return is completed."""
        for order in self._next(count, "Completed"):
            line = self._dice.pick(list(self._market.store.rows("LineItem", (order,))))
            key = self._free_id("OrderReturn", f"{order[:80]}-back")
            items = [{"LineItemID": line["ID"], "Quantity": 1, "RefundAmount": line.get("UnitPrice")}]
            dates = {"DateSubmitted": self._market.now(), "DateCompleted": self._market.now()}
            body = {"ID": key, "OrderID": order, "Status": "Completed", "ItemsToReturn": items, **dates}
            self._market.insert("OrderReturn", (), body)
            yield {"orderID": order, "orderReturnID": key}

    def _next(self, count: int, status: str) -> Iterator[str]:
        """Yield orders of a status that have lines; those of another one are left for other changes."""
        done = 0
        waiting, self._passed = iter(self._passed), []
        while done < count:
            order = next(waiting, None) or next(self._orders, None)
            if order is None:
                break
            has_lines = bool(self._market.store.table("LineItem", (order,)))
            if has_lines and self._market.existing("Order", (), order)["Status"] == status:
                done += 1
                yield order
            else:
                self._passed.append(order)
        self._passed += waiting

    def _free_id(self, name: str, wanted: str) -> str:
        number, key = 1, wanted
        while key in self._market.store.table(name):
            number += 1
            key = f"{wanted}-{number}"
        return key
