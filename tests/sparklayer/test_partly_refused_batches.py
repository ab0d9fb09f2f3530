"""Which rows of a refused batch were refused is found out, however the API counts and whatever it names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import AnswerLost, ApiError, Rejected
from reconciler.sparklayer.batches import BATCH, write_rows

Naming = Callable[[list[int]], dict[int, str]]
"""Makes what an answer names from the places that are bad."""


NAMINGS: dict[str, Naming] = {
    "all": lambda places: {place: f"bad at {place}" for place in places},
    "none": lambda _places: {},
    "first": lambda places: {places[0]: "bad"},
    "one further": lambda places: {place + 1: "bad" for place in places},
    "one before": lambda places: {place - 1: "bad" for place in places},
    "wrong": lambda places: {0: "bad", 7: "bad", 1_000_000: "bad"},
}


class Api:
    """Refuses batches with bad rows, whole or but for these."""

    def __init__(self, bad: set[int], naming: Naming, *, whole: bool) -> None:
        self.bad = bad
        self.naming = naming
        self.whole = whole
        self.stored: set[int] = set()
        self.sizes: list[int] = []

    async def send(self, rows: Sequence[int]) -> None:
        self.sizes.append(len(rows))
        places = [place for place, row in enumerate(rows) if row in self.bad]
        if not places or not self.whole:
            self.stored |= {row for row in rows if row not in self.bad}
        if places:
            raise Rejected("POST rows: refused", said="refused", status=400, rows=self.naming(places))


@pytest.mark.parametrize("naming", NAMINGS.values(), ids=NAMINGS)
@given(count=st.integers(0, 40), bad=st.sets(st.integers(0, 39)), whole=st.booleans())
def test_the_bad_rows_are_found_and_the_others_are_in(naming: Naming, count: int, bad: set[int], whole: bool) -> None:
    rows = list(range(count))
    api = Api(bad, naming, whole=whole)
    refused = asyncio.run(write_rows(rows, api.send))
    assert refused.keys() == bad & set(rows)
    assert all(refused.values())
    assert api.stored == set(rows) - bad


def test_named_rows_cost_two_more_requests_and_unnamed_ones_a_bisection() -> None:
    rows, bad = list(range(BATCH)), {3, 77, 410}
    named = Api(bad, NAMINGS["all"], whole=True)
    assert asyncio.run(write_rows(rows, named.send)) == {3: "bad at 0", 77: "bad at 1", 410: "bad at 2"}
    assert len(named.sizes) == 3
    unnamed = Api(bad, NAMINGS["none"], whole=True)
    assert asyncio.run(write_rows(rows, unnamed.send)) == dict.fromkeys(bad, "refused")
    assert len(unnamed.sizes) < 60


def test_no_request_is_larger_than_a_batch() -> None:
    api = Api(set(), NAMINGS["none"], whole=True)
    assert asyncio.run(write_rows(list(range(2 * BATCH + 1)), api.send)) == {}
    assert sorted(api.sizes) == [1, BATCH, BATCH]
    assert asyncio.run(write_rows([], api.send)) == {}
    assert len(api.sizes) == 3


@pytest.mark.parametrize("status", [403, 404, 405, 415])
def test_a_refusal_that_is_not_about_rows_reaches_the_caller_at_once(status: int) -> None:
    sizes: list[int] = []

    async def send(rows: Sequence[int]) -> None:
        sizes.append(len(rows))
        raise Rejected("no", status=status)

    with pytest.raises(ApiError):
        asyncio.run(write_rows([1, 2, 3], send))
    assert sizes == [3]


def test_a_lost_answer_is_for_the_caller_to_bear() -> None:
    tries: list[Sequence[int]] = []

    async def send(rows: Sequence[int]) -> None:
        tries.append(rows)
        raise AnswerLost("lost")

    with pytest.raises(AnswerLost):
        asyncio.run(write_rows([1, 2], send))
    assert tries == [[1, 2]]
