"""What a run has seen of the site replaces what the ledger believed of it, in a shop of many records."""

from __future__ import annotations

from typing import Any

import pytest

from support.checkout import Checkout
from support.syncing import Shop

PRODUCTS = 200


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    """Two hundred good products, synced."""
    shop = Shop(checkout)
    shop.emulator.seed_with(
        {
            "Objects": {
                "Products": [_product(n) for n in range(PRODUCTS)],
                "PriceSchedules": [
                    {"ID": f"p{n}", "Name": "Price", "Currency": "GBP", "PriceBreaks": [{"Quantity": 1, "Price": 10.0}]}
                    for n in range(PRODUCTS)
                ],
            }
        }
    )
    shop.prepare()
    shop.synced("--full")
    return shop


def _product(number: int) -> dict[str, Any]:
    key = f"p{number}"
    inventory = {"Enabled": True, "QuantityAvailable": 5}
    return {"ID": key, "Name": key, "Active": True, "xp": {"SKU": f"S{number}"}, "Inventory": inventory} | {
        "DefaultPriceScheduleID": key
    }


def emptied(shop: Shop) -> dict[str, Any]:
    """Return the site as it is, without a record or a log in it."""
    site: dict[str, Any] = shop.emulator.site()
    for name in ("products", "variants"):
        site[name]["records"] = []
    return {**site, "stock": {}, "prices": {}, "logs": {}}


def test_what_was_held_back_while_the_site_was_emptied_comes_with_its_mending(shop: Shop) -> None:
    empty = emptied(shop)
    shop.portal("PATCH", "priceschedules/p100", {"Currency": "EUR"})
    shop.portal("PATCH", "products/p101", {"xp": {"SKU": None}})
    shop.portal("PATCH", "products/p102", {"Name": ""})
    shop.emulator.load_site(empty)
    report = shop.synced()
    assert report["mode"] == "verify"
    assert shop.wrong() == []
    shop.portal("PATCH", "priceschedules/p100", {"Currency": "GBP"})
    shop.portal("PATCH", "products/p101", {"xp": {"SKU": "S101"}})
    shop.portal("PATCH", "products/p102", {"Name": "p102"})
    shop.synced("--full")
    assert shop.wrong() == []
