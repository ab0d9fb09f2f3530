"""Any order of edits at the source, edits at the target, runs of every mode and kills: what was seen is put right.

After problems are mended, at most one ordinary run later every record whose target state a run has seen since its last
edit there equals the naive mapping; the others do after the next verify. RECONCILER_TEST_MOVES makes it longer, and
RECONCILER_TEST_SEED another one; a failure tells its moves.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from reconciler.emulator.testing import emulator_process
from support.checkout import Checkout, wait_until
from support.naive import Options
from support.syncing import Shop

# So many that the look at a few records before each run misses most of them.
PRODUCTS = 200
MOVES = int(os.environ.get("RECONCILER_TEST_MOVES", "16"))
SEED = os.environ.get("RECONCILER_TEST_SEED", "1")
JUDGED_EVERY = 8
REQUESTS = 300
CATALOG = "retail"
LISTS = (Options.price_list, "two")
# So that runs that are due are light walks.
SPEC = {"maxDeletePercent": 100, "interval": "1s", "lookInterval": "1s", "products": {"catalogs": [CATALOG]}}

Json = dict[str, Any]


@pytest.fixture
def shop(tmp_path: Any) -> Iterator[Shop]:
    with emulator_process() as emulator:
        yield Shop(Checkout(tmp_path, emulator))


@dataclass
class World:
    """A shop whose source and target are edited, and what is known of it besides.

    Args:
        shop: with its sync.
        dice: decide what happens.
        mends: what undoes the problem of a product, by its ID: a path, and what it has to have.
        flaws: what is replaced in answers, so that products cannot be used.
        unseen: names of records that were edited at the target, and the move in which; no run has seen them since.
        cut: the first move of which a run was cut off that is not over.
        told: what happened.
    """

    shop: Shop
    dice: random.Random
    mends: dict[str, tuple[str, Json]] = field(default_factory=dict)
    flaws: list[Json] = field(default_factory=list)
    unseen: dict[str, int] = field(default_factory=dict)
    cut: int | None = None
    told: list[str] = field(default_factory=list)

    def move(self, weights: dict[str, int]) -> None:
        (name,) = self.dice.choices(list(weights), list(weights.values()))
        self.told.append(name)
        getattr(self, name)()

    def tell(self, words: str) -> None:
        self.told[-1] += f" {words}"

    # Edits at the source

    def edit_source(self) -> None:
        self.shop.emulator.mutate(products=4, prices=4, stocks=4, seedNumber=len(self.told))

    def delete_and_create(self) -> None:
        self.shop.emulator.mutate(delete=2, create=2, seedNumber=len(self.told))

    def break_products(self) -> None:
        """Make good products problems: nothing of some of them goes through, of others no price."""
        for _ in range(3):
            good = [one for one in self.objects()["Product"][""] if one["ID"] not in self.mends]
            product = self.dice.choice(good)
            name = product["Name"]
            self.break_one(product["ID"], f"products/{product['ID']}", {"Name": " "}, {"Name": name})
            schedules = {row["ID"]: row for row in self.objects()["PriceSchedule"][""] if row.get("Currency") == "GBP"}
            priced = self.dice.choice([one for one in good if one.get("DefaultPriceScheduleID") in schedules])
            slot = priced["DefaultPriceScheduleID"]
            self.break_one(priced["ID"], f"priceschedules/{slot}", {"Currency": "EUR"}, {"Currency": "GBP"})

    def clash(self) -> None:
        """Give the xp of a product a value of another type than that of the rest: lists leave it out."""
        product = self.dice.choice(self.objects()["Product"][""])
        if not product.get("xp"):
            return
        broken = {"xp": {"SKU": 900_000 + len(self.told)}}
        self.break_one(product["ID"], f"products/{product['ID']}", broken, {"xp": {"SKU": product["xp"].get("SKU")}})

    def spoil(self) -> None:
        """Let a product come with half a character in its name, or without an ID that can be used."""
        product = self.dice.choice(self.objects()["Product"][""])
        name, key = re.escape(product["Name"]), re.escape(product["ID"])
        flaw = self.dice.choice(
            (
                {"find": f'"Name":"{name}"', "put": r'"Name":"Ham\ud800mer"'},
                {"find": f'"ID":"{key}"', "put": f'"ID":{self.dice.choice(("null", "7"))}'},
            )
        )
        self.flaws.append(flaw)
        self.tell(f"{flaw}")
        self.set_faults()

    def set_faults(self) -> None:
        """Leave no fault but the flaws of products."""
        self.shop.emulator.clear_faults()
        if self.flaws:
            self.shop.emulator.fault("rewrite", path="*/products*", count=None, replace=self.flaws)

    def change_scope(self) -> None:
        """Take products out of the catalog, or put them back."""
        products = self.objects()["Product"][""]
        rows = self.objects()["ProductCatalogAssignment"][""]
        inside = {row["ProductID"] for row in rows if row["CatalogID"] == CATALOG}
        # Those that are outside as a rule: they come back.
        outside = [one["ID"] for one in products if one["ID"] not in inside]
        for key in (*self.dice.sample(sorted(inside), 2), *self.dice.sample(outside, min(2, len(outside)))):
            if key in inside:
                self.shop.portal("DELETE", f"catalogs/{CATALOG}/productassignments/{key}")
            else:
                self.shop.portal("POST", "catalogs/productassignments", {"CatalogID": CATALOG, "ProductID": key})
            self.tell(f"{key}:{'out' if key in inside else 'in'}")

    def change_option_costs(self) -> None:
        """Let options of some variants cost something else. The emulator's API shows what variants were made with."""
        state = self.shop.emulator.state(secrets=True)
        variants = state["ordercloud"]["commerce"]["objects"]["Variant"]
        for key in self.dice.sample(sorted(key for key, rows in variants.items() if rows), 4):
            variant = self.dice.choice(variants[key])
            for spec in variant["Specs"]:
                spec["PriceMarkupType"] = self.dice.choice(("NoMarkup", "AmountPerQuantity", "Percentage"))
                spec["PriceMarkup"] = self.dice.choice((None, 0, 0.1, 2.5, 3.3, 100))
            self.tell(variant["ID"])
        self.shop.emulator.load(state)
        self.set_faults()

    def share_address(self) -> None:
        """Give a product stock at an address once more: what stands there is added up."""
        records = self.objects()["InventoryRecord"]
        plain = sorted(key for key, rows in records.items() if rows and "/" not in key)
        for key in self.dice.sample(plain, min(2, len(plain))):
            row = {
                "AddressID": self.dice.choice(records[key])["AddressID"],
                "QuantityAvailable": self.dice.randrange(50),
            }
            self.shop.portal("POST", f"products/{key}/inventoryrecords", row)
            self.tell(f"{key} at {row['AddressID']}")

    def wrong_clock(self) -> None:
        """Answer once with a date far off, in a run that is due, or set the source's clock for good."""
        off = timedelta(hours=self.dice.choice((-30, -2, 2, 30)))
        if self.dice.random() < 0.3:
            self.tell(f"for good: {off}")
            self.shop.emulator.clock(advance=off.total_seconds())
            return
        date = format_datetime(self.shop.now() + off, usegmt=True)
        path, nth = self.dice.choice(("*/ordercloud/*", "*")), self.dice.randrange(1, 8)
        self.shop.emulator.fault("rewrite", path=path, nth=nth, headers={"Date": date})
        self.tell(f"{off} at {nth}")
        self.run()
        self.set_faults()

    def break_one(self, key: str, path: str, broken: Json, good: Json) -> None:
        if key not in self.mends:
            self.shop.portal("PATCH", path, broken)
            self.mends[key] = (path, good)
            self.tell(path)

    def objects(self) -> dict[str, dict[str, list[Json]]]:
        found: dict[str, dict[str, list[Json]]] = self.shop.emulator.state()["ordercloud"]["commerce"]["objects"]
        return found

    def mend_all(self) -> None:
        kinds = {"products": "Product", "priceschedules": "PriceSchedule"}
        there = {f"{path}/{row['ID']}" for path, kind in kinds.items() for row in self.objects()[kind][""]}
        for path, good in self.mends.values():
            if path in there:
                self.shop.portal("PATCH", path, good)
        self.mends.clear()
        self.flaws.clear()
        self.set_faults()

    # Edits at the target

    def edit_target(self) -> None:
        """Change some products, stock and prices of the site; of what is broken at the source above all."""
        site = self.shop.emulator.site()
        products = site["products"]["records"]
        if len(products) < 4:
            return
        broken = [one for one in products if one["external_id"] in self.mends]
        chosen = {
            one["id"]: one
            for one in (*self.dice.sample(broken, (len(broken) + 1) // 2), *self.dice.sample(products, 4))
        }
        for product in chosen.values():
            variants = [one for one in site["variants"]["records"] if one["id"] in product["variant_ids"]]
            skus = [one["sku"] for one in variants if one.get("sku")]
            self.hide(product["external_id"], *skus)
            way = self.dice.choice(("title", "gone", "variant", "stock", "prices"))
            if way == "title":
                product["title"] = "Changed by somebody"
            elif way == "variant" and variants:
                variants[0]["status"] = "live" if variants[0]["status"] == "discontinued" else "suspended"
            elif way == "gone":
                site["products"]["records"] = [one for one in site["products"]["records"] if one is not product]
                site["variants"]["records"] = [one for one in site["variants"]["records"] if one not in variants]
            else:
                for sku in skus:
                    site[way].pop(sku, None)
                    for of_list in site["prices"].values():
                        of_list.pop(sku, None)
            self.tell(f"{product['external_id']}:{way}")
        self.shop.emulator.load_site(site)

    def empty_target(self) -> None:
        site = self.shop.emulator.site()
        held = self.shop.held()
        self.hide(*held.products, *held.stock, *held.prices)
        for name in ("products", "variants"):
            site[name]["records"] = []
        self.shop.emulator.load_site({**site, "stock": {}, "logs": {}, "prices": {key: {} for key in site["prices"]}})

    def lose_price_list(self) -> None:
        """Delete the price list at the site: a run stops at that, writes nothing, and apply alone makes it again."""
        site = self.shop.emulator.site()
        self.hide(*self.shop.held().prices)
        self.shop.emulator.load_site({**site, "price_lists": {}, "prices": {}})
        self.shop.emulator.clear_requests()
        ended = self.shop.run()
        assert (ended.status, "no price list" in ended.stderr, self.shop.writes()) == (1, True, []), str(ended)
        self.cut = self.cut or len(self.told)
        self.shop.checkout.applied()

    def move_prices(self) -> None:
        """Let the prices go to the other list, and perhaps clear the one before, where they stay till then."""
        here = self.shop.options.price_list
        there = LISTS[here == LISTS[0]]
        self.shop.change(**SPEC, pricing={"priceList": there})
        self.tell(there)
        before = self.shop.emulator.site()["prices"]
        if self.dice.random() < 0.5:
            return
        # Of records that a run has not seen on the new list, too.
        vouched = ("--yes", "--override", "maxDeletePercent", "--reason", "moved")
        ended = self.shop.checkout.call("sync", "run", "shop", "--clear-list", here, *vouched)
        assert ended.status == 0, str(ended)
        after = self.shop.emulator.site()["prices"]
        assert {name: prices for name, prices in after.items() if name != here} == {
            name: prices for name, prices in before.items() if name != here
        }
        self.tell(f"cleared, {len(after.get(here, {}))} left of {len(before.get(here, {}))}")

    def hide(self, *names: str) -> None:
        self.unseen.update(dict.fromkeys(names, len(self.told)))

    # Runs

    def run(self, *words: str) -> Json:
        ended = self.shop.run(*words)
        assert ended.status in (0, 5), str(ended)
        report: Json = ended.json
        assert report["state"] == "finished", report
        self.tell(report["mode"] + (" resumed" if report["resumed"] else ""))
        if report["mode"] == "verify":
            # What was edited while a run was cut off may have been read before.
            first = self.cut if report["resumed"] and self.cut is not None else len(self.told) + 1
            self.unseen = {name: at for name, at in self.unseen.items() if at >= first}
        self.cut = None
        return report

    def run_due(self) -> None:
        self.run()

    def run_full(self) -> None:
        self.run("--full")

    def run_verify(self) -> None:
        self.run("--verify")

    def run_rewrite(self) -> None:
        self.run("--rewrite")

    def kill(self) -> None:
        """Kill a run of some mode at some request, before or after that is carried out."""
        words = self.dice.choice(([], ["--full"], ["--verify"], ["--rewrite"]))
        nth = self.dice.choice((self.dice.randrange(1, 12), self.dice.randrange(12, REQUESTS)))
        emulator, checkout = self.shop.emulator, self.shop.checkout
        emulator.fault("hang", nth=nth, when=self.dice.choice(("before", "after")))
        process = checkout.fork("sync", "run", "shop", *words)
        try:
            wait_until(lambda: bool(emulator.faults()[-1]["fired"]) or process.poll() is not None, 120)
            cut = process.poll() is None
            process.kill()
        finally:
            process.communicate()
        self.set_faults()
        self.tell(f"{words} at {nth}: {'cut' if cut else 'ended'}")
        if cut and self.cut is None:
            self.cut = len(self.told)

    # Judging

    def judge(self) -> None:
        self.told.append("judge")
        self.mend_all()
        if self.run("--full")["resumed"]:
            # It had read the source before it was mended.
            self.run("--full")
        assert self.seen(self.shop.wrong(self.shop.held())) == [], self.told
        self.run("--verify")
        assert self.unseen == {}, self.told
        assert self.shop.wrong(self.shop.held()) == [], self.told
        self.shop.emulator.clear_requests()
        self.run("--full")
        assert self.shop.writes() == [], self.told

    def seen(self, wrong: list[str]) -> list[str]:
        return [line for line in wrong if not any(f" {name}:" in line for name in self.unseen)]


WEIGHTS = {
    "edit_source": 4,
    "delete_and_create": 2,
    "break_products": 5,
    "clash": 2,
    "spoil": 2,
    "change_scope": 3,
    "change_option_costs": 2,
    "share_address": 2,
    "wrong_clock": 2,
    "edit_target": 5,
    "empty_target": 2,
    "lose_price_list": 1,
    "move_prices": 2,
    "run_due": 4,
    "run_full": 3,
    "run_verify": 4,
    "run_rewrite": 1,
    "kill": 4,
}


def test_whatever_happens_what_was_seen_is_put_right_by_the_next_run_and_all_by_a_verify(shop: Shop) -> None:
    shop.emulator.seed(PRODUCTS, 1)
    shop.emulator.switch(clashing_xp="left_out")
    shop.prepare(**SPEC)
    shop.synced("--full")
    world = World(shop, random.Random(SEED))
    for number in range(1, MOVES + 1):
        world.move(WEIGHTS)
        if number % JUDGED_EVERY == 0:
            world.judge()
