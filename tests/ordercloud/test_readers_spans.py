"""Spans of a list are together the whole list, whatever the API compares IDs by."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ordercloud.readers.pages import Listing
from reconciler.ordercloud.readers.spans import Span, spans, walk_span
from support.list_model import ListModel, named

NAMES = st.text("aAbBzZ019eE-_", min_size=1, max_size=4)


async def read(model: ListModel, span: Span) -> list[str]:
    async with aclosing(walk_span(Listing(model, "things", {}), span)) as pieces:
        return [str(item["ID"]) async for piece in pieces for item in piece.items]


def all_of(model: ListModel, keys: list[str]) -> list[list[str]]:
    return [asyncio.run(read(model, span)) for span in spans(keys)]


@settings(max_examples=40)
@given(
    names=st.sets(NAMES, max_size=30),
    keys=st.lists(NAMES, min_size=1, max_size=5),
    numeric=st.tuples(st.booleans(), st.booleans()),
    ignores_case=st.booleans(),
)
def test_every_id_is_in_one_of_them(names, keys, numeric, ignores_case):
    model = ListModel(named(sorted(names)), *numeric, ignores_case=ignores_case)
    found = all_of(model, keys)
    assert not found or {name for each in found for name in each} == names


def test_long_spans_are_read_to_their_ends_and_hold_nothing_twice():
    texts, numbers = [f"p{number:04}" for number in range(700)], [str(number) for number in range(0, 90_000, 700)]
    model = ListModel(named([*texts, *numbers]), numeric_sort=True)
    found = all_of(model, ["p0200", "p0400"])
    assert [len(each) for each in found] == [200, 200, 300, len(numbers)]
    assert sorted(name for each in found for name in each) == sorted([*texts, *numbers])


def test_what_may_look_like_a_number_is_no_bound():
    assert spans(["12", "1e5", "-5", "", "a|b", "*", "ä"]) == ()
    assert [(span.low, span.high, span.numbers) for span in spans(["12", "b", "A"])] == [
        (None, "A", False),
        ("A", "b", False),
        ("b", None, False),
        (None, None, True),
    ]
