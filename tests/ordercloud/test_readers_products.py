from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest
from readers_helpers import Dump, by_id, check_same, connected, plain

from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.errors import ApiError
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.ordercloud.readers.records import Freshness, Product, Reading


@pytest.fixture(scope="module")
def _shared() -> Iterator[RunningEmulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(_shared: RunningEmulator) -> RunningEmulator:
    _shared.reset()
    return _shared


def walked(emulator: RunningEmulator, **options: Any) -> list[Product]:
    async def read() -> list[Product]:
        async with connected(emulator) as reader, aclosing(ProductReader(reader).walk(**options)) as products:
            return [product async for product in products]

    return asyncio.run(read())


def one(emulator: RunningEmulator, product_id: str, **options: Any) -> Reading[Product]:
    async def read() -> Reading[Product]:
        async with connected(emulator) as reader:
            return await ProductReader(reader).one(product_id, **options)

    return asyncio.run(read())


def gets(emulator: RunningEmulator) -> list[str]:
    return [entry["path"] for entry in emulator.requests() if entry["method"] == "GET"]


def test_a_walk_gives_exactly_the_marketplace(emulator: RunningEmulator) -> None:
    emulator.seed(1_500)
    expected = {name: plain(row) for name, row in Dump(emulator).products().items()}
    check_same(by_id(walked(emulator)), expected)


def test_no_request_is_sent_that_a_list_can_spare(emulator: RunningEmulator) -> None:
    emulator.seed(1_500)
    dump = Dump(emulator)
    products = dump.products()
    emulator.clear_requests()
    walked(emulator)
    lists = -(-len(products) // 100)
    schedules = len({row.get("DefaultPriceScheduleID") for row in products.values()} - {None})
    flagged = [
        row
        for row in products.values()
        if row["InventoryRecords"] or any(variant["InventoryRecords"] for variant in row["Variants"])
    ]
    tracked = [row for row in flagged if row["Inventory"].get("VariantLevelTracking")]
    own = sum(1 for row in products.values() if row["Variants"])
    own += len(flagged) - len(tracked) + sum(len(row["Variants"]) for row in tracked)
    least = lists + -(-schedules // 100) + own
    # The check for numbers, the count of products with stock, their lists, and the size of the price list.
    assert len(gets(emulator)) <= least + 3 + -(-len(flagged) // 100) + 1
    assert len(gets(emulator)) <= 1.05 * least


def test_parts_that_are_not_asked_for_cost_nothing(emulator: RunningEmulator) -> None:
    emulator.seed(300)
    emulator.clear_requests()
    products = walked(emulator, parts=Parts(variants=False, stock=False, prices=False))
    assert len(products) == len(Dump(emulator).products())
    assert set(gets(emulator)) == {"/ordercloud/v1/products"}
    assert "Variants" not in products[0]
    assert "DefaultPriceSchedule" not in products[0]
