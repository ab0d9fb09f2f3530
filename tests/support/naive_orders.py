"""A second mapping of orders, written from docs/sync.md alone: which purchases a site should hold, in plain code.

It shares nothing with `reconciler.sync`. `read_orders` asks OrderCloud as anybody may; `expected_purchases` says what
becomes of that, `found_purchases` reads the emulator's dump of a site.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from urllib.error import HTTPError

from support.naive import Options, sku_of, text, xp_of

Json = dict[str, Any]
PLACES = {"GBP": 2, "EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
_PAYMENTS = {
    "upfrontPayment": "platform_upfront",
    "paymentOnAccount": "on_account",
    "paymentByInvoice": "invoice",
}
_LEFT = {
    "Open": "incoming",
    "AwaitingApproval": "incoming",
    "Completed": "complete",
    "Canceled": "cancelled",
    "Declined": "cancelled",
}
_ADDRESS = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "company": "CompanyName",
    "address_line1": "Street1",
    "address_line2": "Street2",
    "city": "City",
    "region_code": "State",
    "postal_code": "Zip",
    "country_code": "Country",
    "phone": "Phone",
}


@dataclass
class Purchases:
    """Purchases by order ID, and problems: codes by external ID."""

    by_order: dict[str, Json] = field(default_factory=dict)
    problems: dict[str, set[str]] = field(default_factory=dict)

    def problem(self, external_id: str, code: str) -> None:
        self.problems.setdefault(external_id, set()).add(code)


@dataclass
class Whole:
    """An order with all that belongs to it."""

    order: Json
    lines: list[Json]
    shipments: list[tuple[Json, list[Json]]]
    returns: list[Json]


def read_orders(portal: Callable[..., Any]) -> list[Whole]:
    """Read every submitted order with its lines, shipments and returns."""
    found = []
    try:
        returns = _items(portal, "orderreturns")
    except HTTPError:
        returns = []  # an older marketplace has none to show
    for order in _items(portal, "orders/all"):
        sheet = portal("GET", f"orders/all/{order['ID']}/worksheet")
        shipments = [
            (each, _items(portal, f"shipments/{each['ID']}/items"))
            for each in _items(portal, f"orders/all/{order['ID']}/shipments")
        ]
        own = [each for each in returns if each["OrderID"] == order["ID"]]
        found.append(Whole(sheet["Order"], sheet["LineItems"], shipments, own))
    return found


def _items(portal: Callable[..., Any], path: str) -> list[Json]:
    found: list[Json] = []
    page = 1
    while True:
        answer = portal("GET", f"{path}?pageSize=100&page={page}")
        found += answer["Items"]
        if page >= answer["Meta"]["TotalPages"]:
            return found
        page += 1


def expected_purchases(
    orders: list[Whole], options: Options, carts: dict[str, str | None], lists: set[str], since: str = "2025-01-01"
) -> Purchases:
    """Return what the site should hold.

    Args:
        orders: as they are at the source.
        options: of the products: how SKUs are mapped, and the currency.
        carts: that the site has, each with the order that it was written for. Of several with one cart, that one
            keeps it; which is first the page does not say.
        lists: currencies of its price lists.
        since: the first day of orders.
    """
    wanted = Purchases()
    holders = {cart: order_id for cart, order_id in carts.items() if order_id is not None}
    for whole in orders:
        order = whole.order
        named = xp_of(order).get("sparkCartId")
        if named in (None, "") or order["LastUpdated"][:10] < since or order["Status"] == "Unsubmitted":
            continue
        try:
            cart = str(uuid.UUID(str(named)))
        except ValueError:
            # It is nobody's business at SparkLayer: nothing else is told of it.
            wanted.problem(order["ID"], "bad-cart")
            continue
        body = _body(whole, cart, options, lists, wanted)
        if holders.setdefault(cart, order["ID"]) != order["ID"]:
            wanted.problem(order["ID"], "duplicate-cart")
        elif cart not in carts:
            wanted.problem(order["ID"], "unknown-cart")
        elif body is not None:
            wanted.by_order[order["ID"]] = body
    return wanted


def _body(whole: Whole, cart: str, options: Options, lists: set[str], wanted: Purchases) -> Json | None:
    order = whole.order
    currency = (text(order.get("Currency")) or options.currency or "").upper()
    if currency not in lists:
        wanted.problem(order["ID"], "no-list")
    if not whole.lines:
        wanted.problem(order["ID"], "no-lines")
        return None
    named = {"sparklayer": cart, "platform": order["ID"], "visible": order["ID"]}
    body: Json = {
        "type": "awaiting_approval" if order["Status"] == "AwaitingApproval" else "order",
        "purchase_identifiers": named,
        "placed": order.get("DateSubmitted") or order.get("DateCreated"),
        "payment_method": _PAYMENTS.get(text(xp_of(order).get("sparkPaymentType")) or ""),
        "customer_reference": text(order.get("Comments")),
        "currency_code": currency,
        "billing_address": _address(order.get("BillingAddress"), order["ID"], wanted),
        "packages": _packages(whole, currency, options, wanted),
    }
    return {name: value for name, value in body.items() if value is not None}


def _address(sent: Json | None, external_id: str, wanted: Purchases) -> Json | None:
    if not sent:
        return None
    body = {name: text(sent.get(member)) for name, member in _ADDRESS.items()}
    if not (body["address_line1"] and body["city"] and body["country_code"]):
        wanted.problem(external_id, "bad-address")
        return None
    return {name: value for name, value in body.items() if value}


# Pieces


@dataclass
class Box:
    """A package: how many pieces of each line, by its place."""

    type: str
    pieces: dict[int, int]
    carrier: Json | None = None
    address: Json | None = None

    def body(self) -> Json:
        found: Json = {"type": self.type, "line_items": []}
        if self.carrier is not None:
            found |= self.carrier
        return found


def _packages(whole: Whole, currency: str, options: Options, wanted: Purchases) -> list[Json]:
    order, lines = whole.order, whole.lines
    place_of = {line["ID"]: place for place, line in enumerate(lines)}
    left = {place: line["Quantity"] for place, line in enumerate(lines)}
    boxes = _shipped(whole, place_of, left, wanted)
    backs: list[Box] = []
    done = [each for each in whole.returns if each.get("Status") == "Completed"]
    for back in sorted(done, key=lambda each: (each.get("DateCompleted") or "", each["ID"])):
        pieces: dict[int, int] = {}
        for item in back.get("ItemsToReturn") or []:
            place = place_of.get(item["LineItemID"])
            if place is not None:
                pieces[place] = pieces.get(place, 0) + _take(place, item.get("Quantity") or 0, boxes, left)
        backs.append(Box("returned", pieces))
    rest: list[Box] = []
    kind = _LEFT[order["Status"]]
    if kind == "cancelled":
        rest.append(Box(kind, left))
    else:
        for address_id in sorted({line.get("ShippingAddressID") or "" for line in lines}):
            own = {place for place, line in enumerate(lines) if (line.get("ShippingAddressID") or "") == address_id}
            sent_to = next((lines[place].get("ShippingAddress") for place in sorted(own)), None)
            rest.append(Box(kind, {place: left[place] for place in sorted(own)}, address=sent_to))
    every = [box for box in (*boxes, *rest, *backs) if sum(box.pieces.values())]
    return _priced(whole, every, currency, options, wanted)


def _shipped(whole: Whole, place_of: dict[str, int], left: dict[int, int], wanted: Purchases) -> list[Box]:
    boxes = []
    for shipment, items in sorted(
        whole.shipments,
        key=lambda each: (not each[0].get("DateShipped"), each[0].get("DateShipped") or "", each[0]["ID"]),
    ):
        pieces: dict[int, int] = {}
        for item in items:
            if item["OrderID"] != whole.order["ID"]:
                continue
            place = place_of.get(item["LineItemID"])
            if place is None:
                wanted.problem(whole.order["ID"], "shipped-beyond")
                continue
            taken = min(item["QuantityShipped"], left[place])
            if taken < item["QuantityShipped"]:
                wanted.problem(f"{whole.order['ID']}/{item['LineItemID']}", "shipped-beyond")
            left[place] -= taken
            pieces[place] = pieces.get(place, 0) + taken
        carrier = {"carrier": text(shipment.get("Shipper")), "carrier_id": text(shipment.get("TrackingNumber"))}
        carrier = {name: value for name, value in carrier.items() if value}
        sent_to = shipment.get("ToAddress") or next(
            (
                whole.lines[place]["ShippingAddress"]
                for place in sorted(pieces)
                if whole.lines[place].get("ShippingAddress")
            ),
            None,
        )
        extra = {"shipments": [carrier]} if carrier else {}
        if text(shipment.get("Shipper")):
            extra["shipping_method"] = {"name": text(shipment.get("Shipper"))}
        boxes.append(Box("shipped", pieces, extra, sent_to))
    return boxes


def _take(place: int, count: int, boxes: list[Box], left: dict[int, int]) -> int:
    """Take pieces out of what was shipped, the oldest first, else out of what is left; return how many there were."""
    taken = 0
    for pieces in (*(box.pieces for box in boxes), left):
        some = min(pieces.get(place, 0), count - taken)
        if some:
            pieces[place] -= some
            taken += some
    return taken


# Amounts


def amount(value: Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def shared_out(total: Decimal, weights: list[Decimal], places: int) -> list[Decimal]:
    """Share an amount out: each share is what belongs up to and with it, rounded, less what was before."""
    own = -int(total.normalize().as_tuple().exponent) if total else 0
    unit = Decimal(1).scaleb(-max(places, own))
    whole = sum(weights)
    if not whole:
        return [total, *[Decimal(0)] * (len(weights) - 1)]
    found, before, running = [], Decimal(0), Decimal(0)
    for weight in weights:
        running += weight
        until = (total * running / whole).quantize(unit, ROUND_HALF_EVEN)
        found.append(until - before)
        before = until
    return found


def money(value: Decimal, currency: str) -> Json:
    plain = value.normalize()
    digits = max(PLACES[currency], -int(plain.as_tuple().exponent), 0)
    return {"number": format(plain, f".{digits}f"), "currency": currency}


def line_total(net: Decimal, tax: Decimal, less: Decimal, currency: str) -> Json:
    found = {"total_net": money(net, currency), "total_gross": money(net + tax, currency)}
    if tax:
        found["total_tax"] = money(tax, currency)
    if less:
        found["discount_net"] = money(less, currency)
    return found


def _priced(whole: Whole, boxes: list[Box], currency: str, options: Options, wanted: Purchases) -> list[Json]:
    order, lines, places = whole.order, whole.lines, PLACES[currency]
    nets = [
        amount(line["LineTotal"])
        if line.get("LineTotal") is not None
        else amount(line["UnitPrice"]) * line["Quantity"] - amount(line.get("PromotionDiscount"))
        for line in lines
    ]
    less = [amount(line.get("PromotionDiscount")) for line in lines]
    shipping, taxes = amount(order.get("ShippingCost")), amount(order.get("TaxCost"))
    extras = {name: amount(order.get(name)) for name in ("Gratuity", "Fees")}
    total = sum(nets) + shipping + taxes + sum(extras.values())
    difference = total - amount(order["Total"]) if order.get("Total") is not None else Decimal(0)
    if abs(difference) < Decimal(1).scaleb(-places) / 2:
        difference = Decimal(0)
    if difference < 0 or difference > sum(nets):
        wanted.problem(order["ID"], "total-differs")
    elif difference:
        for place, share in enumerate(shared_out(difference, nets, places)):
            nets[place] -= share
            less[place] += share
    tax = shared_out(taxes, [*nets, shipping], places)
    bodies = [_package(box, order, wanted) for box in boxes]
    for place, line in enumerate(lines):
        if line.get("Product") is None:
            wanted.problem(f"{order['ID']}/{line['ID']}", "product-gone")
        inside = [box for box in boxes if box.pieces.get(place)]
        weights = [Decimal(box.pieces[place]) for box in inside]
        if not weights:
            continue
        parts = zip(*(shared_out(each[place], weights, places) for each in (nets, tax, less)), strict=True)
        for box, (net, taxed, lessened) in zip(inside, parts, strict=True):
            item = _line(line, box.pieces[place], options)
            item["line_total"] = line_total(net, taxed, lessened, currency)
            bodies[next(at for at, each in enumerate(boxes) if each is box)]["line_items"].append(item)
    if bodies and (shipping or tax[-1]):
        first = bodies[0].setdefault("shipping_method", {"name": "Shipping"})
        first["line_total"] = line_total(shipping, tax[-1], Decimal(0), currency)
    for name, value in extras.items():
        if value and bodies:
            item = {
                "name_parent": name,
                "quantity": 1,
                "line_total": line_total(value, Decimal(0), Decimal(0), currency),
            }
            bodies[0]["line_items"].append(item)
    return bodies


def _package(box: Box, order: Json, wanted: Purchases) -> Json:
    body = box.body()
    address = _address(box.address, order["ID"], wanted)
    return body if address is None else {**body, "shipping_address": address}


def _line(line: Json, pieces: int, options: Options) -> Json:
    product, variant = line.get("Product"), line.get("Variant")
    external_id = f"{line['ProductID']}/{variant['ID']}" if variant else line["ProductID"]
    identifiers = {"external_id": external_id}
    own = variant or product
    sku = None if own is None else sku_of(own, options)
    if sku:
        identifiers["sku"] = sku
    found: Json = {
        "identifiers": identifiers,
        "name_parent": text((product or {}).get("Name")) or line["ProductID"],
        "quantity": pieces,
    }
    attributes = [
        {"key": text(spec.get("Name")) or spec["SpecID"], "value": value}
        for spec in line.get("Specs") or []
        if (value := text(spec.get("Value")) or text(spec.get("OptionID")))
    ]
    if attributes:
        found["custom_attributes"] = attributes
    return found


# What the site holds


def found_purchases(site: Json, problems: list[Json]) -> Purchases:
    """Return what a site holds of orders, without what it works out itself, and what `sync errors` tells."""
    found = Purchases()
    for purchase in site["purchases"].values():
        order_id = purchase["purchase_identifiers"].get("platform")
        if order_id is None:
            continue
        kept = ("type", "purchase_identifiers", "payment_method", "customer_reference", "currency_code")
        body = {name: purchase[name] for name in (*kept, "billing_address") if purchase.get(name) is not None}
        body["placed"] = purchase["dates"].get("placed")
        body["packages"] = [_without_empty(package) for package in purchase["packages"]]
        found.by_order[order_id] = body
    for problem in problems:
        found.problem(problem["external_id"], problem["code"])
    return found


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(each) for name, each in value.items() if each not in (None, [], {})}
    if isinstance(value, list):
        return [_without_empty(each) for each in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


def purchase_differences(wanted: Purchases, found: Purchases) -> list[str]:
    """Return where they differ, one line each."""
    lines = []
    for order_id in sorted({*wanted.by_order, *found.by_order}):
        want, have = wanted.by_order.get(order_id), found.by_order.get(order_id)
        if want is None or have is None:
            lines.append(f"{order_id}: {'not wanted' if want is None else 'missing'}")
        else:
            lines += _different(order_id, want, have)
    for external_id in sorted({*wanted.problems, *found.problems}):
        told, due = found.problems.get(external_id, set()), wanted.problems.get(external_id, set())
        if told != due:
            lines.append(f"problem of {external_id}: wanted {sorted(due)}, found {sorted(told)}")
    return lines


def _different(path: str, want: Any, have: Any) -> list[str]:
    if isinstance(want, dict) and isinstance(have, dict):
        names = sorted({*want, *have})
        return [line for name in names for line in _different(f"{path} {name}", want.get(name), have.get(name))]
    if isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
        pairs = enumerate(zip(want, have, strict=True))
        return [line for place, (one, other) in pairs for line in _different(f"{path}[{place}]", one, other)]
    return [] if want == have else [f"{path}: wanted {want}, found {have}"]
