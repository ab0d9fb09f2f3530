"""The vendor's seeds, and shapes like theirs, through a whole life; after each step the site is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.emulator.testing import emulator_process
from support.checkout import Checkout, wait_until
from support.syncing import Shop

MAPPING = {"mapping": {"variants.sku": "xp.SKU || ID"}}
VENDORS = ("Vercel-B2C.yml", "Variant-Inventory-Records-Example.yml")

Json = dict[str, Any]


@pytest.fixture
def shop(tmp_path: Any) -> Iterator[Shop]:
    with emulator_process() as emulator:
        yield Shop(Checkout(tmp_path, emulator))


def plant(shop: Shop, seed: str) -> None:
    if seed in SHAPES:
        catalogs = [{"ID": "all", "Name": "All", "Active": True}]
        shop.emulator.seed_with({"Objects": {"Catalogs": catalogs, **SHAPES[seed]()}})
        return
    shop.seed_file(seed)
    for n in range(3):
        shop.portal("POST", "products", {"ID": f"zz-{n}", "Name": f"Further {n}", "Active": True})
    if not shop.portal("GET", "catalogs")["Items"]:
        shop.portal("POST", "catalogs", {"ID": "all", "Name": "All", "Active": True})


def priced(key: str, price: float, **members: Any) -> Json:
    breaks = [{"Quantity": 1, "Price": price}, {"Quantity": 10, "Price": price * 0.75}]
    return {"ID": key, "Name": "Price", "PriceBreaks": breaks, **members}


def plain() -> Json:
    """Products without variants: some are switched off, without a price, without stock."""
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
    return {"Products": products, "PriceSchedules": [priced(f"g{n}", n + 0.99) for n in range(8)]}


def with_options() -> Json:
    """Variants of options that cost something, and prices for one buyer beside the default ones."""
    costs = {
        "red": ("NoMarkup", None),
        "blue": ("AmountPerQuantity", 0.1),
        "s": ("Percentage", 3.3),
        "m": ("Percentage", 0),
    }
    options = [
        {"ID": option, "SpecID": "colour" if len(option) > 1 else "size", "Value": option.title()}
        | {"PriceMarkupType": kind, "PriceMarkup": markup}
        for option, (kind, markup) in costs.items()
    ]
    keys = [f"v{n}" for n in range(4)]
    tracked = {"Enabled": True, "VariantLevelTracking": False, "QuantityAvailable": 7}
    return {
        "Buyers": [{"ID": "acme", "Name": "Acme", "Active": True, "DefaultCatalogID": "all"}],
        "Specs": [{"ID": key, "Name": key.title(), "DefinesVariant": True} for key in ("colour", "size")],
        "SpecOptions": options,
        "SpecProductAssignments": [{"SpecID": spec, "ProductID": key} for key in keys for spec in ("colour", "size")],
        "PriceSchedules": [
            *(priced(key, 0.0039 + n, Currency="GBP") for n, key in enumerate(keys)),
            *(priced(f"{key}-acme", 0.5, Currency="GBP") for key in keys),
        ],
        "Products": [
            {"ID": key, "Name": f"With options {key}", "Active": True, "VariantCount": 4}
            | {"DefaultPriceScheduleID": key, "Inventory": tracked}
            for key in keys
        ],
        "ProductAssignments": [{"ProductID": key, "BuyerID": "acme", "PriceScheduleID": f"{key}-acme"} for key in keys],
    }


def with_places() -> Json:
    """Deep categories, and stock in several records: of places, of one place twice, of variants; and a sale."""
    keys = [f"w{n}" for n in range(5)]
    depth = ["top", "below", "deeper", "deepest"]
    places = ("main", "warehouse-1", "warehouse-2")
    return {
        "AdminAddresses": [{"ID": place, "Street1": "1", "City": "Leeds", "Country": "GB"} for place in places],
        "Categories": [
            {"ID": key, "CatalogID": "all", "Name": key, "Active": True, **({"ParentID": depth[n - 1]} if n else {})}
            for n, key in enumerate(depth)
        ],
        "Specs": [{"ID": "size", "Name": "Size", "DefinesVariant": True}],
        "SpecOptions": [{"ID": option, "SpecID": "size", "Value": option} for option in ("s", "m")],
        "SpecProductAssignments": [{"SpecID": "size", "ProductID": "w4"}],
        "PriceSchedules": [priced(key, 12.5, SaleStart="2020-01-01T00:00:00Z") for key in keys],
        "Products": [
            {"ID": key, "Name": f"With places {key}", "Active": True, "DefaultPriceScheduleID": key}
            | {"Inventory": {"Enabled": True, "VariantLevelTracking": key == "w4"}}
            | ({"VariantCount": 2} if key == "w4" else {})
            for key in keys
        ],
        "InventoryRecords": [
            {"ID": f"{key}-{n}", "ProductID": key, "AddressID": place, "QuantityAvailable": 10 * n + 1}
            for key in keys[:4]
            for n, place in enumerate((*places, "main"))
        ],
        "VariantInventoryRecords": [
            {"ID": f"w4-{option}", "ProductID": "w4", "VariantID": f"w4-{option}", "AddressID": "warehouse-1"}
            | {"QuantityAvailable": 3}
            for option in ("s", "m")
        ],
        "CategoryProductAssignments": [{"CatalogID": "all", "CategoryID": "deepest", "ProductID": key} for key in keys],
    }


SHAPES: dict[str, Callable[[], Json]] = {"plain": plain, "with options": with_options, "with places": with_places}


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


@pytest.mark.parametrize("seed", [*VENDORS, *SHAPES])
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
