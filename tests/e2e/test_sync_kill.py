"""SIGKILL at random instants of a sync: the next run ends where it should, and the log and the reports were true.

A dozen kills per mode of run, half of them with each database; RECONCILER_TEST_KILLS=200 for so many with each.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator, emulator_process
from support.checkout import Checkout, document, wait_until
from support.forked import Forked
from support.log_truth import assert_the_log_never_lied
from support.syncing import LOG, Shop, is_write

PRODUCTS = 40
# Where each kill costs three runs; one of so few has a problem.
FEW = 25
KILLS = int(os.environ.get("RECONCILER_TEST_KILLS", "6"))
# A full sync of so few has some 65 requests; a kill beyond the last one comes after the end.
REQUESTS = 75


def hung_or_ended(shop: Shop, process: Forked) -> None:
    """Wait until the first fault came, or a run ended without it."""
    wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]) or process.poll() is not None, 120)


def asked_or_ended(shop: Shop, process: Forked, enough: int) -> None:
    """Wait until so many requests were made in all, or a run ended."""
    wait_until(lambda: len(shop.emulator.requests()) >= enough or process.poll() is not None, 120, 0.2)


@pytest.fixture(scope="module")
def emulator_apart() -> Iterator[RunningEmulator]:
    """An emulator in a process of its own, which is not held up by the tests' polling."""
    with emulator_process() as emulator:
        yield emulator


@pytest.fixture
def shop(tmp_path: Any, ledger_url: str, emulator_apart: RunningEmulator) -> Shop:
    """A shop against an emulator as it was when it started."""
    server_ledger = None if ledger_url.startswith("sqlite:") else ledger_url
    emulator_apart.reset()
    emulator_apart.keep_bodies(None)
    return Shop(Checkout(tmp_path, emulator_apart, server_ledger=server_ledger))


def dice_of(shop: Shop, name: str) -> random.Random:
    """Return what chooses the instants: the same in every run, and others with each database."""
    database = shop.checkout.ledger_url.partition(":")[0]
    return random.Random(os.environ.get("RECONCILER_TEST_SEED", f"{database} {name}"))


def full_sync_is_over(shop: Shop) -> bool:
    return "last_full_sync" in shop.log()


def killed_at(shop: Shop, nth: int, when: str, *words: str) -> bool:
    """Start a run, SIGKILL it at a request, before or after it is carried out; return whether it was cut."""
    shop.emulator.fault("hang", nth=nth, when=when)
    process = shop.checkout.fork("sync", "run", "shop", *words)
    try:
        wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]) or process.poll() is not None, 120)
        cut = process.poll() is None
        process.kill()
    finally:
        process.communicate()
    shop.emulator.clear_faults()
    return cut


def killed(shop: Shop, dice: random.Random) -> bool:
    """Start a full sync, SIGKILL it at some request, before or after it is carried out; return whether it was cut."""
    return killed_at(shop, dice.randrange(1, REQUESTS), dice.choice(["before", "after"]), "--full")


def left_over(shop: Shop) -> bool:
    """Return whether `sync status` tells of a run that was cut off; none of them may pass for running."""
    (status,) = shop.checkout.call("sync", "status", "shop", "--format", "json").json["syncs"]
    assert status["running"] is None or not status["running"]["alive"]
    return bool(status["running"] or status["cut_off"])


def test_killed_at_random_instants_it_ends_where_it_should(shop: Shop) -> None:
    dice = dice_of(shop, "4")
    shop.emulator.keep_bodies("*/sync-log/*")
    shop.emulator.seed(FEW, 1)
    shop.prepare(walkInterval="1h")
    empty = shop.emulator.site()
    cuts = 0
    for number in range(KILLS):
        # Anew each time: other products, an empty site, a ledger that knows nothing of it.
        shop.emulator.load_site(empty)
        shop.emulator.seed(FEW, number)
        shop.checkout.lose_ledger()
        shop.checkout.applied()
        shop.emulator.clear_requests()

        cut = killed(shop, dice)
        cuts += cut
        if cut and full_sync_is_over(shop):
            # It was cut at the very last request, the answer of which was lost; all that it says is done.
            assert shop.wrong() == []
        unfinished = left_over(shop)
        ended = shop.run()
        assert ended.status == 0, f"{number}: {ended}"
        report = ended.json
        assert report["state"] == "finished"
        assert shop.wrong() == [], f"{number}, cut: {cut}"
        assert_the_log_never_lied(shop)
        assert full_sync_is_over(shop)
        assert report["resumed"] == unfinished
        assert report["problems"]["open"] == len(shop.log()["errors"])
        # What was in flight at the kill might have arrived after the next process wrote: it is written once more.
        shop.nothing_arrives_late()
        shop.synced()
        assert shop.wrong() == []
        shop.emulator.clear_requests()
        shop.synced("--full")
        assert shop.writes() == []
    assert cuts >= KILLS // 3


def test_killed_again_and_again_it_still_ends(shop: Shop) -> None:
    """Each run goes on where the last one was killed; nothing of them all is lost."""
    dice = random.Random(7)
    shop.emulator.keep_bodies("*/sync-log/*")
    shop.emulator.seed(PRODUCTS, 9)
    shop.prepare()
    for _ in range(4):
        nth = dice.randrange(30, 90)
        shop.emulator.fault("hang", nth=nth, when="after")
        process = shop.checkout.fork("sync", "run", "shop", "--full")
        hung_or_ended(shop, process)
        process.kill()
        process.communicate()
        shop.emulator.clear_faults()
        assert "last_full_sync" not in shop.log() or shop.wrong() == []
    shop.synced()
    assert shop.wrong() == []
    assert_the_log_never_lied(shop)
    assert shop.emulator.site()["logs"][LOG]["times"]["last_full_sync"]


def test_killed_while_it_brings_changes_it_loses_none(shop: Shop) -> None:
    dice = random.Random(11)
    shop.emulator.seed(PRODUCTS, 5)
    shop.prepare()
    shop.synced("--full")
    for number in range(max(2, KILLS // 4)):
        before = shop.held()
        shop.emulator.mutate(products=8, prices=6, stocks=6, delete=1, create=2, seedNumber=number)
        shop.emulator.fault(
            "hang", nth=dice.randrange(1, 16), when=dice.choice(["before", "after"]), path="/sparklayer/*"
        )
        process = shop.checkout.fork("sync", "run", "shop", "--full")
        hung_or_ended(shop, process)
        process.kill()
        process.communicate()
        shop.emulator.clear_faults()
        # It may have been killed before it began anything, so the full sync is asked for again.
        shop.synced("--full")
        assert shop.wrong(before) == []


@pytest.mark.parametrize("way", ["ctrl_c", "cancel"])
def test_stopped_on_request_it_ends_tidily_and_the_next_run_is_right(shop: Shop, way: str) -> None:
    """After Ctrl-C the next run goes on with it; after a cancel it begins anew. Either way the log never lied."""
    dice = random.Random(3)
    shop.emulator.keep_bodies("*/sync-log/*")
    shop.emulator.seed(3 * PRODUCTS, 6)
    # So slow that a request to stop comes in time: it is looked for once a second.
    slow = {"requestsPerSecond": 60}
    shop.prepare(environment={"ordercloud": slow, "sparklayer": slow})
    for _ in range(2):
        seen = len(shop.emulator.requests())
        process = shop.checkout.fork("sync", "run", "shop", "--full", "--format", "json")
        enough = seen + dice.randrange(20, 80)
        asked_or_ended(shop, process, enough)
        if way == "ctrl_c":
            process.send_signal(signal.SIGINT)
        else:
            assert shop.checkout.call("sync", "cancel", "shop").status == 0
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 130, stderr
        assert json.loads(stdout)["state"] == ("interrupted" if way == "ctrl_c" else "cancelled")
        assert not full_sync_is_over(shop)
    shop.checkout.write("environment.yaml", shop.environment())
    report = shop.synced("--full")
    assert report["resumed"] == (way == "ctrl_c")
    assert shop.wrong() == []
    assert_the_log_never_lied(shop)


def test_stopped_while_batches_wait_for_company_it_sends_them_and_nothing_is_written_twice(shop: Shop) -> None:
    one = {"Name": "Hammer", "Active": True, "Inventory": {"Enabled": True, "QuantityAvailable": 9}}
    products = [{**one, "ID": f"p{number:03}", "xp": {"SKU": f"H{number}"}} for number in range(101)]
    records = {"ProductID": "p100", "ID": "here", "AddressID": "main", "QuantityAvailable": 2}
    shop.emulator.seed_with({"Objects": {"Products": products, "InventoryRecords": [records]}})
    shop.prepare()
    shop.emulator.clear_requests()
    # The walk waits for the stock of the last one, and the batches of the others for that.
    shop.emulator.fault("hang", path="*/products/p100/inventoryrecords")
    process = shop.checkout.fork("sync", "run", "shop", "--full")

    def created() -> int:
        return sum(request["path"].endswith("/api/v1/products") for request in shop.emulator.requests())

    wait_until(lambda: created() == 100, 60)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert len(shop.emulator.site()["stock"]) == 100
    shop.emulator.clear_faults()
    shop.emulator.clear_requests()
    shop.synced("--full")
    written = [request["path"].partition("/v1/")[2] for request in shop.emulator.requests() if is_write(request)]
    assert written == ["products", "batch-update-stock", f"sync-log/{LOG}"]
    assert shop.wrong() == []


@pytest.mark.parametrize(
    ("method", "path", "change"),
    [
        ("PATCH", "/sparklayer/*/products/*", {"Name": "Other"}),
        ("POST", "*/batch-update-stock", {"Inventory": {"QuantityAvailable": 3}}),
    ],
)
def test_a_change_that_was_written_before_the_kill_and_then_taken_back_is_taken_back(
    shop: Shop, method: str, path: str, change: dict[str, Any]
) -> None:
    """What the ledger knows is older than what the site holds, and just what the source says now.

    Among so many that the look at a few records before a run does not find it but by chance.
    """
    products = [
        {"ID": f"p{number}", "Name": "Hammer", "Active": True, "xp": {"SKU": f"H{number}"}}
        | {"Inventory": {"Enabled": True, "QuantityAvailable": 9}}
        for number in range(300)
    ]
    shop.emulator.seed_with({"Objects": {"Products": products}})
    shop.prepare()
    shop.synced("--full")
    before = shop.held()
    shop.portal("PATCH", "products/p77", change)
    shop.emulator.fault("hang", when="after", method=method, path=path)
    process = shop.checkout.fork("sync", "run", "shop", "--full")
    wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]), 60)
    process.kill()
    process.communicate()
    shop.emulator.clear_faults()
    assert (shop.held().products, shop.held().stock) != (before.products, before.stock)
    shop.emulator.seed_with({"Objects": {"Products": products}})
    shop.synced("--full")
    assert (shop.held().products, shop.held().stock) == (before.products, before.stock)


@pytest.mark.parametrize("path", ["*/api/v1/products", "*/batch-update-stock"])
def test_what_was_created_at_the_kill_and_deleted_at_the_source_before_anybody_read_it_again_is_discontinued(
    shop: Shop, path: str
) -> None:
    """Nothing of it was noted as written, and nothing but what was noted when it was sent tells what is there."""
    one = {"Name": "Hammer", "Active": True, "Inventory": {"Enabled": True, "QuantityAvailable": 9}}
    products = [{**one, "ID": f"p{number}", "xp": {"SKU": f"H{number}"}} for number in range(2)]
    shop.emulator.seed_with({"Objects": {"Products": products}})
    shop.prepare(maxDeletePercent=100)
    shop.synced("--full")
    shop.portal("POST", "products", {**one, "ID": "new", "xp": {"SKU": "NEW"}})
    shop.emulator.fault("hang", when="after", method="POST", path=path)
    process = shop.checkout.fork("sync", "run", "shop", "--full")
    wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]), 60)
    process.kill()
    process.communicate()
    shop.emulator.clear_faults()
    made = shop.held()
    assert "new" in str(made)
    shop.portal("DELETE", "products/new")
    shop.synced("--full")
    assert shop.wrong(made) == []


def sell(shop: Shop, dice: random.Random) -> None:
    """Change the stock of three products in a way that incremental runs see: what is inside a variant they do not."""
    objects = shop.emulator.state()["ordercloud"]["commerce"]["objects"]
    elsewhere = {*objects.get("InventoryRecord", {}), *objects.get("Variant", {})}
    plain = [one["ID"] for one in objects["Product"][""] if one["Inventory"]["Enabled"] and one["ID"] not in elsewhere]
    portal = shop.portal
    for product_id in dice.sample(plain, 3):
        portal("PATCH", f"products/{product_id}", {"Inventory": {"QuantityAvailable": dice.randrange(400)}})


@pytest.mark.parametrize("mode", ["incremental", "light", "verify", "rewrite", "resumed"])
def test_killed_in_any_mode_at_the_last_requests_above_all_the_runs_after_it_are_ordinary(
    shop: Shop, mode: str
) -> None:
    """The log is known for ours: nothing is verified that was not to be, however often that happens."""
    dice = dice_of(shop, mode)
    words = {"incremental": (), "light": (), "resumed": ()}.get(mode, (f"--{mode}",))
    # Every ordinary run of a second later is a light walk.
    intervals = {"interval": "1s", "lookInterval": "1s"} if mode == "light" else {}
    ordinary = ("incremental", "light") if intervals else ("incremental",)
    shop.emulator.seed(FEW, 2)
    shop.prepare(walkInterval="1h", **intervals)
    shop.synced("--full")
    sell(shop, dice)
    if mode == "resumed":
        killed_at(shop, dice.randrange(10, 40), "after", "--full")
    shop.emulator.clear_requests()
    time.sleep(1.1 if mode == "light" else 0)
    assert shop.synced(*words)["mode"] == mode or mode == "resumed"
    requests = len(shop.emulator.requests())
    cuts = 0
    for number in range(KILLS):
        where = f"{mode} {number}"
        sell(shop, dice)
        if mode == "resumed":
            killed_at(shop, dice.randrange(10, 40), "after", "--full")
        nth = dice.choice([dice.randrange(1, requests + 1), dice.randrange(max(1, requests - 5), requests + 1)])
        time.sleep(1.1 if mode == "light" else 0)
        cut = killed_at(shop, nth, dice.choice(["before", "after"]), *words)
        cuts += cut
        unfinished = left_over(shop)
        report = shop.synced()
        assert report["resumed"] == unfinished, where
        assert shop.wrong() == [], where
        assert report["problems"]["open"] == len(shop.log()["errors"]), where
        if unfinished or report["mode"] == mode:
            # That one went on with what was cut off, or did what was only wished; an ordinary run is the next.
            sell(shop, dice)
            report = shop.synced()
            assert shop.wrong() == [], where
        assert report["mode"] in ordinary, (where, nth, requests, report["remarks"])
        if number % 4 == 0:
            drift = shop.checkout.call("drift")
            assert drift.status == 0, f"{where}: {drift}"
    assert cuts >= KILLS // 3


MEANT = ("--override", "maxDeletePercent", "--reason", "moved")


def test_a_removal_killed_at_any_instant_and_again_removes_all_of_its_own_and_nothing_else(shop: Shop) -> None:
    """And what is declared again afterwards is all there again, wherever the kills were."""
    dice = dice_of(shop, "remove")
    shop.emulator.keep_bodies("*/sync-log/*")
    shop.emulator.seed(PRODUCTS // 4, 2)
    shop.prepare()
    # A login, a product each, stock, prices, the log; a run that goes on has fewer.
    requests = PRODUCTS // 4 + 4
    cuts, begun, theirs = 0, False, dict[str, Any]()
    for number in range(KILLS):
        if not begun:
            shop.change()
            shop.synced()
            assert shop.wrong() == [], number
            site = shop.emulator.site()
            theirs = {"THEIRS": next(iter(site["stock"].values()))}
            shop.emulator.load_site({**site, "stock": {**site["stock"], **theirs}})
            removed = {"onRemove": {"products": "discontinue", "logs": "keep"}}
            shop.checkout.write("shop.yaml", {**document("DataSync", "shop", removed), "state": "absent"})
            shop.checkout.applied()
            shop.emulator.clear_requests()
        begun = True
        nth = dice.choice([dice.randrange(1, requests - 1), dice.randrange(requests - 5, requests + 1)])
        cut = killed_at(shop, nth, dice.choice(["before", "after"]), *MEANT)
        cuts += cut
        unfinished = left_over(shop)
        assert_the_log_never_lied(shop)
        if cut and dice.random() < 0.5 and number < KILLS - 1:
            continue  # it is killed again, going on
        report = shop.synced(*MEANT)
        assert (report["mode"], report["resumed"], report["problems"]["open"]) == ("remove", unfinished, 0), number
        held = shop.held()
        live = [
            key for key, one in held.products.items() for each in one["variants"].values() if each["status"] == "live"
        ]
        site = shop.emulator.site()
        assert (live, held.prices, held.errors, site["stock"]) == ([], {}, {}, theirs), number
        shop.emulator.load_site({**site, "stock": {}})
        if number % 4 == 0:
            assert shop.checkout.call("drift").status == 0, number
            shop.nothing_arrives_late()
            shop.synced(*MEANT)
            shop.emulator.clear_requests()
            shop.synced(*MEANT)
            assert shop.all_writes() == [], number
        begun = False
    assert cuts >= KILLS // 3
