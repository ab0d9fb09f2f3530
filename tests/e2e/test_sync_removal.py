"""What a data sync leaves behind: its products once it is absent, its prices once they go to another list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.checkout import Checkout, Ended, document, wait_until
from support.syncing import Shop

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    shop = Shop(checkout)
    for number in range(4):
        key = f"p{number}"
        breaks = [{"Quantity": 1, "Price": 5 + number}]
        shop.portal("POST", "priceschedules", {"ID": key, "Name": "S", "PriceBreaks": breaks})
        product = {"ID": key, "Name": f"Hammer {number}", "Active": True, "DefaultPriceScheduleID": key}
        inventory = {"Inventory": {"Enabled": True, "QuantityAvailable": number}}
        # One has no SKU: nothing of it ever goes through.
        shop.portal("POST", "products", {**product, **inventory, "xp": {"SKU": key.upper()} if number else {}})
    shop.prepare()
    return shop


def absent(shop: Shop, **on_remove: str) -> dict[str, Any]:
    found = document("DataSync", "shop", {"onRemove": on_remove})
    shop.checkout.write("shop.yaml", {**found, "state": "absent"})
    return found


def live(shop: Shop) -> set[str]:
    products = shop.held().products.items()
    return {key for key, one in products for variant in one["variants"].values() if variant["status"] != "discontinued"}


def prices(shop: Shop, slug: str) -> set[str]:
    return {sku for sku, tiers in shop.emulator.site()["prices"].get(slug, {}).items() if tiers}


def sync_run(shop: Shop, *words: str) -> Ended:
    return shop.checkout.call("sync", "run", "shop", *words)


# What becomes of its products


@pytest.mark.parametrize("logs", ["keep", "clear"])
def test_a_removed_data_sync_discontinues_its_products_in_a_run_of_its_own_under_the_limit(
    shop: Shop, logs: str
) -> None:
    shop.synced("--full")
    assert live(shop) == {"p1", "p2", "p3"}
    absent(shop, products="discontinue", logs=logs)
    plan = shop.checkout.call("plan", "--format", "json")
    told = " ".join(note["message"] for note in plan.json["notes"])
    assert "4 products are discontinued" in told
    assert "maxDeletePercent (10 %) allows 1 in 24 h" in told
    assert sync_run(shop).status == 64
    shop.checkout.applied()
    assert live(shop) == {"p1", "p2", "p3"}
    drift = shop.checkout.call("drift", "--format", "json")
    assert (drift.status, [item["cause"] for item in drift.json["items"]]) == (2, ["unremoved"])
    assert "removed, and not discontinued yet" in shop.checkout.call("sync", "status").stdout
    assert sync_run(shop, "--full").status == 64
    assert shop.checkout.call("sync", "retry", "p1").status == 64

    rehearsed = sync_run(shop, "--dry-run", "--override", "maxDeletePercent", "--reason", "moved", "--format", "json")
    assert rehearsed.json["records"]["discontinued"] == 3
    stopped = shop.run()
    assert (stopped.status, stopped.json["limit"]["ids"]) == (3, ["p1", "p2", "p3"])
    assert live(shop) == {"p1", "p2", "p3"}

    done = shop.synced("--override", "maxDeletePercent", "--reason", "moved")
    assert (done["mode"], done["records"]["discontinued"], done["problems"]["open"]) == ("remove", 3, 0)
    held = shop.held()
    assert (live(shop), held.stock, held.prices, held.errors) == (set(), {}, {}, {})
    assert shop.checkout.call("drift").status == 0
    assert "removed" in shop.checkout.call("sync", "status").stdout
    shop.emulator.clear_requests()
    shop.synced()
    assert shop.all_writes() == []

    shop.change()
    assert shop.synced()["mode"] in ("full", "verify")
    assert live(shop) == {"p1", "p2", "p3"}
    assert shop.wrong() == []


def test_a_removal_that_was_killed_goes_on_and_what_was_applied_with_keep_stays(shop: Shop) -> None:
    shop.synced("--full")
    absent(shop, products="keep", logs="keep")
    shop.checkout.applied()
    absent(shop, products="discontinue", logs="keep")
    # Nobody reviewed that.
    assert sync_run(shop).status == 64
    assert live(shop) == {"p1", "p2", "p3"}
    shop.change(onRemove={"products": "discontinue", "logs": "keep"})
    absent(shop, products="discontinue", logs="keep")
    shop.checkout.applied()
    shop.emulator.fault("status", status=503, count=None, path="*/api/v1/products/*")
    cut = shop.run("--override", "maxDeletePercent", "--reason", "moved", "--patience", "1")
    assert cut.json["state"] == "interrupted"
    shop.emulator.clear_faults()
    done = shop.synced("--override", "maxDeletePercent", "--reason", "moved")
    assert (done["mode"], done["resumed"]) == ("remove", True)
    assert live(shop) == set()


def test_the_price_list_may_be_gone_with_the_data_sync(shop: Shop) -> None:
    shop.synced("--full")
    absent(shop, products="discontinue", logs="keep")
    shop.checkout.applied()
    site = shop.emulator.site()
    site["price_lists"].pop("ordercloud-price")
    site["prices"].pop("ordercloud-price")
    shop.emulator.load_site(site)
    shop.synced("--override", "maxDeletePercent", "--reason", "moved")
    assert live(shop) == set()


# Prices on an old list


def test_prices_on_the_old_list_are_cleared_after_they_were_shown_and_under_the_limit(shop: Shop) -> None:
    shop.synced("--full")
    shop.change(pricing={"priceList": "two"})
    shop.synced("--full")
    assert prices(shop, "ordercloud-price") == prices(shop, "two") == {"P1", "P2", "P3"}
    site = shop.emulator.site()
    site["prices"]["ordercloud-price"]["THEIRS"] = site["prices"]["two"]["P1"]
    shop.emulator.load_site(site)
    clear = ("--clear-list", "ordercloud-price")
    assert sync_run(shop, "--clear-list", "two", "--yes").status == 64
    assert "nobody to ask" in sync_run(shop, *clear).stderr
    refused = sync_run(shop, *clear, "--yes")
    assert (refused.status, "3 products would lose the prices" in refused.stderr) == (3, True)
    shown = " ".join(sync_run(shop, *clear, "--dry-run").stderr.split())
    assert "those of 3 SKUs, and maxDeletePercent" in shown
    assert "none did: p1, p2, p3" in shown.lower(), shown
    vouched = (*clear, "--override", "maxDeletePercent", "--reason", "old list")
    shown = sync_run(shop, *vouched, "--dry-run", "--format", "json")
    assert (shown.status, "the prices of 3 SKUs of 3 products" in shown.stderr) == (0, True)
    assert (shown.json["skus"], shown.json["removed"], shown.json["done"]) == (3, 0, False)
    assert prices(shop, "ordercloud-price") == {"P1", "P2", "P3", "THEIRS"}
    done = sync_run(shop, *vouched, "--yes")
    assert (done.status, "Removed the prices of 3 SKUs" in done.stdout) == (0, True)
    kept = shop.checkout.call("ledger", "show", "--format", "json").json["runs"][0]
    reason = {"rule": "maxDeletePercent", "reason": "old list"}
    assert (kept["command"], kept["overrides"], bool(kept["finished_at"])) == ("clear-list", [reason], True)
    assert "overridden maxDeletePercent: old list" in shop.checkout.call("ledger", "show").stdout
    assert (prices(shop, "ordercloud-price"), prices(shop, "two")) == ({"THEIRS"}, {"P1", "P2", "P3"})
    assert "there are no prices" in sync_run(shop, *vouched, "--yes").stdout
    shop.emulator.clear_requests()
    shop.synced("--full")
    assert shop.writes() == []


def test_prices_that_do_not_flow_any_more_can_be_cleared_and_flow_again(shop: Shop) -> None:
    shop.synced("--full")
    shop.change(pricing=None)
    words = ("--clear-list", "ordercloud-price", "--yes", "--override", "maxDeletePercent", "--reason", "old list")
    done = sync_run(shop, *words, "--format", "json")
    assert done.status == 0, str(done)
    jsonschema.validate(done.json, json.loads((SCHEMAS / "clear-list.schema.json").read_text()))
    assert (done.json["removed"], done.json["override"], done.json["refused"]) == (3, "old list", [])
    assert prices(shop, "ordercloud-price") == set()
    shop.synced("--full")
    shop.change()
    shop.synced("--full")
    assert shop.wrong() == []


def test_a_removal_whose_apply_is_killed_is_planned_again(shop: Shop) -> None:
    shop.synced("--full")
    absent(shop, products="discontinue", logs="clear")
    shop.emulator.fault("hang", method="DELETE", path="*/sync-log*", when="before")
    process = shop.checkout.fork("apply", "--yes")
    try:
        wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]) or process.poll() is not None, 120)
        assert process.poll() is None
        process.kill()
    finally:
        process.communicate()
    shop.emulator.clear_faults()
    # The API shows no DataSync: what was applied is forgotten once the delete is done, and not before.
    plan = shop.checkout.call("plan", "--format", "json").json
    assert [change["action"] for change in plan["changes"]] == ["delete"]
    shop.checkout.applied()
    assert shop.log() == {"errors": {}}
    assert sync_run(shop, "--dry-run").status == 3
