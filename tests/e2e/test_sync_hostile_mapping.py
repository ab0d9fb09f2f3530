"""Mappings that would never end, or that look as if they held secrets, cost nothing but what they should."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Mapping
from typing import Any

import pytest

from support.checkout import Checkout, wait_until
from support.hostile import bounded
from support.syncing import Shop

RECORDS = 1_000
EXPLODING = "[@,@]" + "|[@,@][]" * 34 + "|length(@)"


def test_a_mapping_that_would_never_end_costs_a_run_nothing_but_the_records_it_meets(checkout: Checkout) -> None:
    shop = Shop(checkout)
    shop.emulator.seed(30, 1)
    shop.prepare(products={"mapping": {"variants.rrp": f"VariantCount > `0` && ({EXPLODING}) || xp.rrp"}})
    with bounded(seconds=60, megabytes=500):
        shop.synced("--full")
    said = [error["message"] for error in shop.log()["errors"].values()]
    costly = [message for message in said if "it takes too much work" in message]
    assert all("The mapping of variants.rrp" in message for message in costly)
    assert costly
    assert shop.held().products


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "sync cancel"])
def test_a_run_whose_mappings_take_all_the_work_they_may_hears_every_wish_to_end(checkout: Checkout, how: str) -> None:
    shop = Shop(checkout)
    shop.emulator.seed(RECORDS, 1)
    costly = ("variants.rrp", "variants.weightInGrams", "variants.cartImageUrl", "title")
    shop.prepare(products={"mapping": dict.fromkeys(costly, f"({EXPLODING}) || ID")})
    shop.emulator.clear_requests()
    used = cpu_of_children()
    process = checkout.start("sync", "run", "shop", "--full", "--format", "json")
    try:
        # By now it maps what it has read, or is about to; it is heard at any instant.
        wait_until(lambda: process.poll() is not None or any(map(is_of_a_product, shop.emulator.requests())))
        if how == "sync cancel":
            assert "begins anew" in checkout.call("sync", "cancel", "shop").stdout
        else:
            process.send_signal(signal.Signals[how])
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, stderr
    report = json.loads(stdout)
    assert report["state"] == ("cancelled" if how == "sync cancel" else "interrupted")
    assert report["records"]["seen"] < RECORDS
    # To map all of them takes many times as long.
    assert cpu_of_children() - used < 6


def is_of_a_product(request: Mapping[str, Any]) -> bool:
    return "/products/" in request["path"] or "/variants" in request["path"]


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_an_expression_with_a_query_in_it_is_no_secret_and_runs_once_it_is_applied(checkout: Checkout) -> None:
    shop = Shop(checkout)
    shop.portal("POST", "products", {"ID": "p", "Name": "Hammer", "Active": True, "xp": {"SKU": "H"}})
    image = "join('', ['https://cdn.example.com/i?sku=', xp.SKU, '&key=', ID])"
    shop.prepare(products={"mapping": {"variants.cartImageUrl": image}})
    assert shop.checkout.pending() == []
    shop.synced("--full")
    assert "https://cdn.example.com/i?sku=H&key=p" in str(shop.held().products)
