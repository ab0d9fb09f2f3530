"""`sync status` asks manifests and ledger whether the messages of a part can come at all."""

from __future__ import annotations

from support.checkout import document, entity_sync, http_config

BOTH = ("product", "stock")


def why(shop):
    (found,) = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
    parts = found["freshness"]["parts"]
    assert {parts[part]["changes"] for part in BOTH} == {"walked"}
    return [parts[part]["walked_because"] for part in BOTH]


def test_a_sync_counts_once_it_was_applied_and_until_it_is_paused(shop, emulator):
    emulator.seed(1)
    shop.prepare()
    assert why(shop)[0] == "no manifest has the ProductSync that sends its messages"
    shop.checkout.write("out.yaml", http_config("out", enabled=True))
    shop.checkout.write("products.yaml", document("ProductSync", "products", {"deliveryConfig": "out"}))
    shop.checkout.write("stock.yaml", entity_sync("inventoryRecords", "out"))
    assert why(shop) == ["ProductSync/products was never applied"] * 2
    shop.checkout.applied()
    came = "no message {} ever came"
    assert why(shop) == [came.format("product.updated"), came.format("entitysync.inventoryrecord.updated")]
    shop.checkout.call("pause", "EntitySync/inventoryRecords", "--for", "30m", "--reason", "moving", "-e", "test")
    assert why(shop) == [came.format("product.updated"), "EntitySync/inventoryRecords is paused"]
