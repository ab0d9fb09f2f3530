"""Of products that are looked at, five are read by their IDs, and of the others the stock, as far as 500 SKUs go."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace

from reconciler.sparklayer.records import StockLevel
from reconciler.sync.products import target
from reconciler.sync.products.model import Held, Part, held_to_json
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.target import ProductTarget

SETTINGS = ProductSettings(default_location="main")


class AtOnce:
    """Repeats nothing."""

    async def repeat(self, request: Any) -> Any:
        return await request()


class Asked:
    """What a site was asked for; it has every product but the first one, and one piece of everything."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.products: list[str] = []
        self.skus: list[list[str]] = []
        monkeypatch.setattr(target, "read_product", self.read_product)
        monkeypatch.setattr(target, "read_stock", self.read_stock)

    async def read_product(self, _reader: Any, key: str) -> dict[str, Any] | None:
        self.products.append(key)
        return None if key == "p00" else {"external_id": key, "variants": []}

    async def read_stock(self, _reader: Any, skus: Sequence[str]) -> dict[str, tuple[StockLevel, ...]]:
        self.skus.append(list(skus))
        return {sku: (StockLevel(sku, "main", 1),) for sku in skus}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def looked_at(each: int, settings: ProductSettings = SETTINGS) -> Any:
    """Look at thirty products with so many SKUs each."""
    held = {
        f"p{number:02}": held_to_json(Held(skus={f"p{number:02}-{sku}": ("main",) for sku in range(each)}))
        for number in range(30)
    }
    return asyncio.run(ProductTarget(cast("Any", None), settings, cast("Any", AtOnce())).observe_held(held, None))


def test_five_are_read_by_their_ids_and_the_stock_of_all_by_one_request(asked: Asked) -> None:
    found = looked_at(2)
    assert asked.products == [f"p{number:02}" for number in range(5)]
    assert [len(skus) for skus in asked.skus] == [60]
    assert found.missing == {"p00"}
    by_part = {key: set(prints) for key, prints in found.prints.items()}
    assert by_part["p00"] == {"stock"}
    assert by_part["p01"] == {"product", "stock"}
    assert by_part["p29"] == {"stock"}


def test_what_does_not_fit_into_one_request_is_neither_missing_nor_compared(asked: Asked) -> None:
    found = looked_at(90)
    assert [len(skus) for skus in asked.skus] == [5 * 90]
    assert found.missing == {"p00"}
    assert [key for key, prints in found.prints.items() if prints] == asked.products


def test_without_stock_there_are_those_five_alone(asked: Asked) -> None:
    found = looked_at(2, replace(SETTINGS, parts=frozenset({Part.PRODUCT})))
    assert (len(asked.products), asked.skus) == (5, [])
    assert set(found.prints["p29"]) == set()


def test_without_products_the_stock_of_all_is_looked_at(asked: Asked) -> None:
    found = looked_at(2, replace(SETTINGS, parts=frozenset({Part.STOCK})))
    assert (asked.products, [len(skus) for skus in asked.skus]) == ([], [60])
    assert not found.missing
