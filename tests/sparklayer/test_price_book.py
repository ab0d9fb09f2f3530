"""Rows of a price list are read in whatever form they come, and what cannot be read is told from what is not there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import UnexpectedAnswer
from reconciler.http.decoding import Undecodable
from reconciler.http.rows import Rows
from reconciler.kind.connection import TakerT
from reconciler.sparklayer.price_book import UNREADABLE, PriceBook, read_book, read_prices, require_readable
from reconciler.sparklayer.records import Tier


class Canned:
    def __init__(self, answer: Any) -> None:
        self._content = json.dumps(answer).encode()

    async def get(self, path: str, params: object = None) -> object:
        raise NotImplementedError

    async def rows(self, path: str, begin: Callable[[], TakerT], largest: int | None = None) -> TakerT:
        taker = begin()
        rows = Rows(taker)
        rows.take(self._content)
        rows.end()
        return taker


def book_of(*rows: dict[str, Any]) -> PriceBook:
    book = PriceBook()
    for row in rows:
        book.take([row])
    return book


def test_rows_are_read_in_any_order_and_with_numbers_as_text() -> None:
    rows = [
        {"sku": "A", "quantity": 10, "price": "1.50", "unit_of_measure": None},
        {"sku": "A", "price": 2.25},
        {"sku": "B", "quantity": 1, "price": None},
        {"quantity": 1, "price": 1},
        {"sku": "C", "price": 3},
    ]
    of_a = (Tier(1, Decimal("2.25")), Tier(10, Decimal("1.5")))
    of_c = (Tier(1, Decimal(3)),)
    reader = Canned(rows)
    assert asyncio.run(read_prices(reader, "list")) == {"A": of_a, "C": of_c}
    assert asyncio.run(read_prices(reader, "list", {"A", "B"})) == {"A": of_a}
    book = asyncio.run(read_book(reader, "list"))
    assert [book.get(sku) for sku in "ABCD"] == [of_a, (), of_c, ()]
    assert [sku in book for sku in "ABCD"] == [True, False, True, False]


@pytest.mark.parametrize("answer", [None, {"data": []}, [["A", 1]], "A"])
def test_an_answer_of_another_shape_is_not_no_prices(answer: object) -> None:
    with pytest.raises(Undecodable):
        asyncio.run(read_book(Canned(answer), "list"))


@pytest.mark.parametrize(
    "row",
    [
        {"price": "cheap"}, {"price": []}, {"price": True}, {"price": "NaN"}, {"price": "sNaN"}, {"price": "Infinity"},
        {"price": "1e999999999"}, {"price": 1e300}, {"price": "1e-99"}, {"price": float("inf")},
        {"price": 1, "quantity": "few"}, {"price": 1, "quantity": {}}, {"price": 1, "quantity": float("inf")},
        {"price": 0, "quantity": 0},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_like_no_price(row: dict[str, Any]) -> None:
    book = book_of({"sku": "A", **row}, {"sku": "B", "price": 1})
    assert "A" in book
    assert book.get("A") == (UNREADABLE,)
    assert book.get("B") == (Tier(1, Decimal(1)),)
    with pytest.raises(UnexpectedAnswer, match="a price cannot be read"):
        require_readable({"B": book.get("B"), "A": book.get("A")}, "list")


def test_two_rows_of_one_quantity_are_two_tiers() -> None:
    """As they are where a list changes while it is read: so it is not as it was written, and is written again."""
    book = book_of(
        {"sku": "A", "price": 2}, {"sku": "B", "price": 1}, {"sku": "A", "price": 1}, {"sku": "A", "price": 1}
    )
    assert [str(tier.price) for tier in book.get("A")] == ["1", "1", "2"]


# Close to one another, with what separates rows and fields, and halves of characters.
SKUS = st.text(st.sampled_from("aA\n\t\\ x0é\ud800😀"), max_size=4)
PRICES = st.decimals(0, 10_000, places=3) | st.integers(0, 10**9).map(Decimal)


@given(st.lists(st.tuples(SKUS, st.integers(1, 10**6), PRICES), max_size=12), SKUS)
def test_a_book_has_what_a_dict_would_have(rows: list[tuple[str, int, Decimal]], other: str) -> None:
    book = book_of(*({"sku": sku, "quantity": quantity, "price": str(price)} for sku, quantity, price in rows))
    for asked in {other, *(sku for sku, _, _ in rows)}:
        expected = sorted(Tier(quantity, price) for sku, quantity, price in rows if sku == asked)
        assert list(book.get(asked)) == expected
        assert (asked in book) == bool(expected)
