"""Syncs of OrderCloud are paused, much changes, one product is deleted, and they are resumed."""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections import Counter
from itertools import count

import pytest

from reconciler.serve import crew, loops
from support.checkout import wait_until
from support.service import serving

CHANGES = int(os.environ.get("RECONCILER_TEST_PAUSED_CHANGES", "50"))
PRODUCTS = CHANGES // 2
SECRET = "signing-key"
SERVICE = {"service": {"loops": ["syncs"], "deliveries": [{"dataSync": "shop", "secrets": [SECRET]}]}}
STOCK_SYNC = "entitysync/products/inventoryrecords"
SYNCS = ["productsync", STOCK_SYNC]
# However much changes: the site is looked at rarely, where looking takes long.
EVERY = 0.03 if CHANGES <= 500 else 1.0


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(crew, "STAND_BY_SECONDS", 0.1)
    monkeypatch.setattr(loops, "STAND_BY_SECONDS", 0.1)


def marketplace(products):
    """Each product has a quantity at one place, and none that a change may give it."""
    price = {"ID": "price", "Name": "Price", "Currency": "GBP", "PriceBreaks": [{"Quantity": 1, "Price": 10.0}]}
    place = {"ID": "main", "Street1": "Quay 1", "City": "Hull", "Country": "GB"}
    rows = [
        {"ID": name, "Name": name, "Active": True, "xp": {"SKU": name}, "DefaultPriceScheduleID": "price"}
        | {"Inventory": {"Enabled": True}}
        for name in products
    ]
    stock = [{"ID": "r", "ProductID": name, "AddressID": "main", "QuantityAvailable": -1} for name in products]
    return {
        "Objects": {"Products": rows, "PriceSchedules": [price], "AdminAddresses": [place], "InventoryRecords": stock}
    }


def status(shop):
    (found,) = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
    return found


@pytest.fixture
def fed(shop):
    """A synced shop with half as many products as changes, and a service that listens to its messages."""
    shop.emulator.seed_with(marketplace([f"p{number}" for number in range(PRODUCTS)]))
    shop.prepare(environment=SERVICE)
    shop.synced("--full")
    shop.before = shop.held()
    with serving(shop.checkout, works=True) as running:
        target = {"Http": {"Endpoint": f"{running.url}/deliveries/shop", "Secret": SECRET}}
        config = {"Name": "Out", "Enabled": True, "DeliveryTargets": target}
        shop.portal("PUT", "integrations/deliveryconfig/out", config)
        both = {"DeliveryConfigID": "out"}
        shop.portal("PUT", "integrations/productsync", {**both, "SyncProductChanged": True, "SyncProductDeleted": True})
        shop.portal("PUT", f"integrations/{STOCK_SYNC}", {**both, "SyncEntityChanged": True, "SyncEntityDeleted": True})
        wait_until(
            lambda: (run := status(shop)["running"]) is not None and run["doing"] == "listening for changes", 300
        )
        yield shop, running


def late(running, kind, **body):
    """Deliver a message, as one that was held up on its way."""
    message = {"Headers": {"type": f"sitecore.ordercloud.messages.{kind}"}, "Payload": body}
    raw = json.dumps(message).encode()
    signed = base64.b64encode(hmac.digest(SECRET.encode(), raw, "sha256")).decode()
    assert running.ask("POST", "/deliveries/shop", raw, {"X-oc-hash": signed}).status == 200


def levels_written(shop):
    """Count how often the stock of each SKU was written."""
    bodies = [json.loads(each["body"]) for each in shop.emulator.requests() if each.get("body")]
    return Counter(level["sku"] for body in bodies for level in body)


def test_a_delete_is_through_while_the_rest_waits_and_nothing_brings_it_back(fed):
    shop, running = fed
    emulator = shop.emulator
    emulator.clear_requests()
    emulator.keep_bodies("*/batch-update-stock")
    emulator.mutate(pause=SYNCS)
    # Most products change several times; what is held of the one that goes stands for all changes of it.
    changed = []
    for number in count(1):
        if (left := CHANGES - len(changed)) <= 0:
            break
        stocks = emulator.mutate(stocks=min(left, PRODUCTS, 1000), seedNumber=number)["stocks"]
        changed += [each["productID"] for each in stocks]
    assert len(changed) == CHANGES
    gone = changed[0]
    shop.portal("DELETE", f"products/{gone}")
    wait_until(lambda: status(shop)["records"]["gone"] == 1, every=0.2)
    (variant,) = shop.held().products[gone]["variants"].values()
    assert variant["status"] == "discontinued"
    assert emulator.undelivered()["held"][f"/integrations/{STOCK_SYNC}"] >= len(set(changed)) - 1
    assert (shop.writes().count(f"PATCH products/{gone}"), levels_written(shop)) == (1, {})
    # What was told of it before it went comes after that.
    late(running, "product.updated", ProductID=gone, Name=gone, Active=True)
    stock = [{"ID": "r", "AddressID": "main", "QuantityAvailable": 5}]
    late(running, "entitysync.inventoryrecord.updated", ProductID=gone, InventoryRecords=stock)
    emulator.mutate(resume=SYNCS)
    wait_until(lambda: not any(emulator.undelivered()[name] for name in ("queued", "later", "underWay")), 600, EVERY)
    wait_until(lambda: status(shop)["records"]["open"] == 0, 600, 0.3)
    assert levels_written(shop) == dict.fromkeys(set(changed) - {gone}, 1)
    assert [line for line in shop.writes() if " products/" in line] == [f"PATCH products/{gone}"]
    assert shop.wrong(shop.before) == []
    (variant,) = shop.held().products[gone]["variants"].values()
    assert (variant["status"], status(shop)["records"]["gone"]) == ("discontinued", 1)
