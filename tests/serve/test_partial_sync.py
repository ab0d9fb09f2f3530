"""A change in OrderCloud, by a signed message over HTTP, to the ledger, SparkLayer and its sync log, in a moment."""

from __future__ import annotations

import time

import pytest

from reconciler.serve import crew, loops
from support.checkout import wait_until
from support.service import serving

SECRET = "signing-key"
SERVICE = {"service": {"loops": ["syncs"], "deliveries": [{"dataSync": "shop", "secrets": [SECRET]}]}}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(crew, "STAND_BY_SECONDS", 0.1)
    monkeypatch.setattr(loops, "STAND_BY_SECONDS", 0.1)


def product(name):
    return {"ID": name, "Name": name, "Active": True, "xp": {"SKU": name}, "DefaultPriceScheduleID": "price"}


def status(shop):
    """Return the status of the only data type, as JSON."""
    (found,) = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
    return found


@pytest.fixture
def fed(shop):
    """A small shop that is synced, a service that listens, and OrderCloud's deliveries to it."""
    price = {"ID": "price", "Name": "Price", "Currency": "GBP", "PriceBreaks": [{"Quantity": 1, "Price": 10.0}]}
    products = [product(f"p{number}") for number in range(5)]
    shop.emulator.seed_with({"Objects": {"Products": products, "PriceSchedules": [price]}})
    shop.prepare(environment=SERVICE)
    shop.synced("--full")
    with serving(shop.checkout, works=True) as running:
        target = {"Http": {"Endpoint": f"{running.url}/deliveries/shop", "Secret": SECRET}}
        shop.portal(
            "PUT", "integrations/deliveryconfig/out", {"Name": "Out", "Enabled": True, "DeliveryTargets": target}
        )
        sync = {"SyncProductChanged": True, "SyncProductDeleted": True, "DeliveryConfigID": "out"}
        shop.portal("PUT", "integrations/productsync", sync)
        wait_until(lambda: (run := status(shop)["running"]) is not None and run["doing"] == "listening for changes")
        yield shop


def test_a_change_is_at_the_site_in_a_moment_also_where_reads_lag_behind(fed):
    fed.emulator.search_lag(3)
    fed.emulator.clear_requests()
    fed.portal("PATCH", "products/p3", {"Name": "Heard"})
    fed.portal("DELETE", "products/p4")
    wait_until(lambda: fed.held().products["p3"]["title"] == "Heard", 30)
    wait_until(lambda: status(fed)["records"]["gone"] == 1, 30)
    writes = fed.writes()
    assert (writes.count("PATCH products/p3"), writes.count("PATCH products/p4")) == (1, 1)
    deliveries = status(fed)["deliveries"]
    assert (deliveries["taken"], deliveries["placed"], deliveries["unknown"]) == (2, 2, 0)
    wait_until(lambda: status(fed)["records"]["open"] == 0, 30)
    time.sleep(0.5)
    assert fed.writes() == writes
