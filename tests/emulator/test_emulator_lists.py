from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.ordercloud.lists import Listing, list_answer
from reconciler.emulator.testing import RunningEmulator
from reconciler.emulator.wire import Refusal, Request

TARGET = {"Http": {"Endpoint": "https://hooks.example.com", "Secret": "s"}}


@pytest.fixture
def _many(plain: httpx.Client) -> None:
    for number in range(45):
        name = f"{'Even' if number % 2 == 0 else 'Odd'} {number:02}"
        body = {"ID": f"c{number:02}", "Name": name, "Enabled": number % 3 == 0, "DeliveryTargets": TARGET}
        assert plain.post("/deliveryconfig", json=body).status_code == 201


def ids(client: httpx.Client, **params: Any) -> list[str]:
    answer = client.get("/deliveryconfig", params=params)
    assert answer.status_code == 200, answer.text
    return [item["ID"] for item in answer.json()["Items"]]


def test_an_empty_list(api: httpx.Client) -> None:
    assert api.get("/deliveryconfig").json() == {
        "Meta": {
            "Page": 1,
            "PageSize": 20,
            "TotalCount": 0,
            "TotalPages": 0,
            "ItemRange": [1, 0],
            "NextPageKey": None,
        },
        "Items": [],
    }


@pytest.mark.usefixtures("_many")
def test_pages(api: httpx.Client) -> None:
    third = api.get("/deliveryconfig", params={"page": 3}).json()
    assert third["Meta"] | {"NextPageKey": None} == {
        "Page": 3,
        "PageSize": 20,
        "TotalCount": 45,
        "TotalPages": 3,
        "ItemRange": [41, 45],
        "NextPageKey": None,
    }
    assert [item["ID"] for item in third["Items"]] == ["c40", "c41", "c42", "c43", "c44"]
    assert len(ids(api, pageSize=100)) == 45
    assert ids(api, page=9) == []


@pytest.mark.usefixtures("_many")
def test_the_last_id_walk_sees_everything_once(api: httpx.Client) -> None:
    seen: list[str] = []
    while page := ids(api, sortBy="ID", pageSize=10, page=1, ID=f">{seen[-1]}" if seen else "*"):
        seen += page
    assert seen == [f"c{number:02}" for number in range(45)]


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"ID": "c01"}, ["c01"]),
        ({"ID": "C01|c03|nothing"}, ["c01", "c03"]),
        ({"ID": "c0*", "Name": "Odd*"}, ["c01", "c03", "c05", "c07", "c09"]),
        ({"ID": [">c41", "!c43"]}, ["c42", "c44"]),
        ({"ID": "!<c43"}, ["c43", "c44"]),
        ({"ID": "<c02"}, ["c00", "c01"]),
        ({"Enabled": "true", "ID": "<c05"}, ["c00", "c03"]),
        ({"name": "!*"}, []),
        ({"search": "even 0"}, ["c00", "c02", "c04", "c06", "c08"]),
        ({"search": "c1", "searchOn": "Name"}, []),
        ({"search": "C10", "searchOn": "ID"}, ["c10"]),
        ({"sortBy": "!ID", "pageSize": "2"}, ["c44", "c43"]),
        ({"sortBy": "Name", "pageSize": "2"}, ["c00", "c02"]),
        ({"sortBy": "!Name,ID", "pageSize": "2"}, ["c43", "c41"]),
    ],
)
def test_filters_search_and_sorting(api: httpx.Client, params: dict[str, Any], expected: list[str]) -> None:
    assert ids(api, **params) == expected


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"pageSize": "101"}, "List.InvalidPageSize"),
        ({"pageSize": "0"}, "List.InvalidPageSize"),
        ({"pageSize": "many"}, "List.InvalidPageSize"),
        ({"page": "0"}, "List.InvalidType"),
        ({"page": "9" * 30}, "List.InvalidType"),
        ({"Colour": "blue"}, "List.InvalidProperty"),
        ({"sortBy": "Colour"}, "List.InvalidSortProperty"),
        ({"search": "x", "searchOn": "Colour"}, "List.InvalidSearchProperty"),
    ],
)
def test_options_that_cannot_be(api: httpx.Client, params: dict[str, str], code: str) -> None:
    answer = api.get("/deliveryconfig", params=params)
    assert answer.status_code == 400
    assert answer.json()["Errors"][0]["ErrorCode"] == code


def test_write_only_members_do_not_show_in_lists(api: httpx.Client, emulator: RunningEmulator) -> None:
    target = {"Http": {"Endpoint": "https://hooks.example.com", "Secret": "marker-secret"}}
    api.post("/deliveryconfig", json={"ID": "a", "Name": "A", "DeliveryTargets": target})
    assert "marker-secret" not in api.get("/deliveryconfig").text
    assert "marker-secret" in str(emulator.state(secrets=True))


NESTED = Listing(members=("ID", "xp", "Stock"), sortable=("ID", "Stock.Level"))
ITEMS = [
    {"ID": "a", "xp": {"Colour": "Red", "Sizes": [1, 2]}, "Stock": {"Level": 5}},
    {"ID": "b", "xp": {"Colour": "blue?", "Sizes": [2, 10]}, "Stock": {"Level": 40}},
    {"ID": "c", "xp": None, "Stock": None},
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("xp.Colour=red", ["a"]),
        ("xp.colour=b*%3F", ["b"]),
        ("xp.Colour=blu?", []),
        ("xp.Colour=!*", ["c"]),
        ("xp.Colour=!red", ["b"]),
        ("xp.Sizes=2", ["a", "b"]),
        ("xp.Sizes=%3E9", ["b"]),
        ("Stock.Level=%3E9", ["b"]),
        ("Stock.Level=%3Ex", []),
        ("Stock.Level=!%3C40", ["b"]),
        ("sortBy=!Stock.Level", ["b", "a", "c"]),
    ],
)
def test_dotted_paths(query: str, expected: list[str]) -> None:
    answer = list_answer(ITEMS, NESTED, Request("GET", ["x"], query))
    assert [item["ID"] for item in httpx.Response(200, content=answer.body).json()["Items"]] == expected


@given(st.text(), st.text())
def test_no_filter_breaks_the_list(name: str, value: str) -> None:
    query = str(httpx.QueryParams({f"xp.{name}": value, "ID": value, "search": value, "sortBy": "!ID"}))
    with contextlib.suppress(Refusal):
        list_answer(ITEMS, NESTED, Request("GET", ["x"], query))


@given(st.integers(0, 250), st.integers(1, 100))
def test_pages_together_are_the_whole(count: int, size: int) -> None:
    items = [{"ID": f"{number:03}"} for number in range(count)]
    seen: list[str] = []
    page = 1
    while True:
        answer = list_answer(items, NESTED, Request("GET", ["x"], f"page={page}&pageSize={size}"))
        body = httpx.Response(200, content=answer.body).json()
        if not body["Items"]:
            break
        assert body["Meta"]["ItemRange"] == [len(seen) + 1, len(seen) + len(body["Items"])]
        seen += [item["ID"] for item in body["Items"]]
        page += 1
    assert seen == [item["ID"] for item in items]
    assert page - 1 == body["Meta"]["TotalPages"]
