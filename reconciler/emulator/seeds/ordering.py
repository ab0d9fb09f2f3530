"""Orders of a generated marketplace, with line items and shipments."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID
from reconciler.emulator.ordercloud.models import JsonObject, date_text
from reconciler.emulator.seeds.goods import Goods, product_id
from reconciler.emulator.seeds.parties import RETAIL, WAREHOUSES, Company
from reconciler.emulator.seeds.seed import CART, FlawLog, Row
from reconciler.emulator.seeds.words import SPECS, WARES, Dice

_START = datetime(2025, 6, 2, 8, 0, tzinfo=UTC)
_STATUS = (
    *("Completed",) * 9,
    *("Open",) * 6,
    *("Unsubmitted", "Unsubmitted", "AwaitingApproval", "Declined", "Canceled"),
)
_FLAWED_EVERY = 20
_MOST = 20_000
# Of orders with a cart: of the first 40 every fourth, then one in 50.
CART_FLAWS = ("unknown-cart", "cart-is-no-uuid", "cart-used-twice", "foreign-order")
_EARLY, _EARLY_FLAW, _CART_FLAW = 40, 4, 50
_PAYMENTS = ("paymentOnAccount", "paymentByInvoice", "upfrontPayment")


class Orders:
    """Orders of a generated marketplace.

    Args:
        seed_number: of the marketplace.
        companies: who buys.
        goods: what there is to buy, all of its rows made.
        count: how many; None: one for every ten products, at least three.
    """

    def __init__(self, seed_number: int, companies: Sequence[Company], goods: Goods, count: int | None = None) -> None:
        self._dice = Dice(seed_number, "orders")
        self._count = min(max(goods.count // 10, 3), _MOST) if count is None else count
        # What was added later has dice of its own, so that what was there before stays as it is.
        self._more = Dice(seed_number, "carts")
        self._carts = 0
        self._cart = ""
        self._companies = companies
        self._goods = goods

    def rows(self, flaws: FlawLog) -> Iterator[Row]:
        """Yield every order with its lines, shipments and returns, and the carts at SparkLayer that they came from."""
        if not self._goods.count:
            return
        for number in range(self._count):
            yield from self._order(number, flaws)

    def _order(self, number: int, flaws: FlawLog) -> Iterator[Row]:
        dice = self._dice
        key = f"order-{number:06d}"
        company = dice.pick(self._companies)
        created = _START + timedelta(minutes=37 * number)
        status = dice.pick(_STATUS)
        lines = [self._line(place + 1, created) for place in range(dice.between(1, 5))]
        if number % _FLAWED_EVERY == _FLAWED_EVERY - 1:
            lines[0]["ProductID"] = "gone-0000001"
            lines[0].pop("Specs", None)
            flaws.note("order-of-deleted-product", key)
        subtotal = round(sum(line["UnitPrice"] * line["Quantity"] for line in lines), 4)
        shipping = 0.0 if subtotal > 100 else 5.95
        body: JsonObject = {
            "ID": key,
            "FromCompanyID": company.id,
            "ToCompanyID": MARKETPLACE_ID,
            "FromUserID": dice.pick(company.users),
            "BillingAddressID": company.addresses[0],
            "ShippingAddressID": dice.pick(company.addresses),
            "Status": status,
            "Currency": "GBP",
            "ShippingCost": shipping,
            "LineItemCount": len(lines),
            "Subtotal": subtotal,
            "Total": round(subtotal + shipping, 4),
            "DateCreated": date_text(created),
            "LastUpdated": date_text(created + timedelta(hours=dice.between(1, 60))),
        }
        if status != "Unsubmitted":
            body["DateSubmitted"] = date_text(created + timedelta(minutes=4))
        if status == "Completed":
            body["DateCompleted"] = body["LastUpdated"]
        if company.id != RETAIL and dice.roll() < 0.7:
            yield from self._from_cart(body, flaws)
        yield "Order", (), body
        for line in lines:
            yield "LineItem", (key,), line
        if status == "Completed" or (status == "Open" and len(lines) > 1 and dice.roll() < 0.4):
            yield from self._shipment(key, company, body, lines, whole=status == "Completed")
        if status == "Completed" and self._more.roll() < 0.2:
            back = {"LineItemID": lines[0]["ID"], "Quantity": 1}
            dates = dict.fromkeys(("DateCreated", "DateSubmitted", "DateCompleted", "LastUpdated"), body["LastUpdated"])
            returned = {"ID": key.replace("order", "return"), "OrderID": key, "Status": "Completed", **dates}
            yield "OrderReturn", (), {**returned, "ItemsToReturn": [back]}

    def _from_cart(self, body: JsonObject, flaws: FlawLog) -> Iterator[Row]:
        """Mark an order as placed through SparkLayer, and yield the cart there; now and then something is wrong."""
        dice = self._more
        cart = str(uuid.UUID(int=int(seed_text(dice) * 4, 16) ^ self._carts, version=4))
        self._carts += 1
        flaw = ""
        if self._carts % (_EARLY_FLAW if self._carts <= _EARLY else _CART_FLAW) == _EARLY_FLAW - 1:
            flaw = CART_FLAWS[self._carts // _EARLY_FLAW % len(CART_FLAWS)]
            flaws.note(flaw, body["ID"])
        if flaw == "cart-used-twice":
            cart = self._cart
        elif flaw == "cart-is-no-uuid":
            cart = f"cart-{seed_text(dice)}"
        elif flaw != "unknown-cart":
            self._cart = cart
            yield CART, (), {"ID": cart}
        if flaw == "foreign-order":
            body["Currency"] = "EUR"
        body["xp"] = {"sparkCartId": cart, "sparkPaymentType": dice.pick(_PAYMENTS)}
        subtotal = body["Subtotal"]
        body["PromotionDiscount"] = dice.pick((0, 0, round(subtotal * 0.075, 2), min(5, subtotal)))
        body["TaxCost"] = dice.pick((0, round((subtotal - body["PromotionDiscount"]) * 0.2, 2)))
        body["Fees"], body["Gratuity"] = dice.pick((0, 0, 1.99)), dice.pick((0, 0, 0, 2.5))
        extras = sum(body[name] for name in ("ShippingCost", "TaxCost", "Fees", "Gratuity"))
        body["Total"] = round(subtotal - body["PromotionDiscount"] + extras, 4)

    def _line(self, place: int, created: datetime) -> JsonObject:
        dice = self._dice
        number = int(dice.roll() * self._goods.count)
        price = self._goods.prices[number]
        quantity = dice.pick((1, 1, 1, 2, 2, 4, 10, 25))
        # The prices are given, because those that the API works out depend on the time.
        line: JsonObject = {
            "ID": f"line-{place}",
            "ProductID": product_id(number),
            "Quantity": quantity,
            "UnitPrice": price,
            "LineTotal": round(price * quantity, 4),
            "PriceScheduleID": product_id(number),
            "DateAdded": date_text(created),
        }
        if self._goods.has_variants[number]:
            specs = WARES[number % len(WARES)].specs
            line["Specs"] = [{"SpecID": spec, "OptionID": SPECS[spec][1][0][0]} for spec in specs]
        return line

    def _shipment(
        self, order: str, company: Company, body: JsonObject, lines: Sequence[JsonObject], *, whole: bool
    ) -> Iterator[Row]:
        """Yield one shipment; of an open order the first line only, and of that at most what was ordered."""
        key = order.replace("order", "shipment")
        shipment = {
            "ID": key,
            "BuyerID": company.id,
            "Shipper": self._dice.pick(("DPD", "Royal Mail", "Evri")),
            "TrackingNumber": f"GB{self._dice.between(10**8, 10**9 - 1)}",
            "DateShipped": body["LastUpdated"],
            "Cost": body["ShippingCost"],
            "FromAddressID": WAREHOUSES[0],
            "ToAddressID": body["ShippingAddressID"],
        }
        yield "Shipment", (), shipment
        for line in lines if whole else lines[:1]:
            item = {"OrderID": order, "LineItemID": line["ID"], "QuantityShipped": line["Quantity"]}
            yield "ShipmentItem", (key,), item


def seed_text(dice: Dice) -> str:
    """Return eight hexadecimal digits."""
    return f"{int(dice.roll() * 16**8):08x}"
