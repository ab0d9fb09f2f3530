"""What runs cost: a walk of customers its pages of users and four lists for each buyer, and any run a few looks."""

from __future__ import annotations

import os

from reconciler.sparklayer.kinds.data_sync.cost import run_cost
from support.checkout import Checkout
from support.syncing import Shop
from support.town import Town

BUYERS = int(os.environ.get("RECONCILER_TEST_BUYERS", "30"))


def test_a_first_run_asks_a_few_times_which_price_lists_there_are(checkout: Checkout) -> None:
    """However many customers have one; what each of them costs is one write."""
    town = Town(Shop(checkout))
    emulator = town.shop.emulator
    emulator.seed(10, 1, buyers=12, users=60, ownPrices=40, orders=0)
    town.prepare()
    town.synced("--full", "--type", "party-prices")
    lists = sum(slug.startswith("oc-") for slug in emulator.site()["price_lists"])
    assert lists > 12
    emulator.clear_requests()
    town.synced("--full", "--type", "customers")
    seen = [entry for entry in emulator.requests() if entry["path"].startswith("/sparklayer/api/")]
    assert sum("/price-lists" in entry["path"] for entry in seen) <= 9
    assert sum("/customers/" in entry["path"] and entry["method"] == "GET" for entry in seen) == 0


def test_a_second_walk_of_customers_reads_what_it_has_to_and_writes_nothing(checkout: Checkout) -> None:
    """RECONCILER_TEST_BUYERS=2000 for 20,000 users."""
    town = Town(Shop(checkout))
    emulator = town.shop.emulator
    seeded = emulator.seed(10, 1, buyers=BUYERS, users=10 * BUYERS, ownPrices=0, orders=0)
    town.prepare()
    town.synced("--full")
    emulator.clear_requests()
    town.synced("--full", "--type", "customers")
    reads = [entry["path"] for entry in emulator.requests() if entry["path"].startswith("/ordercloud/v1/")]
    users = seeded["objects"]["BuyerUser"]
    # Users in pages of 100 and the buyers; of each of these four lists, that of the shop's own customers among them.
    needed = -(-users // 100) + -(-(BUYERS + 1) // 100) + 4 * (BUYERS + 1)
    assert len(reads) <= 1.1 * needed, f"{len(reads)} reads, {needed} needed"
    assert town.shop.writes() == []
    written = [entry for entry in emulator.requests() if "/customers/" in entry["path"]]
    # A few are looked at before each run.
    assert len(written) <= 60, len(written)


def test_a_run_that_finds_nothing_costs_what_plan_and_status_say(checkout: Checkout) -> None:
    town = Town(Shop(checkout))
    town.shop.emulator.seed(40, 1, buyers=10, users=60, ownPrices=60, orders=100)
    town.prepare(orders={"since": "2020-01-01"})
    town.synced("--full")
    told = town.shop.run("--format", "json").json
    assert [each["data_type"] for each in told] == ["products", "party-prices", "customers", "orders"]
    for each in told:
        assert each["mode"] == "incremental"
        requests = sum(found["requests"] for found in each["requests"].values())
        # Of the latest and of random records some are the same, and there are less than thirty lists.
        assert 0.4 * run_cost(each["data_type"]) <= requests <= run_cost(each["data_type"]), each
