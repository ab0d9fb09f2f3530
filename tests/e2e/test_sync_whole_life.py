"""The vendor's seeds, and shapes like theirs, through a whole life; after each step the site is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.emulator.testing import emulator_process
from support.checkout import Checkout, wait_until
from support.syncing import Shop

MAPPING = {"mapping": {"variants.sku": "xp.SKU || ID"}}
SEEDS = ("Vercel-B2C.yml", "Variant-Inventory-Records-Example.yml", "generated")


@pytest.fixture
def shop(tmp_path: Any) -> Iterator[Shop]:
    with emulator_process() as emulator:
        yield Shop(Checkout(tmp_path, emulator))


def plant(shop: Shop, seed: str) -> None:
    if seed != "generated":
        shop.seed_file(seed)
        for n in range(3):
            shop.portal("POST", "products", {"ID": f"zz-{n}", "Name": f"Further {n}", "Active": True})
        if not shop.portal("GET", "catalogs")["Items"]:
            shop.portal("POST", "catalogs", {"ID": "all", "Name": "All", "Active": True})
        return
    products = [
        {
            "ID": f"g{n}",
            "Name": f"Generated {n}",
            "Active": n % 4 != 0,
            "DefaultPriceScheduleID": f"g{n}" if n % 3 else None,
            "Inventory": {"Enabled": True, "QuantityAvailable": n} if n % 2 else None,
            "xp": {"Images": [{"Url": f"https://images.example.com/{n}.png"}]},
        }
        for n in range(8)
    ]
    prices = [{"ID": f"g{n}", "Name": "Price", "PriceBreaks": [{"Quantity": 1, "Price": n + 0.99}]} for n in range(8)]
    shop.emulator.seed_with(
        {
            "Objects": {
                "Products": products,
                "PriceSchedules": prices,
                "Catalogs": [{"ID": "all", "Name": "All", "Active": True}],
            }
        }
    )


def remedied(shop: Shop, **products: Any) -> None:
    """Apply what `sync errors` names as the remedy; none of these products has a SKU of its own."""
    shop.change(products={**MAPPING, **products}, maxDeletePercent=100)
    shop.options = replace(shop.options, sku_is_id=True)


def killed(shop: Shop, nth: int) -> None:
    """Kill a full sync at some request."""
    shop.emulator.fault("hang", nth=nth, when="after")
    process = shop.checkout.fork("sync", "run", "shop", "--full")
    try:
        wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]) or process.poll() is not None, 120)
        process.kill()
    finally:
        process.communicate()
    shop.emulator.clear_faults()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shop_without_skus_lives_through_all_of_it(shop: Shop, seed: str) -> None:
    plant(shop, seed)
    shop.prepare(maxDeletePercent=100)
    nothing = shop.synced("--full")
    assert nothing["held_back"]["records"] == nothing["held_back"]["in_scope"] == nothing["records"]["seen"]

    remedied(shop)
    shop.synced()
    assert shop.wrong() == []
    ids = [item["ID"] for item in shop.portal("GET", "products?pageSize=100")["Items"]]

    shop.portal("PATCH", f"products/{ids[0]}", {"Name": "Edited"})
    shop.portal("PATCH", f"products/{ids[1]}", {"Active": False})
    shop.synced("--full")
    assert shop.wrong() == []
    earlier = shop.emulator.site()

    before = shop.held()
    shop.portal("DELETE", f"products/{ids[1]}")
    assert shop.synced("--full")["records"]["discontinued"] == 1
    assert shop.wrong(before) == []

    catalog = shop.portal("GET", "catalogs")["Items"][0]["ID"]
    for product in (each for each in ids if each != ids[1]):
        shop.portal("POST", "catalogs/productassignments", {"CatalogID": catalog, "ProductID": product})
    shop.portal("DELETE", f"catalogs/{catalog}/productassignments/{ids[0]}")
    remedied(shop, catalogs=[catalog])
    before = shop.held()
    assert shop.synced("--full")["records"]["discontinued"] == 1
    assert shop.wrong(before) == []

    remaining = ids[-1]
    shop.portal("PATCH", f"products/{remaining}", {"Name": " "})
    shop.synced("--full")
    shop.portal("PATCH", f"products/{remaining}", {"Name": "Mended"})
    assert shop.checkout.call("sync", "retry", "shop", remaining).status == 0
    assert shop.synced()["records"]["written"] == 1
    assert shop.wrong(shop.held()) == []

    shop.emulator.load_site(earlier)
    assert shop.synced()["mode"] == "verify"
    assert shop.wrong(shop.held()) == []

    shop.portal("PATCH", f"products/{remaining}", {"Name": "Edited before the kill"})
    killed(shop, 12)
    shop.synced("--full")
    assert shop.wrong(shop.held()) == []
    last = shop.synced("--verify")["records"]
    assert (last["written"], last["discontinued"], last["held_back"]) == (0, 0, 0)
    assert shop.wrong(shop.held()) == []
