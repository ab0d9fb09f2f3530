"""Purchases as docs/sync.md describes them, from orders with lines, shipments and returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kind.connection import Wire
from reconciler.ordercloud.readers.records import Order
from reconciler.sparklayer.kinds.data_sync.expressions import Expression
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.orders.mapper import draft
from reconciler.sync.orders.model import Draft
from reconciler.sync.orders.settings import OrderSettings

CART = "7b2c4d9e-2f4a-4f0e-9d54-3a2c1b0f9e8d"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOME: Wire = {"ID": "home", "Street1": "Long Row 1", "City": "Leeds", "Zip": "LS1", "Country": "GB", "FirstName": "Ada"}
SETTINGS = OrderSettings()


def line(name: str, quantity: int = 1, total: float = 10.0, **members: Any) -> Wire:
    return {
        "ID": name,
        "ProductID": f"p-{name}",
        "Quantity": quantity,
        "LineTotal": total,
        "Product": {"ID": f"p-{name}", "Name": f"Product {name}", "xp": {"SKU": f"SKU-{name}"}},
        **members,
    }


def order(*lines: Wire, **members: Any) -> Wire:
    return {
        "ID": "o-1",
        "Status": "Open",
        "Currency": "GBP",
        "DateSubmitted": "2026-11-01T10:00:00Z",
        "LastUpdated": "2026-11-02T10:00:00Z",
        "xp": {"sparkCartId": CART},
        "LineItems": list(lines) or [line("a")],
        "Shipments": [],
        "Returns": [],
        **members,
    }


def shipment(name: str, pieces: dict[str, int], **members: Any) -> Wire:
    items = [{"OrderID": "o-1", "LineItemID": key, "QuantityShipped": count} for key, count in pieces.items()]
    return {"ID": name, "Shipper": "DPD", "TrackingNumber": f"T-{name}", "Items": items, **members}


def came_back(name: str, pieces: dict[str, int], status: str = "Completed") -> Wire:
    items = [{"LineItemID": key, "Quantity": count} for key, count in pieces.items()]
    return {"ID": name, "OrderID": "o-1", "Status": status, "ItemsToReturn": items}


def drafted(wire: Wire, settings: OrderSettings = SETTINGS, currencies: frozenset[str] = frozenset({"GBP"})) -> Draft:
    return draft(cast("Order", wire), settings, NOW, currencies)


def body(wire: Wire, **options: Any) -> Wire:
    found = drafted(wire, **options)
    assert found.body is not None, found.problems
    return found.body


def codes(wire: Wire, **options: Any) -> list[tuple[str, str]]:
    return [(problem.external_id, problem.code) for problem in drafted(wire, **options).problems]


def pieces(purchase: Wire) -> list[tuple[str, dict[str, int]]]:
    return [
        (package["type"], {each["identifiers"]["external_id"]: each["quantity"] for each in package["line_items"]})
        for package in purchase["packages"]
    ]


def gross(purchase: Wire) -> Decimal:
    totals = [each["line_total"] for package in purchase["packages"] for each in package["line_items"]]
    totals += [
        each["shipping_method"]["line_total"]
        for each in purchase["packages"]
        if "line_total" in each.get("shipping_method", {})
    ]
    return sum((Decimal(total["total_gross"]["number"]) for total in totals), Decimal(0))


def test_a_new_order_is_one_incoming_package() -> None:
    wire = order(line("a", 2, 15.99, ShippingAddress=HOME), BillingAddress=HOME, Comments=" PO 7 ")
    wire["xp"]["sparkPaymentType"] = "paymentOnAccount"
    address = {
        "first_name": "Ada",
        "address_line1": "Long Row 1",
        "city": "Leeds",
        "postal_code": "LS1",
        "country_code": "GB",
    }
    amount = {"number": "15.99", "currency": "GBP"}
    assert body(wire) == {
        "type": "order",
        "purchase_identifiers": {"sparklayer": CART, "platform": "o-1", "visible": "o-1"},
        "dates": {"placed": "2026-11-01T10:00:00Z", "last_updated": "2026-11-02T10:00:00Z"},
        "payment_method": "on_account",
        "customer_reference": "PO 7",
        "currency_code": "GBP",
        "billing_address": address,
        "packages": [
            {
                "type": "incoming",
                "line_items": [
                    {
                        "identifiers": {"external_id": "p-a", "sku": "SKU-a"},
                        "name_parent": "Product a",
                        "quantity": 2,
                        "line_total": {"total_net": amount, "total_gross": amount},
                    }
                ],
                "shipping_address": address,
            }
        ],
    }
    assert codes(wire) == []


def test_an_order_that_does_not_say_when_it_was_placed_leaves_the_carts_date() -> None:
    assert body(order(DateSubmitted=None))["dates"] == {"last_updated": "2026-11-02T10:00:00Z"}


def test_each_piece_is_in_the_package_of_what_became_of_it() -> None:
    wire = order(line("a", 5), line("b", 2), Status="Open")
    wire["Shipments"] = [
        shipment("s2", {"a": 1, "b": 2}, DateShipped="2026-11-04T00:00:00Z", Shipper="Evri"),
        shipment("s1", {"a": 2}, DateShipped="2026-11-03T00:00:00Z"),
    ]
    wire["Returns"] = [came_back("r1", {"a": 3}), came_back("r2", {"b": 1}, "Open")]
    purchase = body(wire)
    assert pieces(purchase) == [("shipped", {"p-b": 2}), ("incoming", {"p-a": 2}), ("returned", {"p-a": 3})]
    assert purchase["packages"][0]["shipments"] == [{"carrier": "Evri", "carrier_id": "T-s2"}]
    wire["Returns"] = []
    first, second, _ = body(wire)["packages"]
    assert (first["shipments"][0]["carrier"], second["shipments"][0]["carrier"]) == ("DPD", "Evri")
    assert (drafted(wire).version.moved, drafted(wire).returned) == (5, 0)


@pytest.mark.parametrize(
    ("status", "purchase_type", "package"),
    [
        ("AwaitingApproval", "awaiting_approval", "incoming"),
        ("Open", "order", "incoming"),
        ("Completed", "order", "complete"),
        ("Canceled", "order", "cancelled"),
        ("Declined", "order", "cancelled"),
    ],
)
def test_the_status_says_what_became_of_the_rest(status: str, purchase_type: str, package: str) -> None:
    wire = order(line("a", 3), Status=status)
    wire["Shipments"] = [shipment("s1", {"a": 1})]
    purchase = body(wire)
    assert purchase["type"] == purchase_type
    assert pieces(purchase) == [("shipped", {"p-a": 1}), (package, {"p-a": 2})]


def test_lines_for_other_addresses_are_other_packages() -> None:
    away = {**HOME, "ID": "away", "City": "York"}
    wire = order(
        line("a", ShippingAddressID="home", ShippingAddress=HOME),
        line("b", ShippingAddressID="away", ShippingAddress=away),
    )
    assert [each["shipping_address"]["city"] for each in body(wire)["packages"]] == ["York", "Leeds"]
    wire["Shipments"] = [shipment("s1", {"a": 1}, ToAddress=away)]
    assert body(wire)["packages"][0]["shipping_address"]["city"] == "York"


def test_all_that_was_paid_is_on_the_packages() -> None:
    wire = order(line("a", 3, 10.0), line("b", 1, 5.0, PromotionDiscount=1.0))
    wire |= {
        "ShippingCost": 4.95,
        "TaxCost": 3.99,
        "Gratuity": 1.0,
        "Fees": 0.5,
        "PromotionDiscount": 3.0,
        "Total": 23.44,
    }
    wire["Shipments"] = [shipment("s1", {"a": 1}), shipment("s2", {"a": 1})]
    purchase = body(wire)
    assert gross(purchase) == Decimal("23.44")
    first = purchase["packages"][0]
    assert first["shipping_method"]["name"] == "DPD"
    assert first["shipping_method"]["line_total"]["total_net"]["number"] == "4.95"
    assert [each["name_parent"] for each in first["line_items"]] == ["Product a", "Gratuity", "Fees"]
    nets = [Decimal(each["line_items"][0]["line_total"]["total_net"]["number"]) for each in purchase["packages"]]
    assert sum(nets[:2]) + nets[2] == Decimal("8.67")
    assert codes(wire) == []


def test_amounts_have_the_places_of_their_currency_and_never_less_than_their_own() -> None:
    def number(total: float, currency: str) -> str:
        found = body(order(line("a", 1, total), Currency=currency), currencies=frozenset({currency}))
        return str(found["packages"][0]["line_items"][0]["line_total"]["total_net"]["number"])

    assert [number(20.0, "GBP"), number(0.125, "GBP"), number(700.0, "JPY"), number(1.5, "KWD")] == [
        "20.00",
        "0.125",
        "700",
        "1.500",
    ]


def test_a_total_that_its_parts_do_not_make_is_told() -> None:
    assert codes(order(line("a", 1, 10.0), Total=12.0)) == [("o-1", "total-differs")]
    assert codes(order(line("a", 1, 10.0), Total=9.0)) == []


def test_the_currency_is_the_orders_own_else_the_syncs() -> None:
    wire = order(Currency=None)
    assert codes(wire) == [("o-1", "no-currency")]
    assert drafted(wire).body is None
    assert body(wire, settings=OrderSettings(currency="GBP"))["currency_code"] == "GBP"
    assert codes(order(), currencies=frozenset({"USD"})) == [("o-1", "no-list")]
    assert body(order(), currencies=frozenset())["currency_code"] == "GBP"


@pytest.mark.parametrize(
    ("wire", "found"),
    [
        (order(xp={"sparkCartId": "cart-1"}), [("o-1", "bad-cart")]),
        (order(xp={"sparkCartId": 12}), [("o-1", "bad-cart")]),
        (order(LastUpdated="soon"), [("o-1", "bad-record")]),
        (order(Status="Unsubmitted"), [("o-1", "unknown-status")]),
        (order(LineItems=[]), [("o-1", "no-lines")]),
        (order(line("a"), line("a")), [("o-1", "bad-record")]),
        (order(line("a", 0)), [("o-1/a", "bad-quantity")]),
        (order(line("a", LineTotal=None)), [("o-1/a", "price-not-a-number")]),
        ({"ID": None}, [("(no ID)", "no-id")]),
    ],
)
def test_what_cannot_be_shown_is_held_back_with_a_reason(wire: Wire, found: list[tuple[str, str]]) -> None:
    assert (drafted(wire).body, codes(wire)) == (None, found)


@pytest.mark.parametrize(
    ("wire", "found"),
    [
        (order(line("a", Product=None)), [("o-1/a", "product-gone")]),
        (order(BillingAddress={**HOME, "Street1": " "}), [("o-1", "bad-address")]),
        (order(Shipments=[shipment("s", {"a": 3})]), [("o-1/a", "shipped-beyond")]),
        (order(Shipments=[shipment("s", {"a": 1}), shipment("t", {"a": 1})]), [("o-1/a", "shipped-beyond")]),
        (order(Shipments=[shipment("s", {"z": 1})]), [("o-1", "shipped-beyond")]),
    ],
)
def test_what_is_odd_is_told_and_the_order_goes_through(wire: Wire, found: list[tuple[str, str]]) -> None:
    assert (drafted(wire).body is not None, codes(wire)) == (True, found)


def test_a_line_is_identified_as_products_are() -> None:
    variant = {"ID": "v1", "xp": {"sku": "S-1"}}
    specs = [{"SpecID": "size", "Name": "Size", "OptionID": "l", "Value": "L"}, {"SpecID": "x"}]
    found = body(order(line("a", Variant=variant, Specs=specs)))["packages"][0]["line_items"][0]
    assert found["identifiers"] == {"external_id": "p-a/v1", "sku": "S-1"}
    assert found["custom_attributes"] == [{"key": "Size", "value": "L"}]
    mapped = OrderSettings(skus=MappingRules({"variants.sku": Expression("join('-', [Product.ID, ID])")}))
    found = body(order(line("a", Variant=variant)), settings=mapped)["packages"][0]["line_items"][0]
    assert found["identifiers"]["sku"] == "p-a-v1"


def test_an_order_that_is_open_is_looked_at_again() -> None:
    settings = OrderSettings(look_again=timedelta(hours=6))
    assert drafted(order(), settings).due == NOW + timedelta(hours=6)
    assert drafted(order(Status="Completed"), settings).due is None


def test_returns_that_cannot_be_read_are_not_none() -> None:
    assert (drafted(order(Returns=None)).returned, drafted(order()).returned) == (None, 0)


COUNTS = st.integers(1, 7)
CENTS = st.integers(0, 99_999).map(lambda cents: cents / 100)


@given(
    lines=st.lists(st.tuples(COUNTS, CENTS), min_size=1, max_size=4),
    shipped=st.lists(st.tuples(st.integers(0, 3), COUNTS), max_size=5),
    back=st.lists(st.tuples(st.integers(0, 3), COUNTS), max_size=3),
    status=st.sampled_from(["Open", "Completed", "Canceled", "AwaitingApproval"]),
    extras=st.tuples(CENTS, CENTS, CENTS),
    less=st.integers(0, 100),
)
def test_no_piece_and_no_penny_is_lost_or_doubled(
    lines: list[tuple[int, float]],
    shipped: list[tuple[int, int]],
    back: list[tuple[int, int]],
    status: str,
    extras: tuple[float, float, float],
    less: int,
) -> None:
    shipping, tax, fees = extras
    items = [line(str(place), count, total) for place, (count, total) in enumerate(lines)]
    parts = [Decimal(repr(value)) for value in (*(total for _, total in lines), shipping, tax, fees)]
    goods = sum(parts[:-3], Decimal(0))
    paid = sum(parts, Decimal(0)) - (goods * less / 100).quantize(Decimal("0.01"))
    wire = order(*items, Status=status, ShippingCost=shipping, TaxCost=tax, Fees=fees, Total=float(paid))
    wire["Shipments"] = [shipment(f"s{n}", {str(name): count}) for n, (name, count) in enumerate(shipped)]
    wire["Returns"] = [came_back(f"r{n}", {str(name): count}) for n, (name, count) in enumerate(back)]
    purchase = body(wire)
    assert gross(purchase) == paid
    counted: dict[str, int] = {}
    for package in purchase["packages"]:
        for each in package["line_items"]:
            if "identifiers" in each:
                name = each["identifiers"]["external_id"]
                counted[name] = counted.get(name, 0) + each["quantity"]
    assert counted == {f"p-{place}": count for place, (count, _) in enumerate(lines)}
