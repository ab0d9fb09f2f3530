from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import aclosing
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ServerFault, UnexpectedAnswer
from reconciler.kind.connection import Params, Wire
from reconciler.ordercloud.readers.pages import Listing, by_ids, id_chunks, in_company
from reconciler.ordercloud.readers.walk import BLOCK_PAGES, Piece, walk
from support.list_model import ListModel, named


async def pieces_of(listing: Listing, **options: Any) -> list[Piece]:
    async with aclosing(walk(listing, **options)) as pieces:
        return [piece async for piece in pieces]


def walked(model: ListModel, **options: Any) -> list[str]:
    pieces = asyncio.run(pieces_of(Listing(model, "things", {}), **options))
    return [str(item["ID"]) for piece in pieces for item in piece.items]


@pytest.mark.parametrize("objects", [0, 1, 99, 100, 101, 200, 201, 2_900, 2_901, 3_000, 3_001, 5_950])
def test_every_object_comes_once_and_no_page_is_asked_for_beyond_those_there_are(objects: int) -> None:
    names = [f"p{number:06}" for number in range(objects)]
    model = ListModel(named(names))
    assert sorted(walked(model)) == names
    assert len(model.asked) == max(1, -(-objects // 100))
    assert max(asked["page"] for asked in model.asked) <= BLOCK_PAGES


def test_pages_are_read_side_by_side() -> None:
    model = ListModel(named(f"p{number:06}" for number in range(3_500)))
    walked(model)
    assert model.most_at_once >= 16


def test_the_check_for_numbers_costs_one_request() -> None:
    model = ListModel(named(f"p{number:06}" for number in range(3_000)), numeric_sort=True)
    assert len(walked(model, searched=True)) == 3_000
    assert len(model.asked) == 31
    short = ListModel(named(map(str, range(100))), numeric_sort=True)
    walked(short, searched=True)
    assert len(short.asked) == 1


@pytest.mark.parametrize("ignores_case", [True, False])
@pytest.mark.parametrize("numeric_filter", [True, False])
@pytest.mark.parametrize("numeric_sort", [True, False])
def test_ids_that_look_like_numbers_are_not_lost(numeric_sort: bool, numeric_filter: bool, ignores_case: bool) -> None:
    names = [*map(str, range(1, 800)), "007", "0042", "1e5", "-5", "12-7", *(f"A{n}" for n in range(200)), "z", "_z"]
    names += [f"b{n:03}" for n in range(150)] + [f"2E{n}" for n in range(130)] + [f"3e{n}" for n in range(130)]
    model = ListModel(named(names), numeric_sort, numeric_filter, ignores_case)
    assert Counter(walked(model, searched=True)) == Counter(names)


def test_numbers_in_a_list_that_has_one_length_of_them_cost_little_more() -> None:
    model = ListModel(named(str(number) for number in range(1_000_000, 1_003_000)), numeric_sort=True)
    assert len(walked(model, searched=True)) == 3_000
    assert len(model.asked) <= 2 * 30


@pytest.mark.parametrize("searched", [True, False])
def test_a_list_beyond_the_cap_is_read_by_the_first_letters_of_its_ids(searched: bool) -> None:
    names = [f"{letter}-{number:04}" for letter in "abX9" for number in range(700)]
    model = ListModel(named(names), cap=1_000)
    assert Counter(walked(model, searched=searched)) == Counter(names)


# So many may be missing, whatever the list says that it holds.
MOST_UNSEEN = 100


class Mutator:
    """Deletes and creates a few objects before each request."""

    def __init__(self, seed: int, alphabet: str, at_once: int) -> None:
        self.random = random.Random(seed)
        self.alphabet = alphabet
        self.at_once = at_once
        self.gone: set[str] = set()
        self.born: set[str] = set()

    def __call__(self, model: ListModel) -> None:
        for _ in range(self.random.randrange(self.at_once + 1)):
            if model.items:
                victim = model.items.pop(self.random.randrange(len(model.items)))
                self.gone.add(str(victim["ID"]))
        for _ in range(self.random.randrange(self.at_once + 1)):
            name = "".join(self.random.choices(self.alphabet, k=6)) + "n"
            if name not in self.gone | self.born:
                self.born.add(name)
                model.items.append({"ID": name})


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    objects=st.integers(0, 1_200),
    alphabet=st.sampled_from(["ab", "a1", "abcdefghij", "0123456789"]),
    at_once=st.sampled_from([0, 1, 5, 60]),
    searched=st.booleans(),
    cap=st.sampled_from([None, 500]),
)
def test_what_stays_during_a_walk_comes_exactly_once(
    seed: int, objects: int, alphabet: str, at_once: int, searched: bool, cap: int | None
) -> None:
    source = random.Random(seed)
    names = {"".join(source.choices(alphabet, k=source.randrange(3, 9))) for _ in range(objects)}
    mutator = Mutator(seed, alphabet, at_once)
    model = ListModel(named(names), numeric_sort=searched, cap=cap, before_each=mutator)
    found: Counter[str] = Counter()
    refused: str | None = None
    try:
        found.update(walked(model, searched=searched))
    except UnexpectedAnswer as error:
        refused = error.message
    if refused is not None:
        # So much came and went that what is there at both ends cannot be told from a list that lies about its size.
        assert "the list says it holds" in refused
        assert min(len(mutator.gone), len(mutator.born)) > MOST_UNSEEN
        return
    assert not [name for name, times in found.items() if times > 1]
    assert (names - mutator.gone) <= set(found) <= names | mutator.born


def test_hundreds_that_go_and_come_within_a_block_neither_lose_nor_repeat_one() -> None:
    names = [f"p{number:05}" for number in range(6_000)]

    calls = count(1)

    def upheaval(model: ListModel) -> None:
        call = next(calls)
        if call in (4, 9, 20):
            del model.items[:350]
        # The fifteenth request is for the last page of the first block: it then shows what others showed before it.
        if call in (6, 15, 32):
            model.items += named(f"a{call:02}{number:04}" for number in range(900))

    model = ListModel(named(names), before_each=upheaval)
    found = Counter(walked(model))
    assert max(found.values()) == 1
    assert {str(item["ID"]) for item in model.items if str(item["ID"])[0] == "p"} <= set(found)


def test_a_piece_can_be_asked_for_again_by_its_expressions() -> None:
    names = [f"p{number:05}" for number in range(3_100)] + [str(number) for number in range(300)]
    model = ListModel(named(names), numeric_sort=True)

    async def twice() -> None:
        listing = Listing(model, "things", {})
        for piece in await pieces_of(listing, searched=True):
            again = await pieces_of(listing, where=piece.where, searched=not piece.in_order)
            ids = {str(item["ID"]) for part in again for item in part.items}
            assert ids == {str(item["ID"]) for item in piece.items}

    asyncio.run(twice())


def test_users_of_many_buyers_with_the_same_id_all_come() -> None:
    users = [{"ID": f"u{number % 700:04}", "CompanyID": f"b{number // 700}"} for number in range(2_800)]
    users += [{"ID": "u0099", "CompanyID": f"x{number}"} for number in range(250)]
    model = ListModel(list(users))
    listing = Listing(model, "buyerusers", {}, in_company)
    found = [item for piece in asyncio.run(pieces_of(listing)) for item in piece.items]
    assert Counter(map(in_company, found)) == Counter(map(in_company, users))


class Failing(ListModel):
    async def get(self, path: str, params: Params | None = None) -> Any:
        if len(self.asked) == 40:
            raise ServerFault("GET things: 503", status=503)
        return await super().get(path, params)


def test_a_page_that_fails_fails_the_stream() -> None:
    model = Failing(named(f"p{number:06}" for number in range(9_000)))
    with pytest.raises(ServerFault):
        walked(model)


def test_a_list_that_ignores_the_filter_by_id_is_refused() -> None:
    class Deaf(ListModel):
        def _fits(self, name: str, text: str) -> bool:
            return True

    with pytest.raises(UnexpectedAnswer, match="does not move on"):
        walked(Deaf(named(f"p{number:06}" for number in range(9_000))))
    with pytest.raises(UnexpectedAnswer, match="does not move on"):
        walked(Deaf(named(str(number) for number in range(900))), searched=True)


def test_a_list_that_sorts_otherwise_than_it_filters_does_not_pass_for_complete() -> None:
    model = ListModel(named(str(number) for number in range(5_000)), numeric_sort=True)
    with pytest.raises(UnexpectedAnswer, match="says it holds 5,000 objects and gave"):
        walked(model)


def test_a_walk_that_is_left_early_leaves_no_request_behind() -> None:
    model = ListModel(named(f"p{number:06}" for number in range(15_000)))

    async def first_piece() -> int:
        async with aclosing(walk(Listing(model, "things", {}))) as pieces:
            await anext(pieces)
        asked = len(model.asked)
        await asyncio.sleep(0.01)
        assert len(model.asked) == asked
        return len(asyncio.all_tasks())

    assert asyncio.run(first_piece()) == 1
    assert len(model.asked) < 120


def test_ids_are_asked_for_in_chunks_that_fit_a_url() -> None:
    chunks = list(id_chunks([*(f"p{number}" for number in range(250)), "p1", *("x" * 99 + str(n) for n in range(9))]))
    assert [len(chunk) for chunk in chunks[:2]] == [100, 100]
    assert sum(map(len, chunks)) == 259
    assert all(len("%7C".join(chunk)) <= 1_700 for chunk in chunks)


def test_objects_are_found_by_id_in_as_few_requests_as_fit() -> None:
    model = ListModel(named(f"p{number:04}" for number in range(1_000)))
    wanted = [f"p{number:04}" for number in range(0, 1_200, 4)]

    async def read() -> list[Wire]:
        return await by_ids(Listing(model, "things", {}), wanted)

    assert {str(item["ID"]) for item in asyncio.run(read())} == {name for name in wanted if name < "p1000"}
    assert len(model.asked) == 3
