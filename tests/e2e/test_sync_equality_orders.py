"""Purchases at the site are what a naive mapping of orders expects, field by field, however they go on."""

from __future__ import annotations

import os

import pytest

from reconciler.emulator.switches import flipped_switches, random_switches
from support.checkout import Checkout
from support.desk import Desk
from support.syncing import Shop
from support.worked import whoever_works

SEEDS = range(1, 1 + int(os.environ.get("RECONCILER_TEST_SEEDS", "1")))
# 10000 takes some ten minutes.
ORDERS = int(os.environ.get("RECONCILER_TEST_ORDERS", "40"))
ROUNDS = 3


@pytest.fixture
def desk(checkout: Checkout) -> Desk:
    return Desk(Shop(checkout))


@pytest.mark.parametrize("seed", SEEDS)
@whoever_works()
def test_a_generated_marketplace_goes_on(desk: Desk, seed: int) -> None:
    """Orders are amended, shipped in part, cancelled and sent back.

    RECONCILER_TEST_SEEDS=20 for more of them, RECONCILER_TEST_ORDERS=10000 for a large one.
    """
    desk.shop.emulator.seed(60, seed, buyers=6, users=20, ownPrices=0, orders=ORDERS)
    desk.shop.emulator.add_carts()
    desk.prepare()
    desk.synced("--full")
    desk.assert_right()
    assert len(desk.found().by_order) > 10
    desk.shop.emulator.clear_requests()
    desk.synced("--full")
    assert desk.writes() == []
    for number in range(ROUNDS):
        desk.shop.emulator.mutate(amendOrders=3, shipOrders=4, cancelOrders=1, returnOrders=2, seedNumber=number)
        desk.shop.emulator.clock(advance=3600)
        desk.synced()
        desk.assert_right()
    desk.shop.emulator.clear_requests()
    desk.synced("--verify")
    assert desk.writes() == []


OWN = {"shipment_touches_order", "order_returns", "spark_log_purchases", "spark_error_bodies"}
MET = OWN | {
    "large_lists",
    "spark_unset_members",
    "spark_sync_log_status",
    "spark_partial_before_full",
    "spark_listed_rules",
}
COMBINED = int(os.environ.get("RECONCILER_TEST_SWITCHES", "2"))


@pytest.mark.parametrize("switches", [*flipped_switches(OWN), *random_switches(COMBINED, 1, MET)], ids=str)
def test_every_switch(desk: Desk, switches: dict[str, str]) -> None:
    """Each by itself, and some together; RECONCILER_TEST_SWITCHES=50 for more of these."""
    desk.shop.emulator.switch(**switches)
    desk.shop.emulator.seed(20, 2, buyers=3, users=9, ownPrices=0, orders=16)
    desk.shop.emulator.add_carts()
    desk.prepare()
    desk.synced("--full")
    desk.assert_right()
    desk.shop.emulator.mutate(amendOrders=2, shipOrders=2, seedNumber=1)
    desk.synced("--full")
    desk.assert_right()
    desk.shop.emulator.clear_requests()
    desk.synced("--full")
    assert desk.writes() == []
