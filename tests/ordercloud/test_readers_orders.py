from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import ServerFault
from reconciler.kind.connection import Wire
from reconciler.ordercloud.readers.orders import OrderReader
from reconciler.ordercloud.readers.records import Freshness, Order, Reading
from reconciler.ordercloud.readers.returns import ReturnReader
from support.readers_helpers import Dump, by_id, check_same, connected, plain
from support.syncing import Portal


def changed(market: RunningEmulator, since: datetime | None = None) -> list[Order]:
    async def read() -> list[Order]:
        async with connected(market) as reader, aclosing(OrderReader(reader).changed(since)) as orders:
            return [order async for order in orders]

    return asyncio.run(read())


def one(market: RunningEmulator, order_id: str) -> Reading[Order]:
    async def read() -> Reading[Order]:
        async with connected(market) as reader:
            return await OrderReader(reader).one(order_id)

    return asyncio.run(read())


def expected(market: RunningEmulator) -> dict[str, Any]:
    """Submitted orders of buyers with lines and shipments, as the emulator itself knows them."""
    dump = Dump(market)
    items: dict[str, dict[str, list[Wire]]] = {}
    for shipment in dump.scopes("ShipmentItem"):
        for item in dump.rows("ShipmentItem", shipment):
            items.setdefault(item["OrderID"], {}).setdefault(shipment, []).append(item)
    shipments = {row["ID"]: row for row in dump.rows("Shipment")}
    found = {}
    for order in dump.rows("Order"):
        if order["IsSubmitted"] and order["FromCompanyID"] != "emulator-marketplace":
            name = order["ID"]
            held = items.get(name, {})
            found[name] = {
                **order,
                "LineItems": [line["ID"] for line in dump.rows("LineItem", name)],
                "Shipments": [[shipments[ship]["ID"], len(rows)] for ship, rows in held.items()],
            }
    return {name: plain(order) for name, order in found.items()}


def summed_up(orders: list[Order]) -> dict[str, Any]:
    return by_id(
        {
            **order,
            "LineItems": [line["ID"] for line in order["LineItems"]],
            "Shipments": [[ship["ID"], len(ship["Items"])] for ship in order["Shipments"]],
        }
        for order in orders
    )


def marketplace(orders: int, lines: int, **members: Any) -> Wire:
    rows = [
        {"ID": f"{number}", "FromCompanyID": "acme", "Status": "Open", "DateCreated": "2026-01-01T00:00:00Z"}
        | {"LastUpdated": f"2026-01-01T{number // 3_600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z", **members}
        for number in range(orders)
    ]
    items = [
        {"ID": f"l{line}", "OrderID": row["ID"], "ProductID": "shirt", "Quantity": 1, "UnitPrice": 2}
        for row in rows
        for line in range(lines)
    ]
    return {
        "Objects": {
            "Buyers": [{"ID": "acme", "Name": "Acme"}],
            "Products": [{"ID": "shirt", "Name": "Shirt"}],
            "Orders": rows,
            "LineItems": items,
        }
    }


def test_all_orders_come_with_lines_and_shipments(market: RunningEmulator) -> None:
    market.seed(1_500)
    wanted = expected(market)
    assert any(order.get("Shipments") for order in wanted.values())
    check_same(summed_up(changed(market)), wanted)


def test_orders_come_in_order_of_their_last_change(market: RunningEmulator) -> None:
    market.seed(600)
    stamps = [order["LastUpdated"] for order in changed(market)]
    assert stamps == sorted(stamps)
    middle = datetime.fromisoformat(stamps[len(stamps) // 2])
    assert len(changed(market, middle)) == sum(datetime.fromisoformat(stamp) >= middle for stamp in stamps)
    assert changed(market, datetime(2100, 1, 1, tzinfo=UTC)) == []


def test_lines_are_asked_for_a_page_of_them_at_a_time(market: RunningEmulator) -> None:
    market.seed_with(marketplace(150, 5))
    market.clear_requests()
    found = changed(market)
    assert all(len(order["LineItems"]) == 5 for order in found)
    paths = [entry["path"] for entry in market.requests() if entry["method"] == "GET"]
    assert paths.count("/ordercloud/v1/orders/Incoming") == 2
    assert paths.count("/ordercloud/v1/lineitems/Incoming") == 8
    assert len(paths) == 10


@pytest.mark.parametrize("count", [99, 100, 101, 340])
def test_orders_that_changed_at_one_moment_all_come(market: RunningEmulator, count: int) -> None:
    market.seed_with(marketplace(count, 1, LastUpdated="2026-02-02T02:02:02.000Z"))
    assert len(by_id(changed(market))) == count


def test_an_order_of_many_lines_has_them_all(market: RunningEmulator) -> None:
    market.seed_with(marketplace(2, 230))
    assert [len(order["LineItems"]) for order in changed(market)] == [230, 230]


def test_a_page_of_orders_or_lines_that_fails_fails_the_stream(market: RunningEmulator) -> None:
    market.seed_with(marketplace(150, 2))
    for path in ("*/orders/*", "*/lineitems/*"):
        market.fault("status", path=path, nth=2, status=503, count=None)
        with pytest.raises(ServerFault):
            changed(market)
        market.clear_faults()


def test_one_order_by_id(market: RunningEmulator) -> None:
    market.seed(200)
    wanted = expected(market)
    for name in list(wanted)[:5]:
        reading = one(market, name)
        assert reading.freshness is Freshness.CURRENT
        assert reading.record is not None
        check_same(summed_up([reading.record]), {name: wanted[name]})
    assert one(market, "none") == Reading(None, Freshness.CURRENT)


def test_one_order_costs_one_request_until_something_ships(market: RunningEmulator) -> None:
    market.seed_with(marketplace(2, 3))
    market.clear_requests()
    found = one(market, "1")
    assert found.record is not None
    assert len(found.record["LineItems"]) == 3
    paths = [entry["path"] for entry in market.requests() if entry["method"] == "GET"]
    assert paths == ["/ordercloud/v1/orders/Incoming/1/worksheet"]


def test_some_orders_come_by_id_as_far_as_lists_know_them(market: RunningEmulator) -> None:
    market.seed_with(marketplace(120, 1))

    async def read() -> list[Order]:
        names = [f"{number}" for number in range(110)] + ["none"]
        async with connected(market) as reader, aclosing(OrderReader(reader).some(names)) as orders:
            return [order async for order in orders]

    assert sorted(int(order["ID"]) for order in asyncio.run(read())) == list(range(110))


def test_lists_alone_have_every_order_without_lines(market: RunningEmulator) -> None:
    market.seed_with(marketplace(230, 1))

    async def read() -> tuple[list[Wire], int]:
        async with connected(market) as reader:
            orders = OrderReader(reader)
            async with aclosing(orders.plain(filters={"FromCompanyID": "acme"})) as pages:
                found = [order async for page in pages for order in page]
            return found, await orders.total(datetime(2026, 1, 1, 0, 1, tzinfo=UTC))

    market.clear_requests()
    found, late = asyncio.run(read())
    assert len({order["ID"] for order in found}) == 230
    assert not any("LineItems" in order for order in found)
    assert late == 170
    assert not [entry for entry in market.requests() if "lineitems" in entry["path"]]


BACK = {"ID": "r1", "OrderID": "1", "ItemsToReturn": [{"LineItemID": "l0", "Quantity": 1}]}


def test_returns_come_by_order_and_by_their_last_change(market: RunningEmulator) -> None:
    dates = {"Status": "Completed", "LastUpdated": "2026-03-01T00:00:00.000Z"}
    seed = marketplace(3, 1)
    seed["Objects"]["OrderReturns"] = [{**BACK, **dates}, {**BACK, "ID": "r2", "OrderID": "2", **dates}]
    market.seed_with(seed)

    async def read() -> tuple[Any, ...]:
        async with connected(market) as reader:
            returns = ReturnReader(reader)
            moments = (datetime(2026, 2, day, tzinfo=UTC) for day in (1, 2))
            changed = [await returns.changed(moment) for moment in (*moments, datetime(2026, 3, 2, tzinfo=UTC))]
            return await returns.of(["0", "1"]), changed, await returns.are_readable()

    found, changed, readable = asyncio.run(read())
    assert {order: [each["ID"] for each in some] for order, some in found.items()} == {"1": ["r1"]}
    assert [sorted(orders) for orders in changed] == [["1", "2"], ["1", "2"], []]
    assert readable
    market.switch(order_returns="absent")
    found, changed, readable = asyncio.run(read())
    assert (found, changed, readable) == (None, [[], [], []], False)


@pytest.mark.parametrize(
    ("step", "status"), [("submit", "Open"), ("cancel", "Canceled"), ("complete", None), ("approve", None)]
)
def test_a_return_takes_the_steps_that_its_status_allows(
    market: RunningEmulator, step: str, status: str | None
) -> None:
    market.seed_with(marketplace(2, 1))
    portal = Portal(market)
    portal("POST", "orderreturns", BACK)
    if status is None:
        with pytest.raises(HTTPError, match="400"):
            portal("POST", f"orderreturns/r1/{step}")
        return
    assert portal("POST", f"orderreturns/r1/{step}")["Status"] == status
    assert portal("GET", "orderreturns?OrderID=1")["Items"][0]["Status"] == status
