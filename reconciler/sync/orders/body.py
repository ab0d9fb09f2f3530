"""Body of a purchase: what an order says of itself, with its pieces in packages and its amounts in full. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.sparklayer.purchases import AWAITING_APPROVAL, ORDER, PAYMENT_METHODS
from reconciler.sync.mapping.addresses import SOURCES, address_body, missing
from reconciler.sync.mapping.fields import Item, Unfit
from reconciler.sync.mapping.money import minor_units, total
from reconciler.sync.mapping.skus import sku_of
from reconciler.sync.mapping.values import (
    View,
    json_number,
    mapping,
    objects,
    shown,
    text_or_none,
    whole,
)
from reconciler.sync.orders.amounts import money, shares
from reconciler.sync.orders.model import PART
from reconciler.sync.orders.packages import RESTS, Lot, Lots, lots_of
from reconciler.sync.orders.settings import PAYMENT_PATH, OrderSettings
from reconciler.sync.problem import RecordProblem

_EXTRAS = ("Gratuity", "Fees")


class Unusable(Exception):
    """What keeps an order from being written.

    Args:
        code: of the problem.
        message: for the merchant.
        where: the line that it is about; empty: the order.
    """

    def __init__(self, code: str, message: str, where: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where


class Line(Struct, frozen=True):
    """A line of an order, ready to be shared out.

    Args:
        id: of the line, or its place among the lines.
        wire: as the source gave it.
        quantity: how many pieces.
        net: what is paid for all of it, before tax.
        tax: of it.
        discount: of it.
    """

    id: str
    wire: Mapping[str, Any]
    quantity: int
    net: Decimal
    tax: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)


class Findings(Struct):
    """What is found out about an order on the way, whatever becomes of it."""

    key: str
    problems: list[RecordProblem] = []
    moved: int = 0
    returned: int = 0

    def tell(self, code: str, message: str, line: str = "") -> None:
        self.problems.append(RecordProblem(f"{self.key}/{line}" if line else self.key, PART, code, message))


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a dotted path, or None."""
    found: Any = data
    for name in path.split("."):
        found = mapping(found).get(name)
    return found


class Purchase:
    """Makes the body of one purchase.

    Args:
        order: as it was read.
        settings: of the DataSync.
        currencies: of the site's price lists.
        found: takes what is wrong but keeps nothing from being written.
    """

    def __init__(
        self, order: Mapping[str, Any], settings: OrderSettings, currencies: frozenset[str], found: Findings
    ) -> None:
        self._order = order
        self._settings = settings
        self._found = found
        self._currency = _currency(order, settings)
        if self._currency not in currencies:
            words = f"The site has no price list in {self._currency}, the currency of the order."
            found.tell("no-list", f"{words} Add a price list in it; the order is there all the same.")

    def body(self, cart: str) -> Wire:
        """Return the body.

        Raises:
            Unusable: it cannot be made.
        """
        order, found = self._order, self._found
        status = order.get("Status")
        if status not in RESTS:
            raise Unusable("unknown-status", f"The order has the status {shown(status)}, which means nothing here.")
        lines = self._lines()
        lots = lots_of(order, {line.id: line.quantity for line in lines})
        found.moved, found.returned = lots.moved, lots.returned
        self._tell_misfits(lots)
        key = found.key
        placed = text_or_none(order.get("DateSubmitted")) or text_or_none(order.get("DateCreated"))
        billing = self._address(mapping(order.get("BillingAddress")))
        members: Wire = {
            "type": AWAITING_APPROVAL if status == "AwaitingApproval" else ORDER,
            "purchase_identifiers": {"sparklayer": cart, "platform": key, "visible": key},
            "dates": {
                **({} if placed is None else {"placed": placed}),
                "last_updated": text_or_none(order.get("LastUpdated")),
            },
            "payment_method": PAYMENT_METHODS.get(text_or_none(value_at(order, PAYMENT_PATH)) or ""),
            "customer_reference": text_or_none(order.get("Comments")),
            "currency_code": self._currency,
            "billing_address": billing,
            "packages": self._packages(lines, lots.lots),
        }
        return {name: value for name, value in members.items() if value is not None}

    def _lines(self) -> list[Line]:
        lines = [_line(place, wire) for place, wire in enumerate(objects(self._order.get("LineItems")), start=1)]
        if not lines:
            raise Unusable("no-lines", "The order has no lines, so there is nothing to show of it.")
        if len({line.id for line in lines}) < len(lines):
            raise Unusable("bad-record", "OrderCloud's answer cannot be used: two lines of the order have the same ID.")
        for line in lines:
            if not mapping(line.wire.get("Product")):
                product = shown(line.wire.get("ProductID"))
                words = f"The product {product} of this line is gone, so the line shows its ID in place of its name."
                self._found.tell("product-gone", words, line.id)
        return self._with_discount(lines)

    def _with_discount(self, lines: list[Line]) -> list[Line]:
        """Take from the lines what the order's total is less than all that makes it up: discounts on the whole."""
        paid = json_number(self._order.get("Total"))
        parts = total((*(line.net for line in lines), *self._extras(), self._amount("TaxCost")))
        less = Decimal(0) if paid is None else parts - paid
        if abs(less) < Decimal(1).scaleb(-minor_units(self._currency)) / 2:
            return lines
        if not 0 < less <= total(line.net for line in lines):
            words = f"The total of the order is {paid:f}, and its lines, shipping, tax and fees make {parts:f}."
            self._found.tell("total-differs", f"{words} The lines are shown as OrderCloud has them.")
            return lines
        parted = shares(less, [line.net for line in lines], self._currency)
        return [
            replace(line, net=line.net - part, discount=line.discount + part)
            for line, part in zip(lines, parted, strict=True)
        ]

    def _extras(self) -> list[Decimal]:
        return [self._amount(name) for name in ("ShippingCost", *_EXTRAS)]

    def _amount(self, name: str) -> Decimal:
        return json_number(self._order.get(name)) or Decimal(0)

    def _packages(self, lines: Sequence[Line], lots: Sequence[Lot]) -> list[Wire]:
        shipping, *extras = self._extras()
        taxes = shares(
            self._amount("TaxCost"), [*(max(line.net, Decimal(0)) for line in lines), shipping], self._currency
        )
        taxed = {line.id: replace(line, tax=tax) for line, tax in zip(lines, taxes[:-1], strict=True)}
        parts = self._parted(taxed, lots)
        packages = [self._package(lot, [parts[place, line] for line in lot.pieces]) for place, lot in enumerate(lots)]
        first = packages[0]
        first["line_items"] += [
            {"name_parent": name, "quantity": 1, "line_total": self._total(amount)}
            for name, amount in zip(_EXTRAS, extras, strict=True)
            if amount
        ]
        if shipping or taxes[-1]:
            method = first.setdefault("shipping_method", {"name": "Shipping"})
            method["line_total"] = self._total(shipping, taxes[-1])
        return packages

    def _parted(self, lines: Mapping[str, Line], lots: Sequence[Lot]) -> dict[tuple[int, str], Wire]:
        """Return what each lot has of each line, as the line of a package."""
        found: dict[tuple[int, str], Wire] = {}
        for line in lines.values():
            places = [place for place, lot in enumerate(lots) if line.id in lot.pieces]
            counts = [Decimal(lots[place].pieces[line.id]) for place in places]
            sums = [shares(amount, counts, self._currency) for amount in (line.net, line.tax, line.discount)]
            for place, count, net, tax, discount in zip(places, counts, *sums, strict=True):
                found[place, line.id] = self._line(line, int(count), self._total(net, tax, discount))
        return found

    def _line(self, line: Line, count: int, line_total: Wire) -> Wire:
        product, variant = mapping(line.wire.get("Product")), mapping(line.wire.get("Variant"))
        product_id = text_or_none(line.wire.get("ProductID"))
        variant_id = text_or_none(variant.get("ID"))
        external_id = f"{product_id}/{variant_id}" if variant_id is not None else str(product_id)
        specs = [
            {"key": text_or_none(spec.get("Name")) or text_or_none(spec.get("SpecID")), "value": value}
            for spec in objects(line.wire.get("Specs"))
            if (value := text_or_none(spec.get("Value")) or text_or_none(spec.get("OptionID"))) is not None
        ]
        sku = self._sku(external_id, product, variant)
        return {
            "identifiers": {"external_id": external_id, **({} if sku is None else {"sku": sku})},
            "name_parent": text_or_none(product.get("Name")) or product_id,
            "quantity": count,
            **({"custom_attributes": specs} if specs else {}),
            "line_total": line_total,
        }

    def _sku(self, external_id: str, product: Mapping[str, Any], variant: Mapping[str, Any]) -> str | None:
        """The SKU as products map it, as far as the line's own copy of the product tells."""
        views = (View(external_id, variant), View(external_id, product)) if variant else (View(external_id, product),)
        try:
            return sku_of(Item(external_id, views, 1), self._settings.skus)
        except Unfit:
            return None

    def _package(self, lot: Lot, lines: list[Wire]) -> Wire:
        package: Wire = {"type": str(lot.type), "line_items": lines}
        carrier, number = (text_or_none(lot.shipment.get(name)) for name in ("Shipper", "TrackingNumber"))
        if carrier is not None:
            package["shipping_method"] = {"name": carrier}
        if lot.shipment:
            known = {"carrier": carrier, "carrier_id": number}
            package["shipments"] = [{name: value for name, value in known.items() if value is not None}]
        address = self._address(lot.address)
        if address is not None:
            package["shipping_address"] = address
        return package

    def _total(self, net: Decimal, tax: Decimal = Decimal(0), discount: Decimal = Decimal(0)) -> Wire:
        found = {"total_net": net, "total_gross": net + tax}
        found |= {name: value for name, value in (("total_tax", tax), ("discount_net", discount)) if value}
        return {name: money(value, self._currency) for name, value in found.items()}

    def _address(self, address: Mapping[str, Any]) -> Wire | None:
        if not address:
            return None
        body = address_body(address)
        if lacks := [SOURCES[member] for member in missing(body)]:
            words = f"The address {shown(address.get('ID'))} has no {' and no '.join(lacks)}, so it is left out."
            self._found.tell("bad-address", words)
            return None
        return body

    def _tell_misfits(self, lots: Lots) -> None:
        for line, beyond in lots.misfits.items():
            if beyond is None:
                words = f"A shipment holds a line {line} that the order does not have any more; it is left out."
            else:
                words = f"{beyond} more of this line went out than were ordered; they are left out."
            self._found.tell("shipped-beyond", words, "" if beyond is None else line)


def _currency(order: Mapping[str, Any], settings: OrderSettings) -> str:
    found = text_or_none(order.get("Currency")) or settings.currency
    if found is None:
        words = "The order has no currency, and the DataSync names none."
        raise Unusable("no-currency", f"{words} Set `currency` in the DataSync.")
    return found.upper()


def _line(place: int, wire: Mapping[str, Any]) -> Line:
    name = text_or_none(wire.get("ID")) or str(place)
    quantity = whole(wire.get("Quantity"))
    if quantity is None or quantity < 1:
        words = f"The line has the quantity {shown(wire.get('Quantity'))}, which is no number of pieces."
        raise Unusable("bad-quantity", words, name)
    discount = json_number(wire.get("PromotionDiscount")) or Decimal(0)
    net, price = json_number(wire.get("LineTotal")), json_number(wire.get("UnitPrice"))
    if net is None and price is not None:
        net = price * quantity - discount
    if net is None:
        raise Unusable("price-not-a-number", "The line has neither a total nor a price that is a number.", name)
    return Line(name, wire, quantity, net, discount=discount)
