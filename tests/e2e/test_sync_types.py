"""One data sync with several data types, from the command line."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from support.checkout import Checkout
from support.syncing import Shop

TYPES = ["products", "party-prices", "customers", "orders"]


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    """Return a checkout with a data sync of every data type that was applied, and a small marketplace."""
    checkout.emulator.seed(12, 1, orders=12)
    Shop(checkout).prepare(pricing={"partyPriceLists": True}, customers={}, orders={"since": "2020-01-01"})
    return checkout


def answered(shop: Checkout, *words: str, status: int = 0) -> Any:
    ended = shop.call("sync", *words)
    assert ended.status == status, str(ended)
    return ended


def test_a_dry_run_tells_of_every_data_type_before_anything_was_applied(checkout: Checkout) -> None:
    checkout.emulator.seed(12, 1, orders=12)
    flows = {"pricing": {"partyPriceLists": True}, "customers": {}, "orders": {"since": "2020-01-01"}}
    Shop(checkout).write_manifests(**flows)
    found = answered(checkout, "run", "--dry-run", "--full", "--format", "json").json
    assert [(each["data_type"], each["applied"], each["state"]) for each in found] == [
        (name, False, "finished") for name in TYPES
    ]
    assert all(each["records"]["written"] > 0 for each in found)
    assert not checkout.emulator.site()["price_lists"]


def test_all_data_types_run_in_order_and_each_has_its_own_runs_status_problems_and_limits(shop: Checkout) -> None:
    first = answered(shop, "run", "--format", "json").json
    assert [(each["data_type"], each["mode"], each["state"]) for each in first] == [
        (name, "full", "finished") for name in TYPES
    ]
    assert sum(each["records"]["written"] > 0 for each in first) == 4
    # A change of the mapping of one wants a full sync of that one alone.
    Shop(shop).change(
        pricing={"partyPriceLists": True}, customers={"mapping": {"title": "'Dr'"}}, orders={"since": "2020-01-01"}
    )
    again = answered(shop, "run", "--format", "json").json
    assert [each["mode"] for each in again] == ["incremental", "incremental", "full", "incremental"]
    assert [each["records"]["written"] > 0 for each in again] == [False, False, True, False]
    site = shop.emulator.site()
    # An owner's full sync begins the log anew; the next run of who shares it adds its problems again.
    mine = [each["problems"]["logged"] for each in answered(shop, "run", "--format", "json").json]
    assert mine[1] > 0
    assert set(site["logs"]) >= {"ordercloud/products", "ordercloud/customers"}
    logged = shop.emulator.site()["logs"]["ordercloud/customers"]["errors"]
    assert len(logged) == mine[1] + mine[2]

    known = answered(shop, "status", "--format", "json", "--offline").json["syncs"]
    assert [each["data_type"] for each in known] == TYPES
    (one,) = answered(shop, "status", "--format", "json", "--offline", "--type", "customers").json["syncs"]
    assert one["last_full_run"]["run"] == again[2]["run"]
    problems = answered(shop, "errors", "--format", "json").json
    assert [each["data_type"] for each in problems] == TYPES
    table = list(csv.DictReader(io.StringIO(answered(shop, "errors", "--format", "csv").stdout)))
    assert [(row["data_type"], row["external_id"]) for row in table] == [
        (each["data_type"], row["external_id"]) for each in problems for row in each["problems"]
    ]

    customer = next(each["external_id"] for each in site["customers"]["records"])
    told = answered(shop, "run", "--explain", customer, "--format", "json").json
    assert (told["record"], [part["part"] for part in told["parts"]]) == (customer, ["customer"])
    assert "1 record queued" in answered(shop, "retry", customer).stdout
    assert "sync run shop --type customers" in answered(shop, "retry", customer).stdout

    queued = answered(shop, "retry", "--all").stdout.splitlines()
    assert [line.partition(":")[0] for line in queued] == TYPES

    unclear = answered(shop, "run", "--explain", "order-000001", status=64)
    assert "say of which data type is order-000001" in unclear.stderr
    refused = answered(shop, "run", "--override", "maxDeletePercent", "--reason", "Season", status=64)
    assert "say which data type is meant" in refused.stderr
    assert (
        "of shop no pepole flow" in answered(shop, "status", "shop", "--offline", "--type", "pepole", status=64).stderr
    )

    rehearsed = answered(shop, "run", "--dry-run", "--full", "--format", "json").json
    assert [(each["data_type"], each["records"]["written"]) for each in rehearsed] == [(name, 0) for name in TYPES]


def test_a_sync_log_that_the_api_does_not_know_is_none_among_others(checkout: Checkout) -> None:
    checkout.emulator.switch(spark_log_purchases="refused")
    Shop(checkout).write_manifests()
    shown = checkout.call("sync-log", "show")
    assert shown.status == 0, str(shown)
    assert checkout.call("sync-log", "show", "--type", "purchases").status == 1
