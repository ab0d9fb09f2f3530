"""Purchases at the site are what a naive mapping of orders expects, field by field, however they go on."""

from __future__ import annotations

import os

import pytest

from reconciler.emulator.switches import flipped_switches
from support.checkout import Checkout, document
from support.naive_orders import Purchases, expected_purchases, found_purchases, purchase_differences, read_orders
from support.syncing import Shop

SEEDS = range(1, 1 + int(os.environ.get("RECONCILER_TEST_SEEDS", "1")))
ROUNDS = 3


class Desk:
    """A shop of which orders alone flow."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def prepare(self) -> None:
        """Write the manifests and apply them."""
        checkout = self.shop.checkout
        checkout.write("environment.yaml", self.shop.environment())
        checkout.write("store.yaml", document("Store", "store", {"baseCurrency": "GBP"}))
        price_list = {"slug": "list", "name": "List", "currencyCode": "GBP", "source": "integration"}
        checkout.write("list.yaml", document("PriceList", "list", price_list))
        checkout.write(
            "shop.yaml", document("DataSync", "shop", {"orders": {"since": "2025-01-01"}, "currency": "GBP"})
        )
        checkout.applied()

    def synced(self, *words: str) -> None:
        ended = self.shop.run(*words)
        assert ended.status == 0, str(ended)

    def found(self) -> Purchases:
        told = self.shop.checkout.call("sync", "errors", "shop", "--format", "json").json["problems"]
        return found_purchases(self.shop.emulator.site(), told)

    def wrong(self) -> list[str]:
        """Return what the site holds otherwise than it should."""
        purchases = self.shop.emulator.site()["purchases"]
        carts = {cart: each["purchase_identifiers"].get("platform") for cart, each in purchases.items()}
        orders = read_orders(self.shop.portal)
        return purchase_differences(expected_purchases(orders, self.shop.options, carts, {"GBP"}), self.found())

    def assert_right(self) -> None:
        wrong = self.wrong()
        assert not wrong, "\n".join(wrong)

    def writes(self) -> list[str]:
        return [line for line in self.shop.writes() if "purchases/" in line]


@pytest.fixture
def desk(checkout: Checkout) -> Desk:
    return Desk(Shop(checkout))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_marketplace_goes_on(desk: Desk, seed: int) -> None:
    """Orders are amended, shipped in part, cancelled and sent back; RECONCILER_TEST_SEEDS=20 for more of them."""
    desk.shop.emulator.seed(60, seed, buyers=6, users=20, ownPrices=0, orders=40)
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


@pytest.mark.parametrize("switches", [*flipped_switches(OWN)], ids=str)
def test_every_switch(desk: Desk, switches: dict[str, str]) -> None:
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
