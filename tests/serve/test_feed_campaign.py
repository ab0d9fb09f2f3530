"""Changes by the hundred, messages that come twice, late and in another order, APIs that fail now and then, and a
service that is killed: at rest SparkLayer equals OrderCloud.

RECONCILER_TEST_EVENTS=1000000, RECONCILER_TEST_RECORDS=10000 and RECONCILER_TEST_KILLS=50 make it the whole campaign,
by hand, in an hour or two; here it is a small part of it. RECONCILER_TEST_RECORDS says of how many products the changes
are; left out: a tenth as many as there are events.
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
# One product of those that there were at first is deleted each time, and one is made.
PER_ROUND = max(20, EVENTS // PRODUCTS)
ROUNDS = max(EVENTS // PER_ROUND, 1)
MOST_QUEUED = 2_000
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
    shop.emulator.deliver(attempts=20, wait=0.05, at_once=32)
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
    # Answers that are lost, and such as refuse: of what was carried out, and of what was not.
    for requests in ({"path": "/sparklayer/*"}, {"path": "*/v1/products*", "method": "GET"}):
        now_and_then = {**requests, "count": None, "probability": 0.003}
        shop.emulator.fault("reset", when="after", seed=SEED, **now_and_then)
        shop.emulator.fault("status", status=503, seed=SEED + 1, **now_and_then)
    return port


class Writes:
    """Count of the records' writes; the emulator keeps the last requests alone."""

    def __init__(self, shop):
        self._shop = shop
        self._before = 0
        shop.emulator.clear_requests()

    def __len__(self):
        return self._before + len(self._shop.writes())

    def let_go(self):
        """Forget the requests, but not how many there were; one that comes in this moment is not counted."""
        self._before = len(self)
        self._shop.emulator.clear_requests()


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
    writes = Writes(shop)
    service = started(shop, port)
    try:
        kill_after = {(number + 1) * ROUNDS // (KILLS + 1) for number in range(KILLS)}
        stocks, prices, edited = (PER_ROUND * part // 20 for part in (7, 4, 7))
        for number in range(ROUNDS):
            changes = {"stocks": stocks, "prices": prices, "products": PER_ROUND - stocks - prices}
            if originals:
                changes |= {"products": edited, "create": 1}
            # The emulator's queue has an end, beyond which messages are lost.
            wait_until(lambda: shop.emulator.undelivered()["queued"] < MOST_QUEUED, 600, 0.05)
            shop.emulator.mutate(**changes, seedNumber=SEED * 100_000 + number)
            if originals:
                # One that the site is known to have: a creation that was cut off is another matter.
                shop.portal("DELETE", f"products/{originals.pop()}")
            if number in kill_after:
                writes.let_go()
                least = len(writes) + dice.randrange(1, 5)
                wait_until(lambda least=least: len(writes) >= least, 120)
                service.forked.kill()
                service.forked.communicate(60)
                service = started(shop, port)
        wait_until(lambda: all_delivered(shop), 1800, 0.1)
        wait_until(lambda: listens(shop), 1800, 0.3)
        # A message that came late is read again for as long as lists may lag behind: such records stay open.
        shop.nothing_arrives_late()
        wait_until(lambda: is_equal(shop), 600, 0.5)
        # It ends in order, with all that the sync log should say.
        assert service.signalled(signal.SIGTERM) == 0
    finally:
        service.forked.kill()
        service.forked.communicate(60)
    # Of what is gone the site keeps the name that it had last.
    wrong = shop.wrong(shop.held())
    assert wrong == [], wrong
    # Of the last ones, which are all that the emulator keeps.
    ends = Counter(each["status"] for each in shop.emulator.deliveries())
    taken = status(shop)["deliveries"]["taken"]
    told = f"{ROUNDS * PER_ROUND} changes, {taken} messages taken, {len(writes)} writes, {KILLS} kills"
    record_property("campaign", told)
    # What went before its message was sent is dropped.
    assert set(ends) <= {"delivered", "dropped"}
    assert taken > ROUNDS * PER_ROUND * 3 // 4
    assert len(writes) < taken
