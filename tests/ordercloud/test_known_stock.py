"""Walks that know the stock already: what they read, what they need not, and where a list must not be believed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.kind.connection import Json, Params, Reader
from reconciler.ordercloud.readers.products import ProductReader
from reconciler.ordercloud.readers.records import Product
from reconciler.ordercloud.readers.stock import KnownStock, StockMemo, memo_of
from support.readers_helpers import connected

PRODUCTS = 130
PLACES = ("main", "north")
STAMP = "2026-03-02T06:30:00.000+00:00"


def marketplace() -> dict[str, Any]:
    """Return products of which all have stock at one address, one in ten at a second one, and one at an odd one."""
    products, records = [], []
    for number in range(PRODUCTS):
        name = f"P-{number:04d}"
        places = ["main", *(["north"] if number % 10 == 0 else []), *(["elsewhere"] if number == 5 else [])]
        inventory = {"Enabled": True, "LastUpdated": STAMP, "QuantityAvailable": (number + 1) * len(places)}
        products.append({"ID": name, "Name": name, "Inventory": inventory})
        records += [
            {"ProductID": name, "ID": place, "AddressID": place, "QuantityAvailable": number + 1} for place in places
        ]
    return {"Objects": {"Products": products, "InventoryRecords": records}}


def memos_as_read() -> dict[str, StockMemo]:
    """Return what an earlier walk noted of them."""
    levels: dict[str, dict[str, int]] = {}
    for record in marketplace()["Objects"]["InventoryRecords"]:
        levels.setdefault(record["ProductID"], {})[record["AddressID"]] = record["QuantityAvailable"]
    return {name: StockMemo(STAMP, False, {"": places}) for name, places in levels.items()}


@pytest.fixture
def shop(market: RunningEmulator) -> RunningEmulator:
    market.seed_with(marketplace())
    return market


class Otherwise:
    """A connection to an API that filters by ranges of addresses otherwise than was inferred."""

    def __init__(self, reader: Reader, instead: str) -> None:
        self._reader = reader
        self._instead = instead

    async def get(self, path: str, params: Params | None = None) -> Json:
        asked = dict(params or {})
        if str(asked.get("InventoryRecords.AddressID", "")).startswith("<"):
            asked["InventoryRecords.AddressID"] = self._instead
        return await self._reader.get(path, asked)


def walked(
    shop: RunningEmulator, memos: dict[str, StockMemo], *, skips: bool, instead: str | None = None
) -> dict[str, Product]:
    async def recall(keys: Collection[str]) -> dict[str, StockMemo]:
        return {key: memos[key] for key in keys if key in memos}

    async def read() -> dict[str, Product]:
        known = KnownStock(recall, skips, PLACES)
        async with connected(shop) as connection:
            reader = connection if instead is None else Otherwise(connection, instead)
            async with aclosing(ProductReader(reader).walk(known=known)) as products:
                return {product["ID"]: product async for product in products}

    return asyncio.run(read())


def stock_reads(shop: RunningEmulator) -> set[str]:
    paths = [entry["path"] for entry in shop.requests()]
    return {path.split("/")[4] for path in paths if path.endswith("/inventoryrecords")}


def levels_of(products: dict[str, Product]) -> dict[str, StockMemo | None]:
    return {name: memo_of(product) for name, product in products.items()}


def test_what_is_not_known_is_read(shop: RunningEmulator) -> None:
    assert levels_of(walked(shop, {}, skips=True)) == memos_as_read()
    assert len(stock_reads(shop)) == PRODUCTS


def test_what_did_not_move_is_not_read_and_comes_all_the_same(shop: RunningEmulator) -> None:
    assert levels_of(walked(shop, memos_as_read(), skips=True)) == memos_as_read()
    assert stock_reads(shop) == set()


def test_a_whole_read_takes_the_sum_of_what_is_at_one_place_and_reads_the_rest(shop: RunningEmulator) -> None:
    memos = memos_as_read()
    assert levels_of(walked(shop, memos, skips=False)) == memos
    assert stock_reads(shop) == {name for name, memo in memos.items() if len(memo.levels[""]) > 1}
    assert len(stock_reads(shop)) == PRODUCTS / 10 + 1


def test_stock_that_came_to_an_address_that_nobody_named_is_read(shop: RunningEmulator) -> None:
    memos = memos_as_read()
    changed = marketplace()
    changed["Objects"]["InventoryRecords"].append(
        {"ProductID": "P-0001", "ID": "x", "AddressID": "zzz", "QuantityAvailable": 9}
    )
    shop.seed_with(changed)
    shop.clear_requests()
    again = walked(shop, memos, skips=False)
    assert "P-0001" in stock_reads(shop)
    assert {record["AddressID"] for record in again["P-0001"]["InventoryRecords"]} == {"main", "zzz"}


def test_an_address_that_differs_in_case_alone_is_another_one(shop: RunningEmulator) -> None:
    """Filters do not care for case: the records themselves said which it is."""
    memos = dict.fromkeys(memos_as_read(), StockMemo(STAMP, False, {"": {"MAIN": 1}}))
    shop.clear_requests()
    walked(shop, memos, skips=False)
    assert len(stock_reads(shop)) == PRODUCTS


@pytest.mark.parametrize("instead", ["nowhere", "*", "main", "north"], ids=["nothing", "everything", "first", "second"])
def test_a_filter_by_range_that_is_not_followed_spares_nothing(shop: RunningEmulator, instead: str) -> None:
    memos = memos_as_read()
    shop.clear_requests()
    assert len(walked(shop, memos, skips=False, instead=instead)) == PRODUCTS
    assert len(stock_reads(shop)) == PRODUCTS


def test_a_filter_by_range_that_is_refused_spares_nothing(shop: RunningEmulator) -> None:
    memos = memos_as_read()
    shop.fault("status", path="*/products", query="InventoryRecords.AddressID=%3C", status=400, count=None)
    shop.clear_requests()
    assert len(walked(shop, memos, skips=False)) == PRODUCTS
    assert len(stock_reads(shop)) == PRODUCTS
