"""A plan says what a change of a data sync does to its records, and how many they are."""

from __future__ import annotations

from support.checkout import Checkout
from support.syncing import LOCATIONS, Shop


def test_a_plan_counts_the_records_that_a_changed_data_sync_sends_again(checkout: Checkout) -> None:
    shop = Shop(checkout)
    shop.emulator.seed(40, 1)
    shop.prepare()
    records = shop.synced("--full")["records"]["seen"]
    stock = {"locations": {name: name for name in LOCATIONS}, "default": "warehouse-1"}
    checkout.write("shop.yaml", shop.data_sync(stock=stock))
    (change,) = checkout.call("plan", "--format", "json").json["changes"]
    assert change["risk"] == "re-syncs"
    assert f"sends again what differs of stock: up to {records} records" in change["detail"]
    checkout.write("shop.yaml", shop.data_sync(pricing=None))
    (change,) = checkout.call("plan", "--format", "json").json["changes"]
    assert change["risk"] == "stops-sync"
    assert "sends no more prices" in change["detail"]


def test_a_link_with_a_query_or_a_fragment_is_applied_like_any_other(checkout: Checkout) -> None:
    shop = Shop(checkout)
    shop.emulator.seed(4, 1)
    shop.prepare()
    for link in ("https://portal.example.com/#/products/{ID}", "https://portal.example.com/product?id={ID}&tab=stock"):
        checkout.write("shop.yaml", shop.data_sync(products={"recordUrl": link}))
        assert checkout.call("apply", "--yes").status == 0
        assert checkout.call("plan", "--exit-code").status == 0
        shop.synced("--full")
    for link in ("https://u:pw@portal.example.com/{ID}", "https://portal.example.com/{ID}?token=abc"):
        checkout.write("shop.yaml", shop.data_sync(products={"recordUrl": link}))
        assert "must hold no credentials" in " ".join(checkout.call("validate").stdout.split())
