"""A sync is right whatever the answer to what nobody outside the vendors knows: under every switch that it meets."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.emulator.switches import SPARKLAYER, flipped_switches, random_switches
from support.checkout import Checkout
from support.oddities import Marketplace
from support.syncing import Shop
from support.worked import whoever_works

# Of the others, those that a sync's requests meet.
_CONFIGURATION = {"spark_settings_refusal", "spark_settings_read", "spark_base_currency_setting", "spark_base_group"}
_CUSTOMERS = {
    *("spark_balance_left_out", "spark_customer_read", "spark_customer_answer", "spark_customer_status_inactive"),
    *("spark_email_case", "spark_log_purchases"),
}
_NOT_MET = _CONFIGURATION | _CUSTOMERS | {"spark_login_status", "spark_rule_numbers"}
MET = SPARKLAYER - _NOT_MET | {"number_ids", "large_lists", "long_urls", "clashing_xp", "unknown_catalog"}
CASES = [*flipped_switches(MET), *random_switches(4, 1, MET)]


def named(switches: dict[str, str]) -> str:
    return "-".join(f"{name}={value}" for name, value in switches.items())[:60] or "defaults"


@pytest.mark.parametrize("switches", CASES, ids=named)
@whoever_works()
def test_it_is_right_and_quiet_under_every_switch(checkout: Checkout, switches: dict[str, Any]) -> None:
    shop = Shop(checkout)
    shop.emulator.switch(**switches)
    market = Marketplace(14, 3)
    shop.emulator.seed_with(market.seed())
    shop.prepare(maxDeletePercent=50)
    shop.synced("--full")
    assert shop.wrong() == []
    before = shop.held()
    market.age(changed=5, gone=1, new=1)
    shop.emulator.seed_with(market.seed())
    shop.synced("--full")
    assert shop.wrong(before) == []
    shop.emulator.clear_requests()
    shop.synced("--verify")
    assert shop.writes() == []
    assert shop.wrong(shop.held()) == []
