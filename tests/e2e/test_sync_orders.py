"""Orders that were placed through SparkLayer go back to it: created, amended, shipped, cancelled, returned, gone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from support.checkout import Checkout
from support.desk import let_orders_flow
from support.syncing import Shop
from support.worked import whoever_works

Json = dict[str, Any]
CUSTOMER = "2f3b6c0e-58c2-4a53-9c3f-1f5f0f5b7a11"


def cart(number: int) -> str:
    return str(UUID(int=number + 1, version=4))


def order(number: int, **members: Any) -> Json:
    return {
        "ID": f"o{number}",
        "FromCompanyID": "acme",
        "Status": "Open",
        "Currency": "GBP",
        "DateCreated": "2026-11-01T10:00:00.000Z",
        "LastUpdated": "2026-11-02T10:00:00.000Z",
        "xp": {"sparkCartId": cart(number)},
        **members,
    }


def market(*orders: Json, lines: int = 2) -> Json:
    products = [{"ID": f"p{line}", "Name": f"Product {line}", "Active": True} for line in range(lines)]
    items = [
        {
            "ID": f"l{line}",
            "OrderID": one["ID"],
            "ProductID": f"p{line}",
            "Quantity": 2,
            "UnitPrice": 5,
            "LineTotal": 10,
        }
        for one in orders
        for line in range(lines)
    ]
    buyers = [{"ID": "acme", "Name": "Acme"}]
    return {"Objects": {"Buyers": buyers, "Products": products, "Orders": list(orders), "LineItems": items}}


class Desk:
    """A shop of which orders alone flow."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.emulator = shop.emulator

    def begin(self, *orders: Json, carts: int | None = None, **section: Any) -> None:
        """Seed the orders, place their carts at SparkLayer, and apply."""
        self.emulator.seed_with(market(*orders))
        ids = [cart(number) for number in range(len(orders) if carts is None else carts)]
        self.emulator.add_carts(ids)
        named = {name: value for name, value in {"since": "2026-10-01", **section}.items() if value is not None}
        let_orders_flow(self.shop, orders=named)

    def synced(self, *words: str) -> Json:
        self.emulator.clear_requests()
        return self.shop.synced(*words)

    def purchase(self, number: int) -> Json:
        found: Json = self.emulator.site()["purchases"][cart(number)]
        return found

    def packages(self, number: int) -> list[tuple[str, list[int]]]:
        return [
            (package["type"], [int(line["quantity"]) for line in package["line_items"]])
            for package in self.purchase(number)["packages"]
        ]

    def writes(self) -> list[str]:
        return [line for line in self.shop.writes() if line.startswith("PUT purchases/")]

    def problems(self) -> Json:
        rows = self.shop.checkout.call("sync", "errors", "shop", "--format", "json").json
        return {row["external_id"]: row["code"] for row in rows["problems"]}

    def put(self, number: int, body: Json) -> None:
        """Write a purchase as SparkLayer itself would."""
        site = self.emulator.site()
        site["purchases"][cart(number)] |= body
        self.emulator.load_site(site)


@pytest.fixture
def desk(checkout: Checkout) -> Desk:
    return Desk(Shop(checkout))


@pytest.mark.usefixtures("on_both")
def test_orders_come_back_and_only_what_changes_is_written(desk: Desk) -> None:
    desk.begin(order(0), order(1), order(2, xp={"other": 1}), order(3, Status="Unsubmitted"), carts=2)
    desk.put(0, {"customer_identifiers": {"sparklayer": CUSTOMER}, "metadata": [{"name": "till", "value": "7"}]})
    report = desk.synced("--full")
    assert report["records"]["written"] == 2
    purchase = desk.purchase(0)
    assert (purchase["type"], purchase["purchase_identifiers"]["platform"]) == ("order", "o0")
    assert purchase["customer_identifiers"] == {"sparklayer": CUSTOMER}
    assert purchase["metadata"] == [{"name": "till", "value": "7"}]
    assert purchase["calculated_total"] == {"number": "20.00", "currency": "GBP"}
    # An order without a cart ID is not read beyond the filter.
    assert not [each for each in desk.emulator.requests() if "/o2" in each["path"]]
    assert desk.problems() == {}
    for words in ((), ("--full",), ("--full", "--verify")):
        desk.synced(*words)
        assert desk.writes() == []
    desk.shop.portal("PATCH", "orders/Incoming/o1/lineitems/l0", {"Quantity": 3})
    desk.synced()
    assert desk.writes() == [f"PUT purchases/sparklayer/{cart(1)}"]
    assert desk.packages(1) == [("incoming", [3, 2])]


def ship(desk: Desk, number: int, name: str, shipper: str, pieces: dict[str, int]) -> None:
    portal = desk.shop.portal
    portal("POST", "shipments", {"ID": name, "BuyerID": "acme", "Shipper": shipper, "TrackingNumber": f"T-{name}"})
    for line, count in pieces.items():
        item = {"OrderID": f"o{number}", "LineItemID": line, "QuantityShipped": count}
        portal("POST", f"shipments/{name}/items", item)


@pytest.mark.parametrize("touches", ["yes", "no"])
def test_an_order_ships_in_parts_with_several_carriers(desk: Desk, touches: str) -> None:
    desk.emulator.switch(shipment_touches_order=touches)
    desk.begin(order(0), order(1))
    desk.synced("--full")
    ship(desk, 0, "s1", "DPD", {"l0": 1})
    ship(desk, 0, "s2", "Evri", {"l0": 1, "l1": 1})
    desk.synced()
    if touches == "no":
        # Nothing shows that it shipped: an open order is looked at again once a day.
        assert desk.writes() == []
        desk.emulator.clock(advance=25 * 3600)
        desk.synced()
    assert desk.writes() == [f"PUT purchases/sparklayer/{cart(0)}"]
    assert desk.packages(0) == [("shipped", [1]), ("shipped", [1, 1]), ("incoming", [1])]
    assert [each["shipments"] for each in desk.purchase(0)["packages"][:2]] == [
        [{"carrier": "DPD", "carrier_id": "T-s1"}],
        [{"carrier": "Evri", "carrier_id": "T-s2"}],
    ]
    ship(desk, 0, "s3", "DPD", {"l1": 1})
    desk.synced()
    assert [name for name, _ in desk.packages(0)] == ["shipped"] * 3
    desk.emulator.clock(advance=25 * 3600)
    desk.synced()
    assert desk.writes() == []


def test_what_becomes_of_orders_is_shown(desk: Desk) -> None:
    waiting = order(1, Status="AwaitingApproval")
    desk.begin(order(0), waiting, order(2, Status="Completed"), order(3, Status="Declined"))
    desk.synced("--full")
    assert [desk.purchase(number)["type"] for number in range(4)] == ["order", "awaiting_approval", "order", "order"]
    assert [desk.packages(number)[0][0] for number in range(4)] == ["incoming", "incoming", "complete", "cancelled"]
    portal = desk.shop.portal
    portal("POST", "orders/Incoming/o0/cancel")
    portal("POST", "orders/Incoming/o1/approve")
    back = {"ID": "r1", "OrderID": "o2", "ItemsToReturn": [{"LineItemID": "l1", "Quantity": 1}]}
    portal("POST", "orderreturns", back)
    portal("POST", "orderreturns/r1/submit")
    portal("POST", "orderreturns/r1/complete")
    desk.synced()
    assert len(desk.writes()) == 3
    assert desk.packages(0) == [("cancelled", [2, 2])]
    assert desk.purchase(1)["type"] == "order"
    assert desk.packages(2) == [("complete", [2, 1]), ("returned", [1])]
    # Where returns are not shown any more, nobody may take them for none.
    desk.emulator.switch(order_returns="absent")
    report = desk.synced("--full")
    assert any("orderreturns cannot be read" in remark for remark in report["remarks"])
    assert desk.writes() == []
    assert desk.problems() == {"o2": "returns-unreadable"}


def test_an_order_that_is_gone_is_told_and_never_cancelled(desk: Desk) -> None:
    desk.begin(order(0), order(1), order(2))
    desk.synced("--full")
    before = [desk.purchase(number) for number in range(3)]
    for number in range(2):
        desk.shop.portal("DELETE", f"orders/Incoming/o{number}")
    desk.emulator.clock(advance=25 * 3600)
    report = desk.synced()
    assert report["records"]["written"] == report["records"]["discontinued"] == 0
    assert [desk.purchase(number) for number in range(3)] == before
    assert desk.problems() == {"o0": "order-gone", "o1": "order-gone"}
    assert desk.writes() == []


def test_carts_that_cannot_be_used_are_told(desk: Desk) -> None:
    twice = order(1, xp={"sparkCartId": cart(0)}, LastUpdated="2026-11-03T10:00:00.000Z")
    desk.begin(order(0), twice, order(2, xp={"sparkCartId": "cart-1"}), order(3), order(4, Currency="EUR"), carts=5)
    site = desk.emulator.site()
    del site["purchases"][cart(3)]
    desk.emulator.load_site(site)
    foreseen = desk.shop.run("--full", "--dry-run", "--format", "json").json
    report = desk.synced("--full")
    assert foreseen["records"]["written"] == report["records"]["written"] == 2
    assert {each["code"]: each["external_ids"] for each in foreseen["codes"]}["unknown-cart"] == 1
    assert desk.problems() == {"o1": "duplicate-cart", "o2": "bad-cart", "o3": "unknown-cart", "o4": "no-list"}
    explained = desk.shop.checkout.call("sync", "run", "shop", "--explain", "o3").stdout
    assert "knows no cart" in explained
    # Once the cart is there, the order goes through by itself.
    desk.emulator.add_carts([cart(3)])
    desk.emulator.clock(advance=25 * 3600)
    desk.synced()
    assert desk.purchase(3)["type"] == "order"


@pytest.mark.usefixtures("on_both")
def test_the_cart_of_a_gone_order_stays_its_own_until_somebody_gives_the_order_up(desk: Desk) -> None:
    # The one that was placed first counts, though the other one changed first.
    first = order(1, LastUpdated="2026-11-03T10:00:00.000Z", DateCreated="2026-10-31T10:00:00.000Z")
    desk.begin(order(0, xp={"sparkCartId": cart(1)}), first, carts=2)
    desk.synced("--full")
    before = desk.purchase(1)
    assert before["purchase_identifiers"]["platform"] == "o1"
    desk.shop.portal("DELETE", "orders/Incoming/o1")
    for words in (("--full",), (), ("--full", "--verify")):
        desk.synced(*words)
        assert (desk.purchase(1), desk.writes()) == (before, [])
        assert desk.problems() == {"o0": "duplicate-cart", "o1": "order-gone"}
    desk.shop.checkout.call("sync", "drop", "shop", "o1")
    desk.synced()
    for words in ((), ("--full", "--verify")):
        desk.synced(*words)
        assert desk.purchase(1)["purchase_identifiers"]["platform"] == "o0"
        assert desk.problems() == {}


def test_an_index_that_lags_loses_no_change(desk: Desk) -> None:
    desk.begin(order(0), order(1))
    desk.synced("--full")
    desk.emulator.search_lag(120)
    ship(desk, 0, "s1", "DPD", {"l0": 1})
    desk.shop.portal("PATCH", "orders/Incoming/o1/lineitems/l0", {"Quantity": 4})
    desk.synced()
    desk.emulator.clock(advance=180)
    desk.synced()
    assert desk.packages(0) == [("shipped", [1]), ("incoming", [1, 2])]
    assert desk.packages(1) == [("incoming", [4, 2])]


def test_what_changed_before_the_first_apply_does_not_flow_until_it_changes(desk: Desk) -> None:
    new = order(1, LastUpdated=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z")
    desk.begin(order(0), new, since=None)
    desk.synced("--full")
    assert [desk.purchase(number)["type"] for number in range(2)] == ["order_unconfirmed", "order"]
    ended = desk.shop.run("--explain", "o0")
    assert ended.status != 0
    assert "not in the scope" in str(ended)
    desk.shop.portal("PATCH", "orders/Incoming/o0", {"Comments": "PO 7"})
    desk.synced()
    assert desk.purchase(0)["customer_reference"] == "PO 7"


@whoever_works()
def test_an_order_without_a_usable_id_is_one_problem_and_the_rest_goes_through(desk: Desk) -> None:
    desk.begin(order(0), order(1))
    replace = [{"find": '"ID":"o1"', "put": '"ID":"a//b"'}]
    desk.emulator.fault("rewrite", path="*/orders/*", count=None, replace=replace)
    report = desk.synced("--full")
    assert (report["records"]["written"], report["records"]["held_back"]) == (1, 1)
    assert list(desk.problems().values()) == ["no-id"]
