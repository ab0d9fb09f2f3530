"""A campaign: changes by the hundred, messages that come twice, late and in another order, APIs that fail now and then,
and somebody who does harm; at rest SparkLayer equals OrderCloud.

RECONCILER_TEST_EVENTS=1000000, RECONCILER_TEST_RECORDS=10000 and RECONCILER_TEST_KILLS=50 make it the whole campaign,
by hand, in an hour or two; in CI it is a small part of it. RECONCILER_TEST_RECORDS says of how many products the
changes are; left out: a tenth as many as there are events.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support.checkout import wait_until
from support.syncing import Shop

EVENTS = int(os.environ.get("RECONCILER_TEST_EVENTS", "200"))
PRODUCTS = int(os.environ.get("RECONCILER_TEST_RECORDS", max(EVENTS // 10, 20)))
SEED = int(os.environ.get("RECONCILER_TEST_SEED", "13"))
# One product of those that there were at first is deleted each time, and one is made.
PER_ROUND = max(20, EVENTS // PRODUCTS)
ROUNDS = max(EVENTS // PER_ROUND, 1)
MOST_QUEUED = 2_000


def times_of_harm(usual: int) -> int:
    """How often harm is done, unless RECONCILER_TEST_KILLS says otherwise."""
    return int(os.environ.get("RECONCILER_TEST_KILLS", usual))


def status(shop: Shop) -> Any:
    (found,) = shop.checkout.call("sync", "status", "--format", "json").json["syncs"]
    return found


class Writes:
    """Count of the records' writes; the emulator keeps the last requests alone."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._before = 0
        shop.emulator.clear_requests()

    def __len__(self) -> int:
        return self._before + len(self._shop.writes())

    def let_go(self) -> None:
        """Forget the requests, but not how many there were; one that comes in this moment is not counted."""
        self._before = len(self)
        self._shop.emulator.clear_requests()


@dataclass
class Campaign:
    """Changes of a shop, whose messages go to a delivery target.

    Args:
        shop: synced, with service and consumers as the test needs them.
        target: where OrderCloud delivers to.
        unread: messages that wait there to be read: a broker forgets what is too much.
    """

    shop: Shop
    target: dict[str, Any]
    unread: Callable[[], int] = lambda: 0
    writes: Writes = field(init=False)
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))

    def prepare(self) -> None:
        """Deliver from now on, badly, and let the APIs fail now and then."""
        shop = self.shop
        # Whoever is not there is asked again until it is.
        shop.emulator.deliver(attempts=20, wait=0.05, at_once=32)
        config = {"Name": "Out", "Enabled": True, "DeliveryTargets": self.target}
        shop.portal("PUT", "integrations/deliveryconfig/out", config)
        both = {"DeliveryConfigID": "out"}
        product = {**both, "SyncProductChanged": True, "SyncProductDeleted": True}
        shop.portal("PUT", "integrations/productsync", product)
        stock = {**both, "SyncEntityChanged": True, "SyncEntityDeleted": True}
        shop.portal("PUT", "integrations/entitysync/products/inventoryrecords", stock)
        rules: tuple[tuple[str, dict[str, Any]], ...] = (
            ("duplicate", {"copies": 2}),
            ("late", {"seconds": 0.5}),
            ("reorder", {"by": 5, "seconds": 1}),
        )
        for number, (effect, rule) in enumerate(rules):
            shop.emulator.delivery_fault(effect, count=None, probability=0.15, seed=SEED + number, **rule)
        # Answers that are lost, and such as refuse: of what was carried out, and of what was not.
        for requests in ({"path": "/sparklayer/*"}, {"path": "*/v1/products*", "method": "GET"}):
            now_and_then: dict[str, Any] = {**requests, "count": None, "probability": 0.003}
            shop.emulator.fault("reset", when="after", seed=SEED, **now_and_then)
            shop.emulator.fault("status", status=503, seed=SEED + 1, **now_and_then)
        self.writes = Writes(shop)

    def change(self, times: int, harm: Callable[[int], None]) -> None:
        """Make all changes, and have harm done so many times in between."""
        shop, dice = self.shop, self.dice
        originals = sorted(shop.held().products)
        dice.shuffle(originals)
        moments = [(number + 1) * ROUNDS // (times + 1) for number in range(times)]
        stocks, prices, edited = (PER_ROUND * part // 20 for part in (7, 4, 7))
        for number in range(ROUNDS):
            changes = {"stocks": stocks, "prices": prices, "products": PER_ROUND - stocks - prices}
            if originals:
                changes |= {"products": edited, "create": 1}
            # The emulator's queue has an end, beyond which messages are lost.
            wait_until(lambda: shop.emulator.undelivered()["queued"] < MOST_QUEUED, 600, 0.05)
            if number % 50 == 0:
                wait_until(lambda: self.unread() < MOST_QUEUED, 600, 1)
            shop.emulator.mutate(**changes, seedNumber=SEED * 100_000 + number)
            if originals:
                # One that the site is known to have: a creation that was cut off is another matter.
                shop.portal("DELETE", f"products/{originals.pop()}")
            for moment, when in enumerate(moments):
                if when == number:
                    self.writes.let_go()
                    harm(moment)

    def come_to_rest(self) -> None:
        """Wait until all is delivered, and the site is what OrderCloud is; of what is gone it keeps the last name."""
        shop = self.shop
        wait_until(lambda: not any(shop.emulator.undelivered()[name] for name in ("queued", "later", "underWay")), 1800)
        wait_until(lambda: self.unread() == 0, 1800, 1)
        wait_until(self._listens, 1800, 0.3)
        # A message that came late is read again for as long as lists may lag behind: such records stay open.
        shop.nothing_arrives_late()
        wait_until(lambda: shop.wrong(shop.held()) == [], 600, 0.5)

    def _listens(self) -> bool:
        running = status(self.shop)["running"]
        return running is not None and running["doing"] == "listening for changes"

    def check(self, record_property: Callable[[str, object], None], told: str) -> None:
        """Check that the site is what OrderCloud is, that no message was lost, and that writes are few."""
        wrong = self.shop.wrong(self.shop.held())
        assert wrong == [], wrong
        # Of the last ones, which are all that the emulator keeps; what went before its message was sent is dropped.
        ends = Counter(each["status"] for each in self.shop.emulator.deliveries())
        assert set(ends) <= {"delivered", "dropped"}
        number, writes = ROUNDS * PER_ROUND, len(self.writes)
        taken = status(self.shop)["deliveries"]["taken"]
        record_property("campaign", f"{number} changes, {taken} messages taken, {writes} writes, {told}")
        assert taken > number * 3 // 4
        assert writes < taken
