"""The light walk, end to end: what ordinary runs find once lookInterval has passed, and in how many requests."""

from __future__ import annotations

import time
from typing import Any

import pytest

from support.checkout import Checkout
from support.syncing import Shop

Json = dict[str, Any]
# So that the next ordinary run is due to look.
PASSED = 1.1


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    return Shop(checkout)


@pytest.fixture
def synced(shop: Shop) -> Shop:
    """120 products with variants and stock by place, synced; nothing in the request log."""
    shop.emulator.seed(120, 5)
    shop.prepare(interval="1s", lookInterval="1s")
    shop.synced("--full")
    time.sleep(PASSED)
    shop.emulator.clear_requests()
    return shop


def reads(shop: Shop) -> list[str]:
    """Return the paths that were read of OrderCloud."""
    found = (entry["path"] for entry in shop.emulator.requests() if entry["method"] == "GET")
    return [path.removeprefix("/ordercloud/v1/") for path in found if path.startswith("/ordercloud/")]


def going_through(shop: Shop, *, variants: bool) -> list[Json]:
    """Return the active products that go through, those with variants or those without."""
    held = shop.held().products
    rows: list[Json] = shop.emulator.state()["ordercloud"]["commerce"]["objects"]["Product"][""]
    found = [one for one in rows if one["ID"] in held and bool(of_product(shop, one)) is variants and one["Active"]]
    return [one for one in found if one.get("DefaultPriceScheduleID")]


def of_product(shop: Shop, product: Json) -> list[Json]:
    """Return the variants of a product."""
    rows: list[Json] = shop.portal("GET", f"products/{product['ID']}/variants")["Items"]
    return rows


@pytest.mark.usefixtures("on_both")
def test_an_edited_price_a_product_switched_off_and_one_deleted_are_at_the_target_after_an_ordinary_run(
    synced: Shop,
) -> None:
    priced, off, gone, renamed = going_through(synced, variants=False)[:4]
    prices = [{"Quantity": 1, "Price": 4711.5}]
    synced.portal("PATCH", f"priceschedules/{priced['DefaultPriceScheduleID']}", {"PriceBreaks": prices})
    synced.portal("PATCH", f"products/{off['ID']}", {"Active": False})
    synced.portal("PATCH", f"products/{renamed['ID']}", {"Name": "Renamed"})
    synced.portal("DELETE", f"products/{gone['ID']}")
    before = synced.held()
    report = synced.synced()
    assert report["mode"] == "light"
    assert synced.wrong(before) == []
    assert synced.held().products[off["ID"]] != before.products[off["ID"]]
    assert report["records"]["discontinued"] == 1


def test_where_nothing_changed_it_reads_lists_alone_and_writes_nothing(synced: Shop) -> None:
    report = synced.synced()
    assert (report["mode"], report["records"]["written"], synced.all_writes()) == ("light", 0, [])
    # Two pages of products and of price schedules, and how many there are.
    assert len(reads(synced)) <= 2 * 2 + 3
    assert set(reads(synced)) == {"products", "priceschedules"}


def test_a_product_that_lost_its_usable_id_is_told_of_by_a_look(synced: Shop) -> None:
    before = synced.synced()["records"]["held_back"]
    lost = going_through(synced, variants=False)[0]
    find, put = f'"ID":"{lost["ID"]}","', '"ID":"a//b","'
    synced.emulator.fault("rewrite", path="*/products", count=None, replace=[{"find": find, "put": put}])
    time.sleep(PASSED)
    report = synced.synced()
    assert (report["mode"], report["records"]["held_back"]) == ("light", before + 1)
    assert any(
        "nothing can be asked for by its ID: a//b" in error["message"] for error in synced.log()["errors"].values()
    )
    synced.emulator.clear_faults()
    time.sleep(PASSED)
    synced.synced("--full")
    assert not any("a//b" in external_id for external_id in synced.log()["errors"])


def test_what_stands_inside_a_variant_waits_for_the_walk(synced: Shop) -> None:
    product = going_through(synced, variants=True)[0]
    variant = of_product(synced, product)[0]["ID"]
    synced.portal("PATCH", f"products/{product['ID']}/variants/{variant}", {"xp": {"SKU": "seen-by-a-walk"}})
    before = synced.held()
    assert synced.synced()["mode"] == "light"
    assert synced.held() == before
    assert synced.wrong(before) != []


def test_status_says_per_part_when_it_was_compared_and_will_be(synced: Shop) -> None:
    [status] = synced.checkout.call("sync", "status", "--format", "json").json["syncs"]
    parts = status["freshness"]["parts"]
    assert list(parts) == ["product", "stock", "prices"]
    full = parts["prices"]["shown"]["compared_at"]
    assert full == parts["prices"]["inside"]["compared_at"] == status["last_full_run"]["started_at"]
    assert status["next"]["mode"] == "light"
    light = synced.synced()
    [status] = synced.checkout.call("sync", "status", "--format", "json").json["syncs"]
    for part in status["freshness"]["parts"].values():
        assert (part["shown"]["compared_at"], part["inside"]["compared_at"]) == (light["started_at"], full)
        assert part["shown"]["next_at"] < part["inside"]["next_at"]
    said = " ".join(synced.checkout.call("sync", "status").stdout.split())
    assert "what lists show of product, stock and prices: compared" in said
    assert "2 h promised" in said
    assert "1 d 2 h promised" in said
