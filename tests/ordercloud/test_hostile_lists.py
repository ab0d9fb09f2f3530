"""Lists that lie about their size, never end, or come in no order: an error, after a bounded number of requests."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Wire
from reconciler.ordercloud.bounds import WalkBound, ascend, count_of
from reconciler.ordercloud.lists import list_all, list_by_id
from reconciler.ordercloud.readers.assignments import assignments
from reconciler.ordercloud.readers.orders import OrderReader
from reconciler.ordercloud.readers.pages import Listing, by_ids, in_company
from reconciler.ordercloud.readers.products import ProductReader
from reconciler.ordercloud.readers.walk import walk
from support.hostile import bounded

MEGABYTE = 1_000_000
Answer = Callable[[dict[str, Any]], Any]


class Hostile:
    """An API that answers as it likes, and counts."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests = self.at_once = self.most_at_once = 0

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self.requests += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.answer({**(params or {}), "path": path})


def page(items: list[Wire], total: Any, pages: Any = None) -> Any:
    return {"Meta": {"TotalCount": total, "TotalPages": -(-total // 100) if pages is None else pages}, "Items": items}


def fresh(names: Any, size: int = 100) -> list[Wire]:
    """IDs that never came before, of which nobody knows how they sort."""
    return [{"ID": f"p-{next(names):09}"} for _ in range(size)]


async def walked(reader: Hostile, **options: Any) -> int:
    found = 0
    async with aclosing(walk(Listing(reader, "things", {}), **options)) as pieces:
        async for piece in pieces:
            found += len(piece.items)
    return found


READERS: dict[str, Callable[[Hostile], Any]] = {
    "list_all": lambda reader: list_all(reader, "things"),
    "walk": walked,
    "searched walk": lambda reader: walked(reader, searched=True),
    "assignments": lambda reader: assignments(reader, "things"),
}


def refused(reader: Hostile, read: Callable[[Hostile], Any], requests: int, memory: int = 20 * MEGABYTE) -> str:
    """The error that a read ends with, within that many requests and that much memory."""
    tracemalloc.start()
    try:
        with bounded(seconds=20, megabytes=300), pytest.raises(UnexpectedAnswer) as caught:
            asyncio.run(read(reader))
        assert tracemalloc.get_traced_memory()[1] < memory, "it holds too much"
    finally:
        tracemalloc.stop()
    assert reader.requests <= requests
    assert caught.value.next_step
    return caught.value.message


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("pages", [50_000_000, 2**62])
def test_announced_pages_make_neither_tasks_nor_requests(read: Callable[[Hostile], Any], pages: int) -> None:
    one: list[Wire] = [{"ID": "p1"}]
    reader = Hostile(lambda asked: page(one if asked["page"] == 1 and "ID" not in asked else [], pages * 100, pages))
    refused(reader, read, requests=32)
    assert reader.most_at_once <= 30


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("size", [True, -1, 1.5, "1", None, [1], -(2**63)])
@pytest.mark.parametrize("member", ["TotalPages", "TotalCount"])
def test_a_boolean_or_a_negative_is_no_size(read: Callable[[Hostile], Any], size: Any, member: str) -> None:
    def answer(_: Any) -> Any:
        found = page([{"ID": "p1"}], 1)
        found["Meta"][member] = size
        return found

    assert "not a list page" in refused(Hostile(answer), read, requests=1)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_page_of_more_than_was_asked_for_is_none(read: Callable[[Hostile], Any]) -> None:
    assert "not a list page" in refused(Hostile(lambda _: page(fresh(count(), 101), 101)), read, requests=1)


@pytest.mark.parametrize("read", [READERS["list_all"], READERS["walk"]], ids=["list_all", "walk"])
def test_a_walk_whose_ids_never_stop_ends_at_twice_its_first_count_and_ten_thousand(
    read: Callable[[Hostile], Any],
) -> None:
    names = count()
    reader = Hostile(lambda _: page(fresh(names), 3_200 + next(names)))
    assert "does not end" in refused(reader, read, requests=200)


def test_the_end_of_a_walk_counts_from_its_first_answer() -> None:
    names = count()
    totals = count(200, 50)

    def answer(_: dict[str, Any]) -> Any:
        return page(fresh(names), next(totals))

    message = refused(Hostile(answer), READERS["walk"], requests=120)
    assert "does not end: 10,500 entries" in message
    assert "it said it holds 200" in message


@pytest.mark.parametrize("announced", [150, 5_000])
def test_products_that_never_stop_end_at_twice_the_first_count_and_ten_thousand(announced: int) -> None:
    """Filters and order are followed; there is but one more page after each, and the list says so."""
    came = 0

    def answer(asked: dict[str, Any]) -> Any:
        where = asked.get("ID", ())
        elsewhere = asked["path"] != "products" or "InventoryRecords.AddressID" in asked
        if elsewhere or any(text.startswith("!*") for text in where):
            return page([], 0)
        low = max((int(text[2:]) for text in where if text.startswith(">")), default=-1)
        high = min((int(text[2:]) for text in where if text.startswith("<")), default=None)
        start = low + 1 + 100 * (asked["page"] - 1)
        numbers = range(start, start + 100 if high is None else min(start + 100, high))
        return page([{"ID": f"p{number:09}"} for number in numbers], announced if high is None else high - low - 1)

    async def read(reader: Hostile) -> None:
        nonlocal came
        async with aclosing(ProductReader(reader).walk()) as products:
            async for _ in products:
                came += 1

    most = 2 * announced + 10_000
    message = refused(Hostile(answer), read, requests=2 * most // 100, memory=30 * MEGABYTE)
    assert f"GET products: the list does not end: {most + 100:,} entries came" in message
    assert f"it said it holds {announced:,}" in message
    assert announced < came <= most


def test_no_walk_goes_beyond_ten_million() -> None:
    bound = WalkBound("things", 9_000_000_000)
    assert bound.most == WalkBound("things", None).most == 10_000_000
    bound.take(10_000_000)
    with pytest.raises(UnexpectedAnswer, match="10,000,001 entries came"):
        bound.take(1)


def test_pages_of_one_entry_are_no_way_to_make_endless_requests() -> None:
    names = count()
    reader = Hostile(lambda _: page(fresh(names, 1), 4_000))
    assert "pages were read" in refused(reader, READERS["walk"], requests=2_000)


@pytest.mark.parametrize(
    ("total", "pages"), [(5_000_000_000, 50_000_000), (5_000_000_000, 31), (100_000, 1_000), (9, 10**9)]
)
def test_a_short_page_that_is_not_the_last_counts_as_a_full_one(total: int, pages: int) -> None:
    names = count()
    reader = Hostile(lambda _: page(fresh(names, 1), total, pages))
    refused(reader, READERS["list_all"], requests=2_200)


@pytest.mark.parametrize("total", [4_000, 100_000])
def test_a_walk_of_short_pages_makes_as_many_requests_as_one_of_full_pages(total: int) -> None:
    names = count()
    reader = Hostile(lambda _: page(fresh(names, 1), total))
    assert "not all of them were full" in refused(reader, READERS["walk"], requests=(2 * total + 10_000) // 100 + 60)


def test_a_division_by_letters_that_always_shows_more_ends() -> None:
    """Whatever prefix is asked for, a full page of it comes, and the list goes on."""
    names = count()

    def answer(asked: dict[str, Any]) -> Any:
        where = asked.get("ID", ())
        if any(text.startswith("!*") and len(where) > 20 for text in where) and len(where) < 30:
            return page([{"ID": str(next(names))} for _ in range(100)], 5_000)
        prefix = next((text.split("|")[0].rstrip("*") for text in where if text[0] not in "!*<>"), "")
        return page([{"ID": f"{prefix}{next(names):06}"} for _ in range(100)], 5_000)

    refused(Hostile(answer), READERS["searched walk"], requests=3_000)


@pytest.mark.parametrize(
    "ids",
    [["p3", "p2"], ["p2", "p2"], ["ABC", "ABA"], ["0010", "0009"]],
    ids=" ".join,
)
def test_the_ids_of_a_walk_ascend(ids: list[str]) -> None:
    assert not ascend(ids)
    reader = Hostile(lambda _: page([{"ID": name} for name in ids], 5_000))
    assert "do not ascend" in refused(reader, READERS["walk"], requests=20)


@pytest.mark.parametrize(
    "ids", [["B", "a"], ["a", "B"], ["9", "10"], ["10", "9"], ["a-b", "ab"], ["a_b", "ab"], ["_", "a"]]
)
def test_an_order_that_some_collation_has_is_one(ids: list[str]) -> None:
    assert ascend(ids)


def test_a_last_id_walk_that_begins_anew_ends() -> None:
    """What comes after the last ID is the beginning of the list, without that ID."""
    reader = Hostile(lambda asked: page([{"ID": f"p{number:06}"} for number in range(100)], 4_000))
    for read in (READERS["walk"], READERS["list_all"]):
        refused(reader, read, requests=80)


def test_one_id_that_more_and_more_objects_have_ends() -> None:
    names = count()
    reader = Hostile(lambda _: page([{"ID": "u", "CompanyID": f"b{next(names)}"} for _ in range(100)], 10**9))
    listing = Listing(reader, "buyerusers", {}, in_company)
    message = refused(reader, lambda _: by_ids(listing, ["u"]), requests=1_001, memory=60 * MEGABYTE)
    assert "more and more entries come for one ID" in message
    reader = Hostile(lambda _: page([{"ID": "u", "CompanyID": "b"}] * 100, 10**9))
    refused(reader, lambda _: by_ids(Listing(reader, "buyerusers", {}, in_company), ["u"]), requests=2)
    reader = Hostile(lambda _: page(fresh(names), 10**9))
    refused(reader, lambda _: by_ids(Listing(reader, "things", {}), ["a", "b", "c"]), requests=10)


def test_assignments_end_where_a_page_is_empty_and_at_the_documented_cap() -> None:
    def answer(asked: dict[str, Any]) -> Any:
        return page([{"A": "a", "B": "b"}] if asked["page"] == 1 else [], 1, pages=1_000)

    reader = Hostile(answer)
    assert asyncio.run(assignments(reader, "things")) == [{"A": "a", "B": "b"}]
    assert reader.requests <= 20
    assert "1,001 pages" in refused(
        Hostile(lambda _: page([{"A": "a"}], 100_001, pages=1_001)), READERS["assignments"], requests=1
    )


def orders(since: int, size: int = 100) -> list[Wire]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [(start + timedelta(seconds=since + number)).isoformat() for number in range(size)]
    return [{"ID": f"o{since + number:09}", "LastUpdated": moment} for number, moment in enumerate(moments)]


async def changed(reader: Hostile) -> list[str]:
    async with aclosing(OrderReader(reader).changed()) as found:
        return [order["ID"] async for order in found]


def test_orders_that_never_move_on_end() -> None:
    stuck = Hostile(lambda asked: page(orders(0), 500) if asked["path"] == "orders/Incoming" else page([], 0))
    assert "does not move on by LastUpdated" in refused(stuck, changed, requests=210)
    same = Hostile(lambda asked: page([{**order, "LastUpdated": "2026-01-01T00:00:00Z"} for order in orders(0)], 101))
    refused(same, changed, requests=40)


def test_orders_that_never_stop_end() -> None:
    moments = count(0, 100)

    def answer(asked: dict[str, Any]) -> Any:
        return page(orders(next(moments)), 300) if asked["path"] == "orders/Incoming" else page([], 0)

    assert "does not end: 10,7" in refused(Hostile(answer), changed, requests=25_000)


@pytest.mark.parametrize("name", [None, 42, True, [], {}, ""])
def test_an_object_without_an_id_is_not_called_by_another_name(name: Any) -> None:
    reader = Hostile(lambda _: page([{"ID": "a"}, {"ID": name}], 2))
    assert "has no ID" in refused(reader, lambda _: list_by_id(reader, "things"), requests=1)
    missing = Hostile(lambda _: page([{"Name": "a"}], 1))
    assert "has no ID" in refused(missing, lambda _: list_by_id(missing, "things"), requests=1)


def test_a_total_is_a_number() -> None:
    assert count_of(7) == 7
    for odd in (True, -1, "7", 7.0, None):
        assert count_of(odd) is None
