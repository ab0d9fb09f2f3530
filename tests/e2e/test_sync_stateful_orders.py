"""Orders go on while runs of every mode are killed and answers lost: purchases are put right, and lose nothing.

RECONCILER_TEST_MOVES makes it longer, and RECONCILER_TEST_SEED another one; a failure tells its moves.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.emulator.testing import emulator_process
from support.checkout import Checkout, wait_until
from support.desk import Desk
from support.syncing import Shop

MOVES = int(os.environ.get("RECONCILER_TEST_MOVES", "12"))
SEED = os.environ.get("RECONCILER_TEST_SEED", "1")
JUDGED_EVERY = 6


@pytest.fixture
def desk(tmp_path: Any) -> Iterator[Desk]:
    with emulator_process() as emulator:
        yield Desk(Shop(Checkout(tmp_path, emulator)))


class World:
    """A desk whose orders go on. `given` is what somebody gave purchases at the site, by cart and member."""

    def __init__(self, desk: Desk, dice: random.Random) -> None:
        self.desk = desk
        self.dice = dice
        self.given: dict[tuple[str, str], Any] = {}
        self.told: list[str] = []

    def go_on(self) -> None:
        """Let orders be amended, shipped, cancelled and sent back."""
        changes = {
            name: self.dice.randrange(3) for name in ("amendOrders", "shipOrders", "cancelOrders", "returnOrders")
        }
        self.desk.shop.emulator.clock(advance=self.dice.choice((1, 60, 7200)))
        self.desk.shop.emulator.mutate(**changes, seedNumber=len(self.told))
        self.told[-1] += f" {changes}"

    def give(self) -> None:
        """Give purchases at the site what no order has: it has to stay."""
        site = self.desk.shop.emulator.site()
        for cart in self.dice.sample(sorted(site["purchases"]), 3):
            member, value = self.dice.choice(
                (
                    ("metadata", [{"name": "till", "value": str(len(self.told))}]),
                    ("customer_identifiers", {"sparklayer_sales_rep": f"cu_{len(self.told)}"}),
                    ("accounting_files", [{"file_type": "invoice", "identifiers": {"visible": f"I{len(self.told)}"}}]),
                )
            )
            site["purchases"][cart][member] = value
            self.given[cart, member] = value
        self.desk.shop.emulator.load_site(site)

    def edit_target(self) -> None:
        """Change what the site has of orders that are ours: a verify puts it right."""
        site = self.desk.shop.emulator.site()
        ours = [
            cart for cart, each in sorted(site["purchases"].items()) if each["purchase_identifiers"].get("platform")
        ]
        for cart in self.dice.sample(ours, min(2, len(ours))):
            purchase = site["purchases"][cart]
            match self.dice.choice(("packages", "currency", "identifier")):
                case "packages":
                    purchase["packages"] = purchase["packages"][:-1]
                case "currency":
                    purchase["currency_code"] = "USD"
                case _:
                    purchase["purchase_identifiers"]["visible"] = "changed by somebody"
            self.told[-1] += f" {cart}"
        self.desk.shop.emulator.load_site(site)

    def lag(self) -> None:
        """Let lists show orders as they were some time ago; a run reads back farther than that."""
        seconds = self.dice.choice((0, 90, 500))
        self.desk.shop.emulator.search_lag(seconds)
        self.told[-1] += f" {seconds}"

    def run(self, *words: str) -> None:
        ended = self.desk.shop.run(*words)
        assert ended.status in (0, 5), f"{ended}\n{self.told}"
        self.told[-1] += f" {ended.json['mode']}"
        self.nothing_lost()

    def run_due(self) -> None:
        self.run()

    def run_any(self) -> None:
        self.run(self.dice.choice(("--full", "--verify", "--rewrite")))

    def lose_answers(self) -> None:
        nth = self.dice.randrange(1, 8)
        self.desk.shop.emulator.fault("reset", method="PUT", path="*/purchases/*", nth=nth, when="after")
        self.run("--full")
        self.desk.shop.emulator.clear_faults()

    def kill(self) -> None:
        """Kill a run of some mode at some request, before or after that is carried out."""
        words = self.dice.choice(([], ["--full"], ["--verify"], ["--rewrite"]))
        nth = self.dice.randrange(1, 60)
        emulator, checkout = self.desk.shop.emulator, self.desk.shop.checkout
        emulator.fault("hang", nth=nth, when=self.dice.choice(("before", "after")))
        process = checkout.fork("sync", "run", "shop", *words)
        try:
            wait_until(lambda: bool(emulator.faults()[-1]["fired"]) or process.poll() is not None, 120)
            process.kill()
        finally:
            process.communicate()
        emulator.clear_faults()
        self.told[-1] += f" {words} at {nth}"
        self.nothing_lost()

    def nothing_lost(self) -> None:
        purchases = self.desk.shop.emulator.site()["purchases"]
        lost = [
            f"{cart} {member}: {value} became {purchases[cart].get(member)}"
            for (cart, member), value in self.given.items()
            if purchases[cart].get(member) != value
        ]
        assert lost == [], "\n".join([*lost, *self.told])

    def judge(self) -> None:
        self.told.append("judge")
        # Longer than any lag.
        self.desk.shop.emulator.clock(advance=600)
        # What was cut off goes on first; then orders that were read before they went on are read again.
        self.run()
        self.run("--verify")
        wrong = self.desk.wrong()
        assert wrong == [], "\n".join([*wrong, *self.told])
        self.desk.shop.emulator.clear_requests()
        self.run("--full")
        assert self.desk.writes() == [], self.told


WEIGHTS = {
    "go_on": 5,
    "give": 2,
    "edit_target": 2,
    "lag": 2,
    "run_due": 3,
    "run_any": 2,
    "lose_answers": 2,
    "kill": 4,
}
OTHERWISE = {"shipment_touches_order": "no", "spark_log_purchases": "refused", "spark_error_bodies": "empty"}


@pytest.mark.parametrize("switches", [{}, OTHERWISE], ids=["defaults", "otherwise"])
def test_whatever_happens_to_orders_their_purchases_are_put_right_and_lose_nothing(
    desk: Desk, switches: dict[str, str]
) -> None:
    desk.shop.emulator.switch(**switches)
    desk.shop.emulator.seed(20, 3, buyers=3, users=9, ownPrices=0, orders=24)
    desk.shop.emulator.add_carts()
    desk.prepare()
    desk.synced("--full")
    world = World(desk, random.Random(SEED))
    for number in range(1, MOVES + 1):
        (name,) = world.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
        world.told.append(name)
        getattr(world, name)()
        if number % JUDGED_EVERY == 0:
            world.judge()
