"""A mapping that would never end is a problem of each record that it meets, and nothing else."""

from __future__ import annotations

from support.checkout import Checkout
from support.syncing import Shop

EXPLODING = "[@,@]" + "|[@,@][]" * 34 + "|length(@)"


def test_a_mapping_that_would_never_end_costs_a_run_nothing_but_the_records_it_meets(checkout: Checkout) -> None:
    shop = Shop(checkout)
    shop.emulator.seed(30, 1)
    shop.prepare(products={"mapping": {"variants.rrp": f"VariantCount > `0` && ({EXPLODING}) || xp.rrp"}})
    shop.synced("--full")
    said = [error["message"] for error in shop.log()["errors"].values()]
    costly = [message for message in said if "it takes too much work" in message]
    assert all("The mapping of variants.rrp" in message for message in costly)
    assert costly
    assert shop.held().products
