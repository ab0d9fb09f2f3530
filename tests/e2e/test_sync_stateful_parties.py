"""Any order of edits at people and their prices, edits at the target, runs of every mode, kills and lost answers.

What somebody put at the site, and no mapping names, is never lost; what was seen is put right by the next run, and all
by a verify. RECONCILER_TEST_MOVES makes it longer, and RECONCILER_TEST_SEED another one; a failure tells its moves.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError

import pytest

from reconciler.emulator.testing import emulator_process
from support.checkout import Checkout, wait_until
from support.syncing import Shop
from support.town import Town

MOVES = int(os.environ.get("RECONCILER_TEST_MOVES", "7"))
SEED = os.environ.get("RECONCILER_TEST_SEED", "1")
JUDGED_EVERY = 7
REQUESTS = 150

Json = dict[str, Any]


@pytest.fixture
def town(tmp_path: Any) -> Iterator[Town]:
    with emulator_process() as emulator:
        yield Town(Shop(Checkout(tmp_path, emulator)))


@dataclass
class World:
    """A town whose people and site are edited.

    Args:
        town: with its sync.
        dice: decide what happens.
        given: what somebody gave customers at the site, by the site's own ID and member; nobody took it away.
        unseen: customers that were edited at the target, and the move in which; no verify has seen them since.
        freed: email addresses of those that were deleted there.
        cut: the first move of which a run was cut off that is not over.
        told: what happened.
    """

    town: Town
    dice: random.Random
    given: dict[tuple[str, str], Any] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    freed: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    told: list[str] = field(default_factory=list)

    def move(self, weights: dict[str, int]) -> None:
        (name,) = self.dice.choices(list(weights), list(weights.values()))
        self.told.append(name)
        getattr(self, name)()

    def tell(self, words: str) -> None:
        self.told[-1] += f" {words}"

    def portal(self, method: str, path: str, body: Any = None) -> None:
        """Ask OrderCloud for something, and tell what it refuses: such an edit is none."""
        try:
            self.town.shop.portal(method, path, body)
        except HTTPError as error:
            self.tell(f"({method} {path} refused: {error.code})")

    def objects(self) -> dict[str, dict[str, list[Json]]]:
        state = self.town.shop.emulator.state()
        found: dict[str, dict[str, list[Json]]] = state["ordercloud"]["commerce"]["objects"]
        return found

    def some_users(self, count: int) -> list[tuple[str, Json]]:
        users = [(buyer, user) for buyer, rows in sorted(self.objects()["BuyerUser"].items()) for user in rows]
        return self.dice.sample(users, min(count, len(users)))

    # Edits at the source

    def edit_users(self) -> None:
        for buyer, user in self.some_users(4):
            change = self.dice.choice(
                (
                    {"FirstName": f"Ann {len(self.told)}"},
                    {"LastName": self.dice.choice(("O'Neill", " Müller ", "<i>x</i>"))},
                    {"Active": not user["Active"]},
                    {"xp": {"discount": self.dice.choice((0, 3.5, "12.5", "a lot", None)), "erpNumber": 17}},
                    {"Email": f"{user['ID']}.{len(self.told)}@example.net"},
                )
            )
            self.portal("PATCH", f"buyers/{buyer}/users/{user['ID']}", change)
            self.tell(f"{buyer}.{user['ID']}:{change}")

    def swap_emails(self) -> None:
        """Let two users have each other's address."""
        (first, one), (second, other) = self.some_users(2)
        if one.get("Email") and other.get("Email"):
            self.portal("PATCH", f"buyers/{first}/users/{one['ID']}", {"Email": other["Email"]})
            self.portal("PATCH", f"buyers/{second}/users/{other['ID']}", {"Email": one["Email"]})
            self.tell(f"{first}.{one['ID']} and {second}.{other['ID']}")

    def come_and_go(self) -> None:
        """Delete a user, and let another one come to the same buyer, maybe with the address of the first."""
        ((buyer, user),) = self.some_users(1)
        self.portal("DELETE", f"buyers/{buyer}/users/{user['ID']}")
        name = f"new-{len(self.told)}"
        address = self.dice.choice((user.get("Email") or f"{name}@example.net", f"{name}@example.net"))
        body = {"ID": name, "Username": name, "FirstName": "New", "LastName": "One", "Email": address, "Active": True}
        self.portal("POST", f"buyers/{buyer}/users", body)
        self.tell(f"{buyer}: {user['ID']} goes, {name} comes with {address}")

    def rename_user(self) -> None:
        ((buyer, user),) = self.some_users(1)
        name = f"{user['ID'][:40]}-r{len(self.told)}"
        self.portal("PATCH", f"buyers/{buyer}/users/{user['ID']}", {"ID": name})
        self.town.options.renamed[f"{buyer}.{user['ID']}"] = f"{buyer}.{name}"
        self.tell(f"{buyer}.{user['ID']}")

    def regroup(self) -> None:
        """Put users into groups, or take them out."""
        objects = self.objects()
        for buyer, user in self.some_users(3):
            groups = [row["ID"] for row in objects.get("UserGroup", {}).get(buyer, [])]
            if not groups:
                continue
            group = self.dice.choice(groups)
            rows = objects.get("UserGroupAssignment", {}).get(buyer, [])
            path = f"buyers/{buyer}/usergroups"
            if any(row["UserID"] == user["ID"] and row["UserGroupID"] == group for row in rows):
                self.portal("DELETE", f"{path}/{group}/assignments/{user['ID']}")
            else:
                self.portal("POST", f"{path}/assignments", {"UserGroupID": group, "UserID": user["ID"]})
            self.tell(f"{buyer}.{user['ID']}:{group}")

    def readdress(self) -> None:
        """Change addresses, and who has them."""
        objects = self.objects()
        for buyer, user in self.some_users(3):
            addresses = objects.get("BuyerAddress", {}).get(buyer, [])
            if not addresses:
                continue
            address = self.dice.choice(addresses)["ID"]
            path = f"buyers/{buyer}/addresses"
            way = self.dice.choice(("edit", "assign", "take"))
            tied = [row for row in objects.get("AddressAssignment", {}).get(buyer, []) if row["AddressID"] == address]
            if way == "edit":
                self.portal("PATCH", f"{path}/{address}", {"Street1": f"{len(self.told)} New Road"})
            elif way == "assign":
                row = {"AddressID": address, "UserID": user["ID"], "IsShipping": True, "IsBilling": len(tied) % 2 == 0}
                self.portal("POST", f"{path}/assignments", row)
            elif tied:
                parties = {"userID": tied[0].get("UserID"), "userGroupID": tied[0].get("UserGroupID")}
                query = "&".join(f"{name}={value}" for name, value in parties.items() if value)
                self.portal("DELETE", f"{path}/{address}/assignments" + (f"?{query}" if query else ""))
            self.tell(f"{buyer}/{address}:{way}")

    def reprice(self) -> None:
        """Change prices of parties, and whose they are."""
        objects = self.objects()
        own = [row for row in objects["PriceSchedule"][""] if row["ID"].startswith("own-") and row["PriceBreaks"]]
        for schedule in self.dice.sample(own, min(3, len(own))):
            price = {"Quantity": 1, "Price": self.dice.randrange(100, 900) / 100}
            self.portal("PATCH", f"priceschedules/{schedule['ID']}", {"PriceBreaks": [price]})
        product = self.dice.choice(objects["Product"][""])["ID"]
        buyer = self.dice.choice([row["ID"] for row in objects["Buyer"][""]])
        body = {"ProductID": product, "BuyerID": buyer, "PriceScheduleID": self.dice.choice(own)["ID"]}
        self.portal("POST", "products/assignments", body)
        self.tell(f"{product} for {buyer}")

    def lag(self) -> None:
        """Let the search index show products as they were some time ago."""
        seconds = self.dice.choice((0, 60, 600))
        self.town.shop.emulator.search_lag(seconds)
        self.tell(str(seconds))

    # Edits at the target

    def some_customers(self, site: Json, count: int) -> list[Json]:
        records = site["customers"]["records"]
        return self.dice.sample(records, min(count, len(records)))

    def give(self) -> None:
        """Give customers at the site what no mapping names: it has to stay."""
        site = self.town.shop.emulator.site()
        for record in self.some_customers(site, 4):
            member, value = self.dice.choice(
                (
                    ("sales_agent_groups", [f"north-{len(self.told)}"]),
                    ("role", "limited-customer"),
                    ("tax_exempt", True),
                    ("payment_on_account", {"credit_limit": 500.0, "balance": 12.5, "currency_code": "GBP"}),
                    ("address", f"theirs-{len(self.told)}-{record['id']}"),
                )
            )
            self.given[record["id"], member] = value
            if member == "address":
                place = {"address_line1": "1 Own Road", "city": "Leeds", "country_code": "GB", "external_id": value}
                row = {"id": f"ca_x{len(self.told)}{record['id']}", "customer_id": record["id"], **place}
                site["addresses"]["records"].append(row)
            else:
                record[member] = value
            self.tell(f"{record.get('external_id')}:{member}")
        self.town.shop.emulator.load_site(site)

    def edit_target(self) -> None:
        """Change or delete some customers of the site."""
        site = self.town.shop.emulator.site()
        for record in self.some_customers(site, 3):
            external_id = record.get("external_id", "")
            self.unseen[external_id] = len(self.told)
            way = self.dice.choice(("name", "gone", "addresses", "discount"))
            if way == "name":
                record["first_name"] = "Changed by somebody"
            elif way == "discount":
                record["discount_percentage"] = 77.0
            else:
                rows = site["addresses"]["records"]
                site["addresses"]["records"] = [row for row in rows if row["customer_id"] != record["id"]]
                self.given.pop((record["id"], "address"), None)
            if way == "gone":
                self.freed[external_id] = record.get("email", "").casefold()
                site["customers"]["records"] = [row for row in site["customers"]["records"] if row is not record]
                self.given = {key: value for key, value in self.given.items() if key[0] != record["id"]}
            self.tell(f"{external_id}:{way}")
        self.town.shop.emulator.load_site(site)

    # Runs

    def run(self, *words: str) -> list[Json]:
        ended = self.town.shop.run(*words)
        assert ended.status in (0, 5), f"{ended}\n{self.told}"
        reports: list[Json] = ended.json
        self.told[-1] += " " + "/".join(report["mode"] + "r" * report["resumed"] for report in reports)
        if all(report["mode"] == "verify" for report in reports):
            first = self.cut if any(report["resumed"] for report in reports) and self.cut else len(self.told) + 1
            self.unseen = {name: at for name, at in self.unseen.items() if at >= first}
        self.cut = None
        self.nothing_lost()
        return reports

    def run_due(self) -> None:
        self.run()

    def run_full(self) -> None:
        self.run("--full")

    def run_verify(self) -> None:
        self.run("--verify")

    def run_rewrite(self) -> None:
        self.run("--rewrite")

    def lose_answers(self) -> None:
        """Let some writes be carried out, and their answers be lost, in a full sync."""
        nth = self.dice.randrange(1, 20)
        self.town.shop.emulator.fault("reset", method="PUT", path="*/customers/*", nth=nth, when="after")
        self.tell(f"at {nth}")
        self.run("--full")
        self.town.shop.emulator.clear_faults()

    def kill(self) -> None:
        """Kill a run of some mode at some request, before or after that is carried out."""
        words = self.dice.choice(([], ["--full"], ["--verify"], ["--rewrite"]))
        nth = self.dice.randrange(1, REQUESTS)
        emulator, checkout = self.town.shop.emulator, self.town.shop.checkout
        emulator.fault("hang", nth=nth, when=self.dice.choice(("before", "after")))
        process = checkout.fork("sync", "run", "shop", *words)
        try:
            wait_until(lambda: bool(emulator.faults()[-1]["fired"]) or process.poll() is not None, 120)
            cut = process.poll() is None
            process.kill()
        finally:
            process.communicate()
        emulator.clear_faults()
        self.tell(f"{words} at {nth}: {'cut' if cut else 'ended'}")
        if cut and self.cut is None:
            self.cut = len(self.told)
        self.nothing_lost()

    # Judging

    def waiting(self) -> set[str]:
        """Return whose address is that of a customer that was deleted at the target, which no verify has seen."""
        freed = {email for name, email in self.freed.items() if name in self.unseen}
        users = [(buyer, user) for buyer, rows in self.objects()["BuyerUser"].items() for user in rows]
        return {f"{buyer}.{user['ID']}" for buyer, user in users if (user.get("Email") or "").casefold() in freed}

    def nothing_lost(self) -> None:
        """No customer lost what nobody took away."""
        site = self.town.shop.emulator.site()
        records = {record["id"]: record for record in site["customers"]["records"]}
        theirs = {row.get("external_id") for row in site["addresses"]["records"]}
        lost = []
        for (own_id, member), value in self.given.items():
            record = records.get(own_id)
            if record is None:
                lost.append(f"{own_id} is gone")
            elif member == "address":
                lost += [] if value in theirs else [f"{record.get('external_id')} lost {value}"]
            elif record.get(member) != value:
                lost.append(f"{record.get('external_id')} {member}: {value} became {record.get(member)}")
        assert lost == [], "\n".join([*lost, *self.told])

    def wrong_prices(self) -> list[str]:
        """Return what customers that go through pay otherwise than they should."""
        users = {f"{buyer}.{user['ID']}" for buyer, rows in self.objects()["BuyerUser"].items() for user in rows}
        stopped = {"duplicate-email", "bad-email", "left-scope"}
        flowing = users - {key for key, codes in self.town.held().errors.items() if codes & stopped}
        lines = self.town.wrong_prices(new=False)
        return [line for line in lines if line.startswith("prices:") or line.split()[0].rstrip(":") in flowing]

    def judge(self) -> None:
        self.told.append("judge")
        self.town.shop.emulator.search_lag(0)
        if any(report["resumed"] for report in self.run("--full")):
            self.run("--full")
        excused = self.unseen.keys() | self.waiting()
        wrong = self.town.wrong(self.town.held())
        wrong = [line for line in wrong if not any(name in line for name in excused)]
        assert wrong == [], "\n".join([*wrong, *self.told])
        self.run("--verify")
        assert self.unseen == {}, self.told
        wrong = self.town.wrong(self.town.held())
        assert wrong == [], "\n".join([*wrong, *self.told])
        wrong = self.wrong_prices()
        assert wrong == [], "\n".join([*wrong, *self.told])
        self.town.shop.emulator.clear_requests()
        self.run("--full")
        assert self.town.shop.writes() == [], self.told


WEIGHTS = {
    "edit_users": 5,
    "swap_emails": 2,
    "come_and_go": 2,
    "rename_user": 2,
    "regroup": 3,
    "readdress": 4,
    "reprice": 3,
    "lag": 1,
    "give": 4,
    "edit_target": 3,
    "run_due": 3,
    "run_full": 3,
    "run_verify": 3,
    "run_rewrite": 1,
    "lose_answers": 2,
    "kill": 4,
}


OTHERWISE = {
    "spark_balance_left_out": "cleared",
    "spark_customer_answer": "empty",
    "spark_customer_status_inactive": "disabled",
    "spark_email_case": "told_apart",
    "spark_error_bodies": "empty",
    "user_list": "per_buyer",
}


@pytest.mark.parametrize("switches", [{}, OTHERWISE], ids=["defaults", "otherwise"])
def test_whatever_happens_no_customer_loses_anything_and_all_is_put_right(town: Town, switches: dict[str, str]) -> None:
    town.shop.emulator.switch(**switches)
    town.rows = bool(switches)
    town.shop.emulator.seed(12, 1, buyers=4, users=24, ownPrices=16, orders=0)
    town.prepare(maxDeletePercent=100, interval="1s", lookInterval="1s")
    town.options.inactive = switches.get("spark_customer_status_inactive", "inactive")
    town.synced("--full")
    world = World(town, random.Random(SEED))
    for number in range(1, MOVES + 1):
        world.move(WEIGHTS)
        if number % JUDGED_EVERY == 0:
            world.judge()
