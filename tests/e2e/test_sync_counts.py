"""What a run says that it did is what it did: records, parts and requests agree with each other."""

from __future__ import annotations

from typing import Any

from support.checkout import Checkout
from support.syncing import Shop


def test_where_only_stock_and_prices_flow_and_all_is_held_back_nothing_was_written(checkout: Checkout) -> None:
    shop = Shop(checkout)
    inventory = {"Enabled": True, "QuantityAvailable": 5}
    products: list[dict[str, Any]] = [
        {"ID": f"p{n}", "Name": f"p{n}", "Active": True, "xp": {}, "Inventory": inventory} for n in range(9)
    ]
    shop.emulator.seed_with({"Objects": {"Products": products}})
    shop.prepare(products=None)
    shop.emulator.clear_requests()
    report = shop.synced("--full")
    records = report["records"]
    assert (records["held_back"], records["written"], records["seen"]) == (9, 0, 9)
    assert set(report["parts"].values()) == {0}
    assert shop.writes() == []
    requests = report["requests"]["sparklayer"]
    assert (requests["writes"], requests["log_writes"]) == (0, len(shop.all_writes()))
    ended = shop.checkout.call("sync", "run", "shop")
    assert "wrote      nothing" in ended.stdout
    assert "writes" not in ended.stdout
