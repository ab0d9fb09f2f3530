"""Mappings that would never end, or that look as if they held secrets, cost nothing but what they should."""

from __future__ import annotations

from support.checkout import Checkout
from support.syncing import Shop

EXPLODING = "[@,@]" + "|[@,@][]" * 34 + "|length(@)"


def test_a_mapping_that_would_never_end_costs_a_run_nothing_but_the_records_it_meets(checkout: Checkout) -> None:
    shop = Shop(checkout)
    shop.emulator.seed(30, 1)
    shop.prepare(products={"mapping": {"variants.rrp": f"VariantCount > `0` && ({EXPLODING}) || xp.rrp"}})
    shop.synced("--full")
    said = [error["message"] for error in shop.log()["errors"].values()]
    costly = [message for message in said if "it takes too much work" in message]
    assert all("The mapping of variants.rrp" in message for message in costly)
    assert costly
    assert shop.held().products


def test_an_expression_with_a_query_in_it_is_no_secret_and_runs_once_it_is_applied(checkout: Checkout) -> None:
    shop = Shop(checkout)
    shop.portal("POST", "products", {"ID": "p", "Name": "Hammer", "Active": True, "xp": {"SKU": "H"}})
    image = "join('', ['https://cdn.example.com/i?sku=', xp.SKU, '&key=', ID])"
    shop.prepare(products={"mapping": {"variants.cartImageUrl": image}})
    assert shop.checkout.pending() == []
    shop.synced("--full")
    assert "https://cdn.example.com/i?sku=H&key=p" in str(shop.held().products)
