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
