"""How much one day may discontinue: at least one, counted over runs, overridden with a reason, told everywhere."""

from __future__ import annotations

import pytest

from support.checkout import Checkout
from support.syncing import Shop


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    """A shop of nine, synced, of which a day may discontinue one."""
    shop = Shop(checkout)
    rows = [{"ID": f"p{number}", "Name": f"P{number}", "xp": {"SKU": f"S{number}"}} for number in range(9)]
    shop.emulator.seed_with({"Objects": {"Products": rows}})
    shop.prepare(maxDeletePercent=10)
    shop.synced("--full")
    return shop


def gone(shop: Shop) -> set[str]:
    products = shop.held().products.items()
    return {key for key, each in products if {"status": "discontinued"} in each["variants"].values()}


@pytest.mark.usefixtures("on_both")
def test_a_shop_of_nine_may_lose_one_a_day_and_more_with_a_reason(shop: Shop) -> None:
    shop.portal("DELETE", "products/p0")
    shop.synced("--full")
    assert gone(shop) == {"p0"}
    for name in ("p1", "p2"):
        shop.portal("DELETE", f"products/{name}")
    assert "would be discontinued" in " ".join(shop.checkout.call("sync", "run", "--full").stdout.split())
    ended = shop.run("--full")
    assert (ended.status, gone(shop)) == (3, {"p0"})
    limit = {"rule": "maxDeletePercent", "allowed": 1, "recent": 1, "ids": ["p1", "p2"], "complete": True}
    assert ended.json["limit"] == limit
    drift = shop.checkout.call("drift", "--format", "json").json
    [item] = [item for item in drift["items"] if item["cause"] == "data-stopped"]
    assert "maxDeletePercent" in item["message"]
    assert "p1, p2" in item["message"]
    assert "--override maxDeletePercent --reason" in item["next_steps"][0]
    report = shop.synced("--override", "maxDeletePercent", "--reason", "end of season")
    assert (report["mode"], report["overrides"]) == ("full", {"maxDeletePercent": "end of season"})
    assert gone(shop) == {"p0", "p1", "p2"}
    [sync] = shop.checkout.call("ledger", "show", "--format", "json").json["data"]
    assert sync["newest_run"]["overrides"] == {"maxDeletePercent": "end of season"}
    assert "end of season" in shop.checkout.call("ledger", "show").stdout
    causes = {item["cause"] for item in shop.checkout.call("drift", "--format", "json").json["items"]}
    assert "data-stopped" not in causes


@pytest.mark.parametrize(
    "words",
    [("--override", "maxDeletePercent"), ("--reason", "why"), ("--override", "else", "--reason", "why")],
    ids=["no reason", "no rule", "no such rule"],
)
def test_an_override_needs_a_rule_and_a_reason(shop: Shop, words: tuple[str, ...]) -> None:
    assert shop.run(*words).status == 64
