"""Whole commands against APIs that lie: an error with its exit status, soon, and with little memory."""

from __future__ import annotations

import gzip
import tracemalloc
from base64 import b64encode
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from support.checkout import Checkout
from support.hostile import bounded
from support.syncing import Shop

MEGABYTE = 1_000_000
BOMB = b64encode(gzip.compress(gzip.compress(bytes(30 * MEGABYTE)))).decode()


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    shop = Shop(checkout)
    shop.emulator.seed(12, 1)
    shop.prepare()
    shop.emulator.clear_requests()
    return shop


HOSTILE: dict[str, dict[str, Any]] = {
    "millions of pages of price lists": {
        "effect": "rewrite",
        "path": "*/price-lists*",
        "replace": [{"find": r'"total_pages":\d+', "put": '"total_pages":5000000'}],
    },
    "millions of pages of delivery configs": {
        "effect": "rewrite",
        "path": "*/deliveryconfig",
        "replace": [{"find": r'"TotalPages":\d+', "put": '"TotalPages":50000000'}],
    },
    "true is a number of pages": {
        "effect": "rewrite",
        "path": "*/price-lists*",
        "replace": [{"find": r'"total_pages":\d+', "put": '"total_pages":true'}],
    },
    "two layers of compression": {"effect": "answer", "base64": BOMB, "headers": {"Content-Encoding": "gzip, gzip"}},
    "one layer that grows": {
        "effect": "answer",
        "base64": b64encode(gzip.compress(bytes(80 * MEGABYTE))).decode(),
        "headers": {"Content-Encoding": "gzip"},
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_plan_ends_soon_and_small(shop: Shop, name: str) -> None:
    rule = dict(HOSTILE[name])
    shop.emulator.fault(rule.pop("effect"), count=None, **rule)
    tracemalloc.start()
    try:
        with bounded(seconds=30, megabytes=500):
            ended = shop.checkout.call("plan", "--format", "json")
        # The largest body that is taken, and what stands in memory while it is.
        assert tracemalloc.get_traced_memory()[1] < 150 * MEGABYTE
    finally:
        tracemalloc.stop()
    # A list of delivery configs that is empty and announces pages is empty.
    assert ended.status in ((0, 2) if "delivery" in name else (1,)), str(ended)
    assert "internal-error" not in ended.stderr
    if ended.status == 1:
        assert "api-unexpected-answer" in ended.stderr
    assert len(shop.emulator.requests()) < 60


@pytest.mark.parametrize("nth", [1, 2, 3, 5])
@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1), None], ids=["ahead", "behind", "absurd"])
def test_one_wrong_date_loses_no_change(shop: Shop, nth: int, wrong: timedelta | None) -> None:
    now = datetime.fromisoformat(shop.emulator.clock()["now"])
    date = "Fri, 31 Dec 9999 23:59:59 GMT" if wrong is None else format_datetime(now + wrong, usegmt=True)
    shop.emulator.fault("rewrite", path="*/v1/products*", nth=nth, headers={"Date": date, "Retry-After": "9" * 400})
    shop.synced("--full")
    shop.emulator.clear_faults()
    product = next(item for item in shop.portal("GET", "products")["Items"] if not item["VariantCount"])
    shop.portal("PATCH", f"products/{product['ID']}", {"Inventory": {"Enabled": True, "QuantityAvailable": 77}})
    assert shop.synced()["records"]["seen"] >= 1
    assert shop.wanted(shop.held()).stock == shop.held().stock
