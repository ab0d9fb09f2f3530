from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.errors import Rejected, UnexpectedAnswer
from reconciler.kind.connection import Wire
from reconciler.ordercloud.lists import list_all


class ListReader:
    """An OrderCloud list: pages, `sortBy=ID` and `ID=>last`."""

    def __init__(self, entries: list[Wire]) -> None:
        self.entries = entries
        self.asked: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        self.asked.append(dict(params or {}))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.page(params or {})

    def page(self, params: Mapping[str, str | int]) -> Any:
        found = self.entries
        if params.get("sortBy") == "ID":
            found = sorted(found, key=lambda entry: str(entry["ID"]))
        if (after := str(params.get("ID", ""))).startswith(">"):
            found = [entry for entry in found if entry["ID"] > after[1:]]
        size, page = int(params["pageSize"]), int(params["page"])
        meta = {"Page": page, "PageSize": size, "TotalCount": len(found), "TotalPages": -(-len(found) // size)}
        return {"Meta": meta, "Items": found[(page - 1) * size : page * size]}


def entries(count: int) -> list[Wire]:
    return [{"ID": f"p{number:06}"} for number in range(count)]


def read(reader: ListReader, **params: str | int) -> list[Wire]:
    return asyncio.run(list_all(reader, "things", params))


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, 3_000, 3_001, 4_250])
def test_every_entry_comes_once_in_order(count: int) -> None:
    assert read(ListReader(entries(count))) == entries(count)


def test_a_short_list_costs_one_request_and_a_longer_one_its_pages_side_by_side() -> None:
    short = ListReader(entries(100))
    read(short, search="x")
    assert short.asked == [{"search": "x", "page": 1, "pageSize": 100}]
    longer = ListReader(entries(1_000))
    read(longer)
    assert len(longer.asked) == 10
    assert longer.most_at_once == 9


def test_beyond_page_30_the_list_is_walked_from_id_to_id() -> None:
    reader = ListReader(entries(3_250))
    assert len(read(reader, xp="1")) == 3_250
    assert max(asked["page"] for asked in reader.asked) == 30
    walked = [asked for asked in reader.asked if "ID" in asked]
    assert [asked["ID"] for asked in walked] == [">p002999", ">p003099", ">p003199", ">p003249"]
    assert all(asked["sortBy"] == "ID" and asked["xp"] == "1" for asked in walked)


def test_entries_without_ids_are_paged_to_the_end() -> None:
    assignments: list[Wire] = [{"ProductID": f"p{number}", "BuyerID": "b"} for number in range(3_150)]
    reader = ListReader(assignments)
    assert read(reader) == assignments
    assert not any("ID" in asked or "sortBy" in asked for asked in reader.asked)


class MovingList(ListReader):
    """Something is added in front after page 1 was read, or deleted."""

    def __init__(self, count: int, then: list[Wire]) -> None:
        super().__init__(entries(count))
        self.then = then

    def page(self, params: Mapping[str, str | int]) -> Any:
        page = super().page(params)
        self.entries = self.then
        return page


def test_an_entry_that_moved_to_the_next_page_comes_once() -> None:
    added: list[Wire] = [{"ID": "new"}, *entries(150)]
    assert read(MovingList(150, added)) == entries(150)


def test_entries_deleted_meanwhile_are_no_error() -> None:
    remaining = entries(150)[:140]
    assert read(MovingList(150, remaining)) == remaining


def test_an_entry_that_slipped_past_is_an_error() -> None:
    class Slipping(ListReader):
        def page(self, params: Mapping[str, str | int]) -> Any:
            page = super().page(params)
            if params["page"] == 2:
                page["Items"] = page["Items"][1:]
            return page

    with pytest.raises(UnexpectedAnswer, match="holds 150 entries and gave 149"):
        read(Slipping(entries(150)))


def test_a_walk_that_does_not_move_on_ends() -> None:
    class Stuck(ListReader):
        def page(self, params: Mapping[str, str | int]) -> Any:
            return super().page({name: value for name, value in params.items() if name != "ID"} | {"page": 31})

    stuck = Stuck(entries(3_200))
    with pytest.raises(UnexpectedAnswer, match="does not move on"):
        read(stuck)
    assert len(stuck.asked) < 40


def test_the_vendors_cap_is_an_error_and_ends_the_other_reads() -> None:
    class Capped(ListReader):
        async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
            if (params or {}).get("page") == 2:
                raise Rejected("too large", vendor_code="Search.ResultSetTooLarge")
            if (params or {}).get("page") != 1:
                await asyncio.Event().wait()
            return await super().get(path, params)

    async def run() -> None:
        with pytest.raises(Rejected, match="too large"):
            await list_all(Capped(entries(1_000)), "things")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"Items": []},
        {"Meta": {}, "Items": []},
        {"Meta": {"TotalPages": 1, "TotalCount": 1}, "Items": [1]},
    ],
)
def test_what_is_no_list_page_is_an_unexpected_answer_and_never_an_empty_list(body: Any) -> None:
    class Odd(ListReader):
        def page(self, params: Mapping[str, str | int]) -> Any:
            return body

    with pytest.raises(UnexpectedAnswer, match="not a list page"):
        read(Odd([]))
