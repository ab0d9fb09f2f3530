from __future__ import annotations

from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from support.shop import Shop


@pytest.fixture
def draft(stocked: Shop) -> Shop:
    stocked.post("/orders/Incoming", ID="d", FromCompanyID="acme", FromUserID="u", ShippingCost=2.5)
    return stocked


PATH = "/orders/incoming/d"


def test_totals_follow_the_lines(draft: Shop) -> None:
    line = draft.post(f"{PATH}/lineitems", ID="l", ProductID="mug", Quantity=3)
    assert (line["UnitPrice"], line["LineSubtotal"], line["PriceScheduleID"]) == (10, 30, "ps")
    assert line["Product"]["Name"] == "Mug"
    order = draft.get(PATH)
    assert (order["LineItemCount"], order["Subtotal"], order["Total"]) == (1, 30, 32.5)
    draft.patch(f"{PATH}/lineitems/l", UnitPrice=1.1)
    assert draft.get(f"{PATH}/lineitems/l")["PriceOverridden"] is True
    assert draft.patch(PATH, ShippingCost=0)["Total"] == 3.3
    draft.patch(f"{PATH}/lineitems/l", Quantity=2)
    assert draft.get(PATH)["Total"] == 2.2
    draft.delete(f"{PATH}/lineitems/l")
    assert draft.get(PATH)["Total"] == 0
    assert draft.refused("POST", f"{PATH}/lineitems", {"ProductID": "x"}, status=404) == "NotFound"
    assert draft.refused("POST", f"{PATH}/lineitems", {"ProductID": "mug", "Quantity": 0}) == "ValidationFailure"


def test_prices_by_quantity_sale_buyer_and_option(emulator: RunningEmulator, draft: Shop) -> None:
    breaks = [{"Quantity": 1, "Price": 10, "SalePrice": 7}, {"Quantity": 5, "Price": 8}]
    draft.patch("/priceschedules/ps", PriceBreaks=breaks)

    def price(**line: Any) -> Any:
        return draft.put(f"{PATH}/lineitems/l", **{"ProductID": "mug", **line})["UnitPrice"]

    assert price(Quantity=4) == 10
    assert price(Quantity=5) == 8
    draft.patch("/priceschedules/ps", SaleStart="2001-01-01")
    assert price(Quantity=1) == 7
    draft.post("/priceschedules", ID="special", Name="S", PriceBreaks=[{"Quantity": 1, "Price": 5}])
    draft.post("/products/assignments", ProductID="mug", BuyerID="acme", PriceScheduleID="special")
    assert price(Quantity=1) == 5
    draft.patch("/specs/size/options/m", PriceMarkupType="AmountPerQuantity", PriceMarkup=1.5)
    draft.patch("/specs/size/options/s", PriceMarkupType="Percentage", PriceMarkup=10)
    draft.patch("/priceschedules/ps", SaleStart=None)
    assert price(ProductID="shirt", Specs=[{"SpecID": "size", "OptionID": "m"}]) == 11.5
    assert price(ProductID="shirt", Specs=[{"SpecID": "size", "OptionID": "s"}]) == 11
    line = draft.get(f"{PATH}/lineitems/l")
    assert (line["Variant"]["ID"], line["Specs"][0]["Value"]) == ("shirt-s", "S")


def test_the_price_of_a_group_that_the_user_is_in_comes_before_that_of_the_buyer(draft: Shop) -> None:
    draft.post("/buyers/acme/usergroups", ID="another", Name="Another")
    for party, price in ((None, 2.5), ("g", 2.0), ("another", 1.0)):
        key = f"of-{party}"
        draft.post("/priceschedules", ID=key, Name=key, PriceBreaks=[{"Quantity": 1, "Price": price}])
        named = {"ProductID": "mug", "BuyerID": "acme", "UserGroupID": party}
        draft.post("/products/assignments", **named, PriceScheduleID=key)

    def schedule() -> str:
        return str(draft.put(f"{PATH}/lineitems/l", ProductID="mug", Quantity=1)["PriceScheduleID"])

    assert schedule() == "of-g"
    draft.delete("/buyers/acme/usergroups/g/assignments/u")
    draft.delete(f"{PATH}/lineitems/l")
    assert schedule() == "of-None"


def test_the_way_of_an_order(emulator: RunningEmulator, draft: Shop) -> None:
    assert draft.refused("POST", f"{PATH}/submit") == "Order.CannotSubmitWithoutLineItems"
    assert draft.refused("POST", f"{PATH}/complete") == "Order.InvalidStatus"
    draft.post(f"{PATH}/lineitems", ID="l", ProductID="mug", Quantity=1)
    submitted = draft.post(f"{PATH}/submit")
    assert (submitted["Status"], submitted["IsSubmitted"]) == ("Open", True)
    assert submitted["DateSubmitted"]
    assert draft.refused("POST", f"{PATH}/submit") == "Order.InvalidStatus"
    assert draft.refused("POST", f"{PATH}/approve", {"Comments": "x"}) == "Order.InvalidStatus"
    assert draft.post(f"{PATH}/complete")["DateCompleted"]
    assert draft.refused("POST", f"{PATH}/cancel") == "Order.InvalidStatus"
    sheet = draft.get(f"{PATH}/worksheet")
    assert (sheet["Order"]["Status"], sheet["LineItems"][0]["ID"]) == ("Completed", "l")


@pytest.mark.parametrize(
    ("step", "status", "date"), [("approve", "Open", "DateApproved"), ("decline", "Declined", "DateDeclined")]
)
def test_approval(emulator: RunningEmulator, draft: Shop, step: str, status: str, date: str) -> None:
    draft.post(f"{PATH}/lineitems", ID="l", ProductID="mug", Quantity=1)
    state = emulator.state(secrets=True)
    orders = state["ordercloud"]["commerce"]["objects"]["Order"][""]
    next(order for order in orders if order["ID"] == "d")["Status"] = "AwaitingApproval"
    emulator.load(state)
    done = draft.post(f"{PATH}/{step}")
    assert (done["Status"], bool(done[date])) == (status, True)


def test_submitting_takes_from_stock(draft: Shop) -> None:
    def quantity(path: str) -> Any:
        return draft.get(path)["Inventory"]["QuantityAvailable"]

    assert quantity("/products/mug") == 5  # Two went with the order that is there.
    draft.post(f"{PATH}/lineitems", ProductID="mug", Quantity=4)
    draft.post(f"{PATH}/lineitems", ID="s", ProductID="shirt", Specs=[{"SpecID": "size", "OptionID": "s"}])
    draft.patch(f"{PATH}/lineitems/s", Quantity=4)
    assert draft.refused("POST", f"{PATH}/submit") == "Inventory.Insufficient"
    assert quantity("/products/mug") == 5
    draft.patch(f"{PATH}/lineitems/s", Quantity=3)
    draft.post(f"{PATH}/submit")
    assert (quantity("/products/mug"), quantity("/products/shirt/variants/shirt-s"), quantity("/products/shirt")) == (
        1,
        0,
        0,
    )
    assert draft.get("/products/mug/inventoryrecords/r")["QuantityAvailable"] == 1


def test_stock_without_records_and_orders_beyond_it(draft: Shop) -> None:
    draft.post("/products", ID="pen", Name="Pen", Inventory={"Enabled": True, "QuantityAvailable": 1})
    draft.post(f"{PATH}/lineitems", ProductID="pen", Quantity=2, UnitPrice=1)
    assert draft.refused("POST", f"{PATH}/submit") == "Inventory.Insufficient"
    draft.patch("/products/pen", Inventory={"OrderCanExceed": True})
    draft.post(f"{PATH}/submit")
    assert draft.get("/products/pen")["Inventory"]["QuantityAvailable"] == -1


def test_an_order_is_complete_once_all_is_shipped(stocked: Shop) -> None:
    too_many = {"OrderID": "o", "LineItemID": "l", "QuantityShipped": 3}
    assert stocked.refused("POST", "/shipments/sh/items", too_many) == "ValidationFailure"
    assert stocked.get("/orders/incoming/o/lineitems/l")["QuantityShipped"] == 1
    assert stocked.get("/orders/incoming/o")["Status"] == "Open"
    stocked.delete("/shipments/sh/items/o/l")
    assert stocked.get("/orders/incoming/o/lineitems/l")["QuantityShipped"] == 0
    stocked.post("/shipments/sh/items", OrderID="o", LineItemID="l", QuantityShipped=1)
    assert stocked.post("/orders/incoming/o/ship", Shipper="By bike")["Status"] == "Completed"
    assert len(stocked.ids("/orders/incoming/o/shipments")) == 2
    assert stocked.ids("/shipments", orderID="o", Shipper="By*") == ["o-0002"]
    assert stocked.ids("/shipments", orderID="nothing") == []
    item = stocked.get("/shipments/sh/items")["Items"][0]
    assert (item["Product"]["Name"], item["UnitPrice"]) == ("Mug", 10)


def test_who_orders_is_settled_on_creation(draft: Shop) -> None:
    assert draft.refused("POST", "/orders/incoming", {"ID": "x"}) == "ValidationFailure"
    assert draft.refused("POST", "/orders/outgoing", {"FromCompanyID": "acme"}) == "ValidationFailure"
    body = {"FromCompanyID": "acme", "FromUserID": "nobody"}
    assert draft.refused("POST", "/orders/incoming", body, status=404) == "NotFound"
    assert draft.patch(PATH, FromCompanyID="other", FromUserID="other")["FromUserID"] == "u"
    assert draft.get(PATH)["FromUser"]["Username"] == "u"
    assert draft.patch(PATH, BillingAddressID="a")["BillingAddress"]["City"] == "Hamburg"
    assert draft.refused("PATCH", PATH, {"BillingAddressID": "x"}, status=404) == "NotFound"


def test_last_updated_tells_of_changes(emulator: RunningEmulator, draft: Shop) -> None:
    emulator.clock(frozen=True)
    draft.post(f"{PATH}/lineitems", ID="l", ProductID="mug")
    first = draft.get(PATH)["LastUpdated"]
    emulator.clock(advance=60)
    draft.patch("/orders/incoming/o", Comments="another")
    assert draft.get(PATH)["LastUpdated"] == first
    draft.patch(f"{PATH}/lineitems/l", Quantity=2)
    assert draft.get(PATH)["LastUpdated"] > first
