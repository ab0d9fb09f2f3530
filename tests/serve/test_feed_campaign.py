"""Changes by the hundred, messages that come twice, late and in another order, and a service that is killed: at rest
SparkLayer equals OrderCloud.

RECONCILER_TEST_EVENTS=10000 and RECONCILER_TEST_KILLS=50 make it a long one, by hand; here it is a small part of it.
RECONCILER_TEST_RECORDS says of how many products they are; left out: a tenth as many as there are events.
"""

from __future__ import annotations

import os
import random
import signal
import socket
from collections import Counter

import pytest

from support.checkout import wait_until
from support.service import Process

EVENTS = int(os.environ.get("RECONCILER_TEST_EVENTS", "200"))
KILLS = int(os.environ.get("RECONCILER_TEST_KILLS", "2"))
PRODUCTS = int(os.environ.get("RECONCILER_TEST_RECORDS", max(EVENTS // 10, 20)))
SEED = int(os.environ.get("RECONCILER_TEST_SEED", "13"))
SECRET = "signing-key"
SERVICE = {"service": {"loops": ["syncs"], "deliveries": [{"dataSync": "shop", "secrets": [SECRET]}]}}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def status(shop):
    (found,) = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
    return found


@pytest.fixture
def port(shop):
    """Port of a service that hears of all changes of a synced shop, once it runs."""
    port = free_port()
    shop.emulator.seed(PRODUCTS, SEED)
    shop.prepare(environment=SERVICE, maxDeletePercent=100)
    shop.synced("--full")
    # Whoever is not there is asked again until it is.
    shop.emulator.deliver(attempts=20, wait=0.05, at_once=4)
    target = {"Http": {"Endpoint": f"http://127.0.0.1:{port}/deliveries/shop", "Secret": SECRET}}
    config = {"Name": "Out", "Enabled": True, "DeliveryTargets": target}
    shop.portal("PUT", "integrations/deliveryconfig/out", config)
    both = {"DeliveryConfigID": "out"}
    product = {**both, "SyncProductChanged": True, "SyncProductDeleted": True}
    shop.portal("PUT", "integrations/productsync", product)
    stock = {**both, "SyncEntityChanged": True, "SyncEntityDeleted": True}
    shop.portal("PUT", "integrations/entitysync/products/inventoryrecords", stock)
    for number, (effect, rule) in enumerate(
        (("duplicate", {"copies": 2}), ("late", {"seconds": 0.5}), ("reorder", {"by": 5, "seconds": 1}))
    ):
        shop.emulator.delivery_fault(effect, count=None, probability=0.15, seed=SEED + number, **rule)
    return port


def started(shop, port):
    return Process(shop.checkout, "--listen", f"127.0.0.1:{port}")


def listens(shop):
    running = status(shop)["running"]
    return running is not None and running["doing"] == "listening for changes"


def is_equal(shop):
    """Whether the site is what OrderCloud is; of what is gone it keeps the name that it had last."""
    return shop.wrong(shop.held()) == []


def all_delivered(shop):
    pending = shop.emulator.undelivered()
    return not any(pending[name] for name in ("queued", "later", "underWay"))


def test_at_rest_the_site_is_what_ordercloud_is_whoever_was_killed(shop, port, record_property):
    dice = random.Random(SEED)
    originals = sorted(shop.held().products)
    dice.shuffle(originals)
    shop.emulator.clear_requests()
    service = started(shop, port)
    try:
        rounds = max(EVENTS // 20, 1)
        kill_after = {(number + 1) * rounds // (KILLS + 1) for number in range(KILLS)}
        for number in range(rounds):
            changes = {"stocks": 7, "prices": 4, **({"products": 7, "create": 1} if originals else {"products": 9})}
            shop.emulator.mutate(**changes, seedNumber=SEED * 100_000 + number)
            if originals:
                # One that the site is known to have: a creation that was cut off is another matter.
                shop.portal("DELETE", f"products/{originals.pop()}")
            if number in kill_after:
                written = len(shop.writes()) + dice.randrange(1, 5)
                wait_until(lambda least=written: len(shop.writes()) >= least, 120)
                service.forked.kill()
                service.forked.communicate(60)
                service = started(shop, port)
        wait_until(lambda: all_delivered(shop), 600, 0.1)
        wait_until(lambda: listens(shop), 600, 0.3)
        # A message that came late is read again for as long as lists may lag behind: such records stay open.
        shop.nothing_arrives_late()
        wait_until(lambda: is_equal(shop), 120, 0.5)
        # It ends in order, with all that the sync log should say.
        assert service.signalled(signal.SIGTERM) == 0
    finally:
        service.forked.kill()
        service.forked.communicate(60)
    # Of what is gone the site keeps the name that it had last.
    wrong = shop.wrong(shop.held())
    assert wrong == [], wrong
    ends = Counter(each["status"] for each in shop.emulator.deliveries())
    taken, writes = status(shop)["deliveries"]["taken"], len(shop.writes())
    told = f"{rounds * 20} changes, deliveries {dict(ends)}, {taken} taken, {writes} writes, {KILLS} kills"
    record_property("campaign", told)
    # What went before its message was sent is dropped.
    assert set(ends) <= {"delivered", "dropped"}
    assert taken > rounds * 15
    assert writes < taken
