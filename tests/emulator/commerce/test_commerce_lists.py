from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.app import new_state
from reconciler.emulator.ordercloud.commerce.query import Listed, Selection, page_of
from reconciler.emulator.ordercloud.commerce.table import Table
from reconciler.emulator.ordercloud.lists import Listing, list_answer, read_query
from reconciler.emulator.ordercloud.room import OrderCloud
from reconciler.emulator.switches import Switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.emulator.traffic import TrafficSetting
from reconciler.emulator.wire import Refusal, Request
from support.shop import Shop

LISTING = Listing(("ID", "Name", "Size", "xp"), ("ID", "Name"), ("ID", "Name", "Size"))
# IDs and filters in one case: among IDs that differ by case only, the index has an order, and a scan has none.
IDS = st.text("ab01-_", min_size=1, max_size=4)
VALUES = st.sampled_from(["a", "b*", "!*", "*", ">1", "<a", "!<0", "!>a", "a|b|0", "!a", "a|!b", "", "ab", "x|>a"])


def select(table: Table, query: str) -> dict[str, Any]:
    options, filters = read_query(Request("GET", ["x"], query))
    return page_of(
        Selection(Listed(table, LISTING, table.load), options, filters), options, searched=False, capped=False
    )


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(IDS, st.fixed_dictionaries({"Name": st.sampled_from(["a", "B", "ab"]), "Size": st.integers(0, 3)})),
    st.lists(st.tuples(st.sampled_from(["ID", "id", "Name", "Size", "xp.a"]), VALUES), max_size=3),
    st.sampled_from(["", "ID", "!ID", "Name", "!Size,Name", "Name,!ID"]),
    st.sampled_from(["", "a", "1"]),
    st.integers(1, 3),
)
def test_the_index_answers_as_a_scan_would(
    rows: dict[str, Any], filters: list[tuple[str, str]], sort: str, search: str, page: int
) -> None:
    table = Table()
    for key, row in rows.items():
        table.put(key, httpx.Response(200, json={"ID": key, **row}).content)
    params = [*filters, ("sortBy", sort), ("search", search), ("page", page), ("pageSize", 4)]
    query = str(httpx.QueryParams(params))
    wanted = list_answer([{"ID": key, **row} for key, row in rows.items()], LISTING, Request("GET", ["x"], query))
    answer = httpx.Response(200, content=wanted.body).json()
    assert select(table, query) == answer
    # Kept results answer as fresh ones, and a write makes them fresh again.
    assert select(table, query) == answer
    table.put("a0new", b'{"ID":"a0new","Name":"ab","Size":1}')
    rows = {**rows, "a0new": {"Name": "ab", "Size": 1}}
    for key in list(table)[:1]:
        table.remove(key)
        left = [{"ID": other, **row} for other, row in rows.items() if other != key]
        again = httpx.Response(200, content=list_answer(left, LISTING, Request("GET", ["x"], query)).body).json()
        assert select(table, query) == again


@given(st.text(), st.text())
def test_no_filter_breaks_a_list(name: str, value: str) -> None:
    table = Table()
    table.put("a", b'{"ID":"a","Name":"A"}')
    with contextlib.suppress(Refusal):
        select(table, str(httpx.QueryParams({f"xp.{name}": value, "ID": value, "search": value, "searchType": value})))


def test_ids_that_differ_by_case_only_are_walked_one_by_one() -> None:
    table = Table()
    for key in ("b", "A", "a", "B"):
        table.put(key, httpx.Response(200, json={"ID": key}).content)
    seen: list[str] = []
    while items := select(table, f"sortBy=ID&pageSize=1&ID=%3E{seen[-1] if seen else ''}")["Items"]:
        seen.append(items[0]["ID"])
    assert seen == ["A", "a", "B", "b"]
    assert [item["ID"] for item in select(table, "ID=a")["Items"]] == ["A", "a"]


def ten(shop: Shop) -> None:
    for number in range(10):
        shop.post(
            "/products",
            ID=f"p{number}",
            Name=f"{'Even' if number % 2 == 0 else 'Odd'} thing {number}",
            Description="blue paint" if number < 3 else "red paint, blue lid",
            Active=number != 5,
            ShipWeight=number / 2,
            Inventory={"Enabled": True, "QuantityAvailable": number},
            xp={"Colour": {"Name": "red" if number < 4 else "green"}, "Sizes": ["s", str(number)]},
        )


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"ID": "p1|P3|nothing"}, "13"),
        ({"ID": ">p6"}, "789"),
        ({"ID": ["!<p2", "<p5"]}, "234"),
        ({"Name": "Even*"}, "02468"),
        ({"Name": "*7|*8"}, "78"),
        ({"Active": "false"}, "5"),
        ({"Active": "!true"}, "5"),
        ({"ShipWeight": ">3", "ID": "!p9"}, "78"),
        ({"Inventory.QuantityAvailable": "!<8"}, "89"),
        ({"xp.Colour.Name": "red"}, "0123"),
        ({"xp.Sizes": "4|7"}, "47"),
        ({"xp.Nothing": "!*", "ID": "p1"}, "1"),
        ({"DefaultPriceScheduleID": "*"}, ""),
        ({"sortBy": "!ID", "pageSize": 3}, "987"),
        ({"sortBy": "!ShipWeight", "pageSize": 2}, "98"),
        ({"sortBy": "xp.Colour.Name,!ID", "pageSize": 7}, "9876543"),
        ({"search": "even 3"}, "023468"),
        ({"search": "even 4", "searchType": "AllTermsAnyField"}, "4"),
        ({"search": "odd blue", "searchType": "AllTermsSameField"}, ""),
        ({"search": "odd blue", "searchType": "AllTermsAnyField"}, "13579"),
        ({"search": "blue paint", "searchType": "ExactPhrase"}, "012"),
        ({"search": "red pai", "searchType": "ExactPhrasePrefix"}, "3456789"),
        ({"search": "red pai", "searchType": "ExactPhrase"}, ""),
        ({"search": "green", "searchOn": "xp.Colour.Name"}, "456789"),
    ],
)
def test_products_by_filter_search_and_order(shop: Shop, params: dict[str, Any], expected: str) -> None:
    ten(shop)
    assert shop.ids("/products", **params) == [f"p{digit}" for digit in expected]


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/products", {"pageSize": 101}, "List.InvalidPageSize"),
        ("/products", {"page": 0}, "List.InvalidType"),
        ("/products", {"Colour": "x"}, "List.InvalidProperty"),
        ("/products", {"sortBy": "Colour"}, "List.InvalidSortProperty"),
        ("/products", {"searchOn": "Colour", "search": "x"}, "List.InvalidSearchProperty"),
        ("/products", {"searchType": "Guess"}, "List.InvalidType"),
        ("/buyers", {"sortBy": "Active"}, "List.InvalidSortProperty"),
        ("/buyers", {"searchOn": "DefaultCatalogID", "search": "x"}, "List.InvalidSearchProperty"),
        ("/orders/incoming", {"from": "yesterday"}, "List.InvalidType"),
        ("/products/assignments", {"level": "Everybody"}, "List.InvalidType"),
        ("/products/assignments", {"PriceScheduleID": "x", "Colour": "x"}, "List.InvalidProperty"),
        ("/lineitems/all", {"pageKey": "bm9uZQ=="}, "List.InvalidPageKey"),
        ("/lineitems/all", {"pageKey": "WzEsMV0="}, "List.InvalidPageKey"),
    ],
)
def test_what_lists_refuse(shop: Shop, path: str, params: dict[str, Any], code: str) -> None:
    assert shop.refused("GET", path, **params) == code


def test_categories_list_down_to_a_depth(shop: Shop) -> None:
    shop.post("/catalogs", ID="c", Name="C", Active=True)
    for category, parent in (("a", None), ("b", "a"), ("c", "b"), ("z", None)):
        shop.post("/catalogs/c/categories", ID=category, Name=category, ParentID=parent, Active=True)
    path = "/catalogs/c/categories"
    assert shop.ids(path) == ["a", "z"]
    assert shop.ids(path, depth=2) == ["a", "b", "z"]
    assert shop.ids(path, depth="all", ParentID="*") == ["b", "c"]
    assert shop.refused("GET", path, depth="deep") == "List.InvalidType"
    assert [item["ChildCount"] for item in shop.get(path, depth="all")["Items"]] == [1, 1, 0, 0]
    shop.patch(f"{path}/b", ParentID=None)
    assert shop.ids(path) == ["a", "b", "z"]
    assert shop.refused("PATCH", f"{path}/b", {"ParentID": "c"}) == "ValidationFailure"


def test_products_of_catalogs_categories_and_suppliers(stocked: Shop) -> None:
    assert stocked.ids("/products") == ["mug", "shirt"]
    assert stocked.ids("/products", catalogID="cat") == ["shirt"]
    assert stocked.ids("/products", catalogID="acme") == []
    assert stocked.ids("/products", categoryID="below", catalogID="cat") == ["shirt"]
    assert stocked.ids("/products", categoryID="below") == ["shirt"]
    assert stocked.ids("/products", categoryID="top") == []
    assert stocked.ids("/products", supplierID="sup") == []
    stocked.put("/products/mug/suppliers/sup")
    assert stocked.ids("/products", supplierID="sup") == ["mug"]
    stocked.patch("/products/shirt", DefaultSupplierID="sup")
    assert stocked.ids("/products", supplierID="sup") == ["mug", "shirt"]
    assert stocked.ids("/products", **{"InventoryRecords.AddressID": "wh"}) == ["mug", "shirt"]
    stocked.delete("/catalogs/cat/productassignments/shirt")
    assert stocked.ids("/products", catalogID="cat") == []


def test_facets(shop: Shop) -> None:
    ten(shop)
    assert shop.get("/products")["Meta"]["Facets"] == []
    shop.post("/productfacets", ID="colour", Name="Colour", XpPath="Colour.Name")
    shop.post("/productfacets", ID="Sizes", Name="Size", MinCount=2, ListOrder=1)
    facets = shop.get("/products", ID=">p1", pageSize=1)["Meta"]["Facets"]
    assert [(facet["Name"], [(value["Value"], value["Count"]) for value in facet["Values"]]) for facet in facets] == [
        ("Colour", [("green", 6), ("red", 2)]),
        ("Size", [("s", 8)]),
    ]


def market(products: int) -> OrderCloud:
    room = new_state(Switches(), TrafficSetting()).rooms["ordercloud"]
    assert isinstance(room, OrderCloud)
    room.commerce.market.load(("Product", (), {"ID": f"p{number:07}", "Name": "P"}) for number in range(products))
    return room


def test_a_walk_reads_only_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    room = market(2_500)
    reads = 0
    load = Table.load

    def counted(table: Table, key: str) -> Any:
        nonlocal reads
        reads += 1
        return load(table, key)

    monkeypatch.setattr(Table, "load", counted)
    endpoints = room.commerce._endpoints
    products = room.commerce.market.resources["Product"]
    last = ""
    seen = 0
    while True:
        request = Request("GET", ["ordercloud"], f"sortBy=ID&pageSize=100&page=1&ID=%3E{last}")
        items = httpx.Response(200, content=endpoints.list_all(products, request).body).json()["Items"]
        if not items:
            break
        seen += len(items)
        last = items[-1]["ID"]
    assert (seen, reads) == (2_500, 2_500)


def test_pages_end_at_the_cap_and_the_walk_does_not(
    monkeypatch: pytest.MonkeyPatch, emulator: RunningEmulator, shop: Shop
) -> None:
    monkeypatch.setattr("reconciler.emulator.ordercloud.commerce.query.RESULT_CAP", 6)
    ten(shop)
    assert shop.get("/products", page=3, pageSize=2)["Meta"]["TotalCount"] == 10
    assert shop.refused("GET", "/products", page=4, pageSize=2) == "Search.ResultSetTooLarge"
    assert shop.ids("/products", ID=">p5", page=2, pageSize=2) == ["p8", "p9"]
    emulator.switch(large_lists="counted_to_cap")
    assert shop.get("/products", pageSize=2)["Meta"]["TotalCount"] == 6
    for number in range(7):
        shop.post("/buyers", Name=f"B{number}")
    assert shop.refused("GET", "/buyers", page=2, pageSize=4) == "List.ResultSetTooLarge"


def test_ids_like_numbers_break_the_walk_unless_they_are_padded(emulator: RunningEmulator, shop: Shop) -> None:
    for number in (2, 9, 10, 11, 100):
        shop.post("/products", ID=str(number), Name="P")
    assert shop.ids("/products") == ["2", "9", "10", "11", "100"]
    assert shop.ids("/products", sortBy="!ID", pageSize=2) == ["100", "11"]
    # The filter compares as text: whoever has seen 10 never gets to see 100 behind it.
    assert shop.ids("/products", ID=">10", sortBy="ID") == ["2", "9", "11", "100"]
    assert shop.ids("/products", ID=">9") == []
    emulator.switch(number_ids="as_text")
    assert shop.ids("/products") == ["10", "100", "11", "2", "9"]
    emulator.switch(number_ids="as_numbers")
    for number in (2, 9, 10, 11, 100):
        shop.patch(f"/products/{number}", ID=f"{number:04}")
    assert shop.ids("/products", ID=">0009") == ["0010", "0011", "0100"]
    for number in (9, 10):
        shop.post("/buyers", ID=str(number), Name="B")
    assert shop.ids("/buyers") == ["10", "9"]


def test_search_lag_shows_the_old_state_until_its_time(emulator: RunningEmulator, shop: Shop) -> None:
    emulator.clock(frozen=True)
    shop.post("/products", ID="kept", Name="Old")
    shop.post("/products", ID="gone", Name="Gone")
    emulator.search_lag(30)
    assert shop.patch("/products/kept", Name="New")["Name"] == "New"
    shop.delete("/products/gone")
    shop.post("/products", ID="new", Name="New")
    assert shop.ids("/products") == ["gone", "kept"]
    assert shop.get("/products/kept")["Name"] == "Old"
    assert shop.refused("GET", "/products/new", status=404) == "NotFound"
    assert shop.ids("/products", Name="New") == []
    emulator.clock(advance=29)
    shop.patch("/products/kept", Name="Newer")
    assert shop.get("/products/kept")["Name"] == "Old"
    emulator.clock(advance=1)
    assert shop.ids("/products", sortBy="!ID") == ["new", "kept"]
    assert shop.get("/products/kept")["Name"] == "New"
    emulator.clock(advance=29)
    assert shop.get("/products/kept")["Name"] == "Newer"
    # What does not come from the search index is fresh, and no lag is none.
    shop.post("/buyers", ID="b", Name="B")
    assert shop.ids("/buyers") == ["b"]
    emulator.search_lag(0)
    shop.delete("/products/kept")
    assert shop.ids("/products") == ["new"]


def test_orders_and_line_items_lag_too(emulator: RunningEmulator, stocked: Shop) -> None:
    emulator.clock(frozen=True)
    emulator.search_lag(5)
    stocked.post("/orders/incoming/o/cancel")
    stocked.patch("/orders/incoming/o/lineitems/l", Quantity=3)
    assert stocked.get("/orders/incoming")["Items"][0]["Status"] == "Open"
    assert stocked.get("/orders/incoming/o")["Status"] == "Canceled"
    line = stocked.get("/lineitems/all")["Items"][0]
    assert (line["Quantity"], line["Order"]["Status"]) == (2, "Open")
    emulator.clock(advance=5)
    line = stocked.get("/lineitems/all")["Items"][0]
    assert (line["Quantity"], line["Order"]["Status"]) == (3, "Canceled")
    assert stocked.get("/orders/incoming", Status="Canceled")["Meta"]["TotalCount"] == 1


def test_line_items_of_all_orders_page_by_key(stocked: Shop) -> None:
    stocked.patch("/products/mug", Inventory={"Enabled": False})
    for number in range(3):
        stocked.post("/orders/incoming", ID=f"x{number}", FromCompanyID="acme", FromUserID="u")
        for line in range(3):
            stocked.post(f"/orders/incoming/x{number}/lineitems", ID=f"l{line}", ProductID="mug")
        if number:
            stocked.post(f"/orders/incoming/x{number}/submit")
    page = stocked.get("/lineitems/incoming", pageSize=3)
    assert page["Meta"]["TotalCount"] == 7
    seen = page["Items"]
    while page["Meta"]["NextPageKey"]:
        if len(seen) == 3:
            # What comes and goes behind the walk's back moves nothing.
            stocked.delete("/orders/all/x1/lineitems/l0")
        page = stocked.get("/lineitems/incoming", pageKey=page["Meta"]["NextPageKey"])
        seen += page["Items"]
    assert [(item["ID"], item["OrderID"]) for item in seen] == [
        ("l", "o"),
        ("l0", "x1"),
        ("l0", "x2"),
        ("l1", "x1"),
        ("l1", "x2"),
        ("l2", "x1"),
        ("l2", "x2"),
    ]
    assert stocked.refused("GET", "/lineitems/all", pageKey="x", page=1) == "List.InvalidPageKey"
    assert stocked.get("/lineitems/all", **{"Order.ID": "x1"})["Meta"]["TotalCount"] == 2
    assert stocked.get("/lineitems/outgoing")["Meta"]["TotalCount"] == 0
    assert stocked.get("/lineitems/all", buyerID="nobody")["Meta"]["TotalCount"] == 0


def test_orders_are_listed_submitted_or_not_but_never_together(
    emulator: RunningEmulator, login: Any, stocked: Shop
) -> None:
    emulator.clock(now="2030-01-01T00:00:00Z", frozen=True)
    stocked.client.headers["Authorization"] = f"Bearer {login(emulator).json()['access_token']}"
    stocked.post("/orders/Outgoing", ID="own")
    stocked.post("/orders/Incoming", ID="draft", FromCompanyID="acme", FromUserID="u")
    path = "/orders/all"
    assert stocked.ids(path) == ["o"]
    assert stocked.ids(path, IsSubmitted="false") == ["draft", "own"]
    assert stocked.ids("/orders/incoming", Status="Unsubmitted") == ["draft"]
    assert stocked.ids("/orders/outgoing", Status="Unsubmitted") == ["own"]
    assert stocked.ids(path, Status="Open|Unsubmitted") == ["o"]
    assert stocked.ids(path, buyerID="acme") == ["o"]
    assert stocked.ids(path, supplierID="sup") == []
    assert stocked.ids(path, IsSubmitted="false", **{"from": "2029-12-31"}) == ["draft", "own"]
    assert stocked.ids(path, IsSubmitted="false", to="2029-12-31") == []
    stocked.patch("/orders/all/o", Comments="changed")
    assert stocked.ids(path, LastUpdated=">2029-12-31T23:59:59Z") == ["o"]
    assert stocked.ids(path, LastUpdated=">2030-01-01T01:00:00+01:00") == []
    assert stocked.ids(path, LastUpdated="!<2030-01-01T00:00:00Z", sortBy="LastUpdated") == ["o"]
    assert stocked.refused("GET", "/orders/outgoing/o", status=404) == "NotFound"
    assert stocked.refused("GET", "/orders/sideways", status=404) == "NotFound"
