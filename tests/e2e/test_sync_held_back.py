"""A shop of which little or nothing goes through is told as such, with the one expression that would mend it."""

from __future__ import annotations

import pytest

from support.checkout import Checkout
from support.syncing import Shop

SEEDS = ("Vercel-B2C.yml", "Variant-Inventory-Records-Example.yml")
REMEDY = 'variants.sku: "xp.SKU || ID"'


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    return Shop(checkout)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_vendor_seed_without_skus_says_that_nothing_goes_through_and_what_would_help(shop: Shop, seed: str) -> None:
    shop.seed_file(seed)
    shop.prepare()
    report = shop.synced()
    held = report["held_back"]
    assert held["records"] == held["in_scope"] == report["records"]["held_back"] > 0
    assert REMEDY in held["remedy"]
    assert shop.run("--fail-on-problems").status == 5
    small = held["records"] < 3
    drift = shop.checkout.call("drift", "--format", "json")
    causes = {item["cause"] for item in drift.json["items"]}
    assert (drift.status, causes) == ((0, set()) if small else (2, {"held-back"}))
    text = shop.checkout.call("sync", "status").stdout
    assert "nothing goes through" in text
    assert "up to date" not in text
    errors = shop.checkout.call("sync", "errors", "shop", "--format", "json").json
    assert errors["codes"][0] == {
        "code": "no-sku",
        "external_ids": errors["open"],
        "held_back": held["records"],
    }
    assert REMEDY in " ".join(shop.checkout.call("sync", "errors", "shop").stdout.split())
    shop.change(products={"mapping": {"variants.sku": "xp.SKU || ID"}})
    after = shop.synced()
    assert (after["held_back"]["records"], after["records"]["written"]) == (0, held["records"])
    assert shop.checkout.call("drift").status == 0
    assert "up to date" in shop.checkout.call("sync", "status").stdout
