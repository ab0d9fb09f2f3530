"""A cursor reads a whole list page by page, and another process may go on with it at any page."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ordercloud.readers.cursor import beginning, read_on, stretches_of
from reconciler.ordercloud.readers.pages import Listing
from support.list_model import ListModel

NAMES = st.text("0123456789", min_size=1, max_size=5) | st.text("019abXZ-_e", min_size=1, max_size=4)
SETTINGS = {"numeric_sort": st.booleans(), "numeric_filter": st.booleans(), "cap": st.none() | st.just(150)}


def read(model, *, searched, between=lambda: None):
    async def pages():
        found, left, rounds = [], json.dumps([each.to_json() for each in beginning(searched=searched)]), 0
        while left != "[]":
            items, rest = await read_on(Listing(model, "products", {}), stretches_of(json.loads(left)))
            found += [str(item["ID"]) for item in items]
            left = json.dumps([each.to_json() for each in rest])
            between()
            rounds += 1
            assert rounds < 3_000
        return found

    return asyncio.run(pages())


@settings(max_examples=40, deadline=None)
@given(st.sets(NAMES, max_size=400), st.fixed_dictionaries(SETTINGS))
def test_every_object_comes_exactly_once_whatever_numbers_sort_as(names, how):
    names = {name.lower() for name in names}
    found = read(ListModel([{"ID": name} for name in names], **how), searched=True)
    assert sorted(found) == sorted(names)


@pytest.mark.parametrize("how", [{}, {"numeric_sort": True}, {"numeric_sort": True, "numeric_filter": True}])
def test_a_list_of_numbers_is_read_by_their_digits(how):
    names = [str(number) for number in range(1, 900, 3)]
    assert sorted(read(ListModel([{"ID": name} for name in names], **how), searched=True)) == sorted(names)


def test_what_is_there_from_beginning_to_end_comes_once_whatever_comes_and_goes():
    lasting = [f"p{number:04}" for number in range(0, 500, 2)]
    model = ListModel([{"ID": name} for name in lasting])
    passing = iter(range(1, 500, 2))

    def change():
        model.items = [{"ID": name} for name in lasting] + [{"ID": f"p{next(passing):04}"} for _ in range(20)]

    found = read(model, searched=False, between=change)
    assert [name for name in found if name in lasting] == lasting


NO_CURSORS = [
    *(None, {}, "x", [1], [[]], [["all", "", "", ""]], [["other", "", "", "", None]]),
    *([["all", "a|b", "", "", None]], [["all", "", "", "", 7]], [["all", "x" * 101, "", "", None]]),
]


@pytest.mark.parametrize("data", NO_CURSORS)
def test_what_is_no_cursor_is_refused(data):
    with pytest.raises(ValueError, match="stretch"):
        stretches_of(data)
