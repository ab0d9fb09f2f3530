"""Customers and prices of their own at the site are what naive mappings expect, field by field."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from reconciler.emulator.switches import SPARKLAYER, covering_switches, flipped_switches, random_switches
from reconciler.emulator.testing import RunningEmulator, emulator_process, running_emulator
from support.checkout import Checkout
from support.syncing import Shop
from support.town import Town
from support.worked import whoever_works

SEEDS = range(1, 1 + int(os.environ.get("RECONCILER_TEST_SEEDS", "1")))
# 2000 for 20,000 users and 5,000 price schedules of their own.
BUYERS = int(os.environ.get("RECONCILER_TEST_BUYERS", "0"))
LARGE = {"buyers": BUYERS, "users": 10 * BUYERS, "ownPrices": BUYERS * 5 // 2, "orders": 0}
SIZES = LARGE if BUYERS else {"buyers": 5, "users": 40, "ownPrices": 30, "orders": 0}
SWITCH_SIZES = LARGE if BUYERS else {"buyers": 3, "users": 9, "ownPrices": 8, "orders": 0}


def named(switches: dict[str, str]) -> str:
    return "-".join(f"{name}={value}" for name, value in switches.items())[:60] or "defaults"


@pytest.fixture(scope="module")
def _emulator() -> Iterator[RunningEmulator]:
    """Large marketplaces are at a process of their own: it and the sync do not wait for one interpreter lock."""
    with emulator_process() if BUYERS else running_emulator() as emulator:
        yield emulator


@pytest.fixture
def town(checkout: Checkout) -> Town:
    return Town(Shop(checkout))


@pytest.mark.parametrize("rows", [False, True], ids=["rules", "rows"])
@pytest.mark.parametrize("seed", SEEDS)
@whoever_works()
def test_a_generated_marketplace(town: Town, seed: int, rows: bool) -> None:
    """RECONCILER_TEST_SEEDS=20 for more of them, RECONCILER_TEST_BUYERS=2000 for a large one."""
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
# All that these requests meet; the rest is about logging in and configuration alone.
MET = OWN | SPARKLAYER - {"spark_login_status", "spark_settings_refusal", "spark_settings_read"} | {"large_lists"}
COMBINED = int(os.environ.get("RECONCILER_TEST_SWITCHES", "2"))


SINGLY = [*flipped_switches(OWN), *random_switches(COMBINED, 1, MET)]
CASES = list(covering_switches(MET)) if BUYERS else SINGLY


@pytest.mark.parametrize(("number", "switches"), list(enumerate(CASES)), ids=map(named, CASES))
def test_every_switch(town: Town, number: int, switches: dict[str, str]) -> None:
    """Each by itself, and some together; RECONCILER_TEST_SWITCHES=50 for more of these.

    RECONCILER_TEST_BUYERS=2000 for large ones: there every value is met in one of a few combinations.
    """
    town.rows = number % 2 == 1
    town.shop.emulator.switch(**switches)
    town.shop.emulator.seed(8, 2, **SWITCH_SIZES)
    town.prepare()
    town.options.inactive = switches.get("spark_customer_status_inactive", "inactive")
    town.options.default_users_known = switches.get("default_users") != "forbidden"
    town.synced("--full")
    assert town.wrong() == []
    assert town.wrong_prices() == []
    town.shop.emulator.clear_requests()
    town.synced("--full")
    assert town.shop.writes() == []
