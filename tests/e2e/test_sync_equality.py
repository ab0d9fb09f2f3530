"""What the site holds after a sync is what the naive mapping expects, field by field; a second run writes nothing."""

from __future__ import annotations

import os

import pytest

from support.checkout import Checkout
from support.oddities import Marketplace
from support.syncing import Shop
from support.worked import whoever_works

PRODUCTS = int(os.environ.get("RECONCILER_TEST_PRODUCTS", "150"))
SEEDS = range(int(os.environ.get("RECONCILER_TEST_SEEDS", "2")))


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    return Shop(checkout)


def assert_right_and_quiet(shop: Shop) -> None:
    """A full sync brings the site to where it should be; after it, neither a full nor an incremental run has to do."""
    shop.synced("--full")
    assert shop.wrong() == []
    shop.emulator.clear_requests()
    shop.synced("--full")
    assert shop.writes() == []
    assert shop.wrong() == []
    shop.emulator.clear_requests()
    shop.synced()
    assert shop.all_writes() == []


@pytest.mark.parametrize("file", ["Vercel-B2C.yml", "Variant-Inventory-Records-Example.yml"])
def test_the_vendors_marketplaces(shop: Shop, file: str) -> None:
    """Nobody wrote SKUs for them: every variant has a problem, until a mapping takes the ID."""
    shop.seed_file(file)
    shop.prepare()
    shop.synced("--full")
    assert shop.wrong() == []
    held = shop.held()
    assert held.products == {}
    assert held.errors
    locations = {"supplier-address-1": "warehouse-1"}
    stock = {"locations": locations, "default": "main"}
    shop.change(products={"mapping": {"variants.sku": "ID"}}, stock=stock)
    assert_right_and_quiet(shop)
    assert shop.held().products


@whoever_works()
def test_a_generated_marketplace(shop: Shop) -> None:
    """With every flaw of real life in it; RECONCILER_TEST_PRODUCTS=30000 for a large one."""
    seeded = shop.emulator.seed(PRODUCTS, 1)
    assert len(seeded["flaws"]) >= min(10, PRODUCTS // 25)
    shop.prepare()
    assert_right_and_quiet(shop)
    held = shop.held()
    assert len(held.products) > 0.9 * PRODUCTS
    assert held.errors


@whoever_works()
def test_one_catalog_of_it(shop: Shop) -> None:
    shop.emulator.seed(100, 2)
    shop.prepare(products={"catalogs": ["trade"], "shipWeightUnit": "lb"})
    assert_right_and_quiet(shop)
    assert 20 < len(shop.held().products) < 90


@pytest.mark.parametrize("seed", SEEDS)
@whoever_works()
def test_odd_marketplaces_that_age(shop: Shop, seed: int) -> None:
    """What a run does depends on what the site holds; so the naive mapping is told what it held before."""
    market = Marketplace(60, seed)
    shop.emulator.seed_with(market.seed())
    shop.prepare(maxDeletePercent=50)
    assert_right_and_quiet(shop)
    for _ in range(2):
        before = shop.held()
        market.age(changed=12, gone=3, new=3)
        shop.emulator.seed_with(market.seed())
        shop.synced("--full")
        assert shop.wrong(before) == []
        shop.emulator.clear_requests()
        shop.synced("--full")
        assert shop.writes() == []
