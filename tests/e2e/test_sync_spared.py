"""What runs need not read: stock that did not move, by its stamp, and most of a sample; and where that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from support.checkout import Checkout
from support.syncing import Shop

Json = dict[str, Any]
DAY, WEEK = 25, 8 * 24
LAG = 600


@pytest.fixture
def synced(checkout: Checkout) -> Shop:
    """Thirty products with variants and stock by place, synced; nothing in the request log."""
    shop = Shop(checkout)
    shop.emulator.seed(30, 5)
    shop.prepare()
    shop.synced("--full")
    shop.emulator.clear_requests()
    return shop


def walk(shop: Shop, hours: float = DAY) -> Json:
    """Return the report of the walk that is due after so many hours."""
    shop.time_passes(hours)
    shop.emulator.clear_requests()
    report = shop.synced()
    assert report["mode"] == "walk"
    return report


def stock_reads(shop: Shop) -> int:
    return sum(entry["path"].endswith("/inventoryrecords") for entry in shop.emulator.requests())


def status_of(shop: Shop) -> Json:
    [status] = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
    return dict(status)


def record_of(shop: Shop) -> str:
    """Return the path of an inventory record of a product that goes through and has stock at `warehouse-1` alone."""
    records = shop.emulator.state()["ordercloud"]["commerce"]["objects"]["InventoryRecord"]
    held = shop.held()
    [path, *_] = [
        f"products/{product}/inventoryrecords/{rows[0]['ID']}"
        for product, rows in sorted(records.items())
        if product in held.products
        and len(rows) == 1
        and rows[0]["AddressID"] == "warehouse-1"
        and rows[0]["QuantityAvailable"]
    ]
    return path


@pytest.mark.usefixtures("on_both")
def test_a_walk_reads_no_stock_that_did_not_move_and_every_seventh_reads_all(synced: Shop) -> None:
    assert walk(synced)["records"]["written"] == 0
    assert (stock_reads(synced), synced.wrong()) == (0, [])
    synced.portal("PATCH", record_of(synced), {"QuantityAvailable": 4711})
    before = synced.held()
    walk(synced)
    assert (stock_reads(synced), synced.wrong(before)) == (1, [])
    walk(synced, WEEK)
    assert stock_reads(synced) > 10


@pytest.mark.parametrize("stamp", ["every_change", "never"])
def test_stock_that_moves_to_another_place(synced: Shop, stamp: str) -> None:
    """Where the stamp stays as it was, only a whole read finds it, and ends what leant on stamps."""
    walk(synced)
    synced.emulator.switch(stock_stamp=stamp)
    synced.portal("PATCH", record_of(synced), {"AddressID": "shop-leeds"})
    synced.emulator.clock(advance=3600)
    before = synced.held()
    walk(synced)
    moves = stamp == "every_change"
    assert (synced.wrong(before) == []) is moves
    known = status_of(synced)["freshness"]
    found = walk(synced, WEEK)
    assert synced.wrong(before) == []
    said = [remark for remark in found["remarks"] if "Inventory.LastUpdated of the product did not" in remark]
    assert len(said) == (0 if moves else 1)
    after = status_of(synced)["freshness"]
    assert known["whole"]["compared_at"] < known["parts"]["stock"]["inside"]["compared_at"]
    assert (after["distrusted"] is None) is (after["whole"] is not None) is moves
    walk(synced)
    assert (stock_reads(synced) == 0) is moves
    words = " ".join(synced.checkout.call("sync", "status").stdout.split())
    assert ("so every walk reads all of it" in words) is not moves


def test_stock_of_which_the_sum_is_another_is_read_whatever_the_stamp_says(synced: Shop) -> None:
    synced.emulator.switch(stock_stamp="never")
    synced.portal("PATCH", record_of(synced), {"QuantityAvailable": 4711})
    before = synced.held()
    walk(synced)
    assert synced.wrong(before) == []


def test_a_list_that_lags_brings_no_stock_back_that_was_written_since(synced: Shop) -> None:
    record = record_of(synced)
    synced.emulator.search_lag(LAG)
    synced.portal("PATCH", record, {"QuantityAvailable": 4711})
    before = synced.held()
    synced.checkout.call("sync", "retry", "shop", record.split("/")[1])
    assert synced.synced()["records"]["written"] == 1
    assert walk(synced)["records"]["written"] == 0
    assert synced.wrong(before) == []


def test_a_run_that_finds_nothing_to_do_asks_little(synced: Shop) -> None:
    report = synced.synced()
    assert (report["mode"], report["records"]["seen"]) == ("incremental", 0)
    assert len(synced.emulator.requests()) <= 14


@pytest.mark.parametrize("gone", [True, False], ids=["products", "stock"])
def test_products_that_went_are_noticed_while_their_stock_stayed_and_stock_while_they_did(
    synced: Shop, gone: bool
) -> None:
    site = synced.emulator.site()
    if gone:
        for name in ("products", "variants"):
            site[name]["records"] = []
    else:
        site["stock"] = {}
    synced.emulator.load_site(site)
    assert synced.synced()["mode"] == "verify"
    assert synced.wrong() == []
