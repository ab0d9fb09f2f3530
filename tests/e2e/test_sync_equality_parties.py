"""Customers, prices of their own and orders at the site are what naive mappings expect, field by field."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.emulator.switches import flipped_switches, random_switches
from support.checkout import Checkout, document
from support.naive_customers import (
    CustomerOptions,
    Customers,
    accounting_id,
    customer_differences,
    discount,
    expected_customers,
    found_customers,
    title,
)
from support.naive_prices import expected_prices, found_prices, price_differences
from support.syncing import Shop

MAPPING = {"accountingID": "xp.erpNumber", "discountPercentage": "xp.discount", "title": "xp.title"}
SEEDS = range(1, 1 + int(os.environ.get("RECONCILER_TEST_SEEDS", "1")))
SIZES = {"buyers": 5, "users": 40, "ownPrices": 30, "orders": 12}


@dataclass
class Town:
    """A shop whose customers flow."""

    shop: Shop
    options: CustomerOptions = field(default_factory=CustomerOptions)
    rows: bool = False

    def prepare(self, **customers: Any) -> None:
        """Write the manifests with a section of customers, and apply them."""
        group = document("CustomerGroup", "wholesale", {"name": "Wholesale"})
        self.shop.checkout.write("groups.yaml", group)
        section = {"groups": {"approvers": "wholesale"}, "mapping": MAPPING, **customers}
        mapping = {"accountingID": accounting_id, "discountPercentage": discount, "title": title}
        self.options = CustomerOptions(customers.get("buyers"), {"approvers": "wholesale"}, mapping)
        pricing = {"partyPriceLists": True, "partyPrices": "rows" if self.rows else "rules"}
        self.shop.prepare(pricing=pricing, customers=section)

    def synced(self, *words: str) -> None:
        ended = self.shop.run(*words)
        assert ended.status == 0, str(ended)

    def held(self) -> Customers:
        return found_customers(self.shop.emulator.site())

    def wrong(self, before: Customers | None = None) -> list[str]:
        """Return what the site holds otherwise than it should of customers, given what it held before."""
        wanted = expected_customers(self.shop.emulator.state()["ordercloud"], self.options, before)
        return customer_differences(wanted, self.held())

    def wrong_prices(self) -> list[str]:
        """Return what customers pay otherwise than they should; of lists that are new."""
        ordercloud = self.shop.emulator.state()["ordercloud"]
        default = self.shop.held().prices
        wanted = expected_prices(
            ordercloud, self.shop.options, self.shop.now(), default, rows=self.rows, buyers=self.options.buyers
        )
        words = ("sync", "errors", "shop", "--type", "party-prices", "--format", "json")
        told = self.shop.checkout.call(*words).json["problems"]
        return price_differences(wanted, found_prices(self.shop.emulator.site(), told))


def named(switches: dict[str, str]) -> str:
    return "-".join(f"{name}={value}" for name, value in switches.items())[:60] or "defaults"


@pytest.fixture
def town(checkout: Checkout) -> Town:
    return Town(Shop(checkout))


@pytest.mark.parametrize("rows", [False, True], ids=["rules", "rows"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_marketplace(town: Town, seed: int, rows: bool) -> None:
    """RECONCILER_TEST_SEEDS=20 for more of them."""
    town.rows = rows
    town.shop.emulator.seed(30, seed, **SIZES)
    town.prepare()
    town.synced("--full")
    assert town.wrong() == []
    assert town.wrong_prices() == []
    town.shop.emulator.clear_requests()
    town.synced("--full")
    assert town.shop.writes() == []
    assert town.wrong(town.held()) == []


@pytest.mark.parametrize("file", ["Vercel-B2C.yml", "Variant-Inventory-Records-Example.yml"])
def test_the_vendors_marketplaces(town: Town, file: str) -> None:
    town.shop.seed_file(file)
    town.prepare()
    town.synced("--full")
    assert town.wrong() == []
    assert town.wrong_prices() == []
    town.shop.emulator.clear_requests()
    town.synced("--full")
    assert town.shop.writes() == []


OWN = {
    *("spark_customer_answer", "spark_customer_read", "spark_customer_status_inactive", "spark_email_case"),
    *("spark_balance_left_out", "spark_log_purchases", "user_list", "default_users", "spark_listed_rules"),
}
MET = OWN | {
    *("spark_error_bodies", "spark_unset_members", "spark_base_group", "spark_batch_maximum"),
    *("spark_batch_unknown_list", "spark_created_status", "spark_rule_numbers", "spark_price_list_patch"),
}


@pytest.mark.parametrize("switches", [*flipped_switches(OWN), *random_switches(3, 1, MET)], ids=named)
def test_every_switch(town: Town, switches: dict[str, str]) -> None:
    town.shop.emulator.switch(**switches)
    town.shop.emulator.seed(12, 2, buyers=3, users=12, ownPrices=12, orders=0)
    town.prepare()
    town.options.inactive = switches.get("spark_customer_status_inactive", "inactive")
    town.options.default_users_known = switches.get("default_users") != "forbidden"
    town.synced("--full")
    assert town.wrong() == []
    assert town.wrong_prices() == []
    town.shop.emulator.clear_requests()
    town.synced("--full")
    assert town.shop.writes() == []
