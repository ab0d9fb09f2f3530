"""Three real workers on PostgreSQL and one shop: whatever becomes of one of them, the others bring it to its end.

All tests here share the workers and the shop; each leaves it synced. RECONCILER_TEST_KILLS=200 kills as many workers at
some instant, RECONCILER_TEST_SEED makes it other instants.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import random
import signal
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ordercloud.deliveries.message import PREFIX
from support import postgres
from support.checkout import Checkout, wait_until
from support.log_truth import assert_the_log_never_lied
from support.service import Process
from support.syncing import Shop
from support.working import Fleet

pytestmark = pytest.mark.postgres

PRODUCTS = 24
KILLS = int(os.environ.get("RECONCILER_TEST_KILLS", "3"))
SERVICE = {"loops": ["syncs"], "deliveries": [{"dataSync": "shop", "secrets": ["signing-key"]}]}
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
LISTS = {"path": "/ordercloud/v1/products", "query": "sortBy=ID", "count": None}
WRITES = {"path": "/sparklayer/api/v1/products/*", "method": "PATCH", "count": None}


def connections(url):
    return int(str(postgres.execute(url, CONNECTIONS)[0][0]))


@pytest.fixture(scope="module")
def whole(_emulator, tmp_path_factory):
    """Three workers, and a shop that they have synced for the first time."""
    url = postgres.new_ledger()
    shop = Shop(Checkout(tmp_path_factory.mktemp("fleet"), _emulator, server_ledger=url))
    _emulator.reset()
    _emulator.seed(PRODUCTS)
    _emulator.keep_bodies("/sparklayer/*")
    # Of few products a tenth is soon deleted.
    shop.prepare(environment={"service": SERVICE}, maxDeletePercent=100)
    fleet = Fleet(shop)
    try:
        wait_until(lambda: bool(fleet.ended()), seconds=120)
        yield fleet
    finally:
        _emulator.clear_faults()
        fleet.close()
        postgres.drop(url)


@pytest.fixture
def fleet(whole):
    """The same, all three there and at rest, in fair weather."""
    whole.shop.emulator.clear_faults()
    whole.more(*([0.0] * (3 - len(whole.workers))))
    whole.until_quiet()
    whole.shop.emulator.clear_requests()
    return whole


def assert_right(fleet, doubtful=()):
    """The site is what the source is, its log never lied, and what was written twice is what an answer was lost of."""
    assert not fleet.shop.wrong()
    assert_the_log_never_lied(fleet.shop)
    assert fleet.sent_twice() <= set(doubtful)


def rename(fleet, number=PRODUCTS, word="renamed"):
    """Rename products at the source, so that each has to be written once."""
    products = fleet.shop.emulator.state()["ordercloud"]["commerce"]["objects"]["Product"][""]
    portal = fleet.shop.portal
    for each in products[:number]:
        portal("PATCH", f"products/{each['ID']}", {"Name": f"{each['ID']} {word}"})


def fired(fleet):
    return fleet.shop.emulator.faults()[0]["fired"]


def test_a_shop_is_synced_for_the_first_time_by_one_run(fleet):
    (run,) = [line for line in fleet.ended() if line["mode"] == "full"][:1]
    assert (run["state"], run["written"] > 0) == ("finished", True)
    assert not fleet.shop.wrong()
    # Three for each, and one that listens; ours beside them.
    assert 3 * 2 <= connections(fleet.shop.checkout.ledger_url) <= 3 * 4 + 4


def test_hands_list_what_the_keeper_has_not_come_to(fleet):
    rename(fleet, word="in ranges")
    fleet.shop.emulator.fault("held", **LISTS)
    run = fleet.want("--full")
    wait_until(lambda: len(fleet.listing(run)) > 1, seconds=60)
    # One of each process, and none of the keeper's own.
    lending = [each.forked.pid for each in fleet.lending()]
    assert len({*lending, fleet.keeper().forked.pid}) == len(lending) + 1
    fleet.shop.emulator.clear_faults()
    assert fleet.until_over(run).state == "finished"
    assert_right(fleet)


@pytest.mark.parametrize("who", ["keeper", "hand"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "drained"])
def test_others_go_on_where_one_goes(fleet, who, number):
    rename(fleet, word=f"{who} {number}")
    fleet.shop.emulator.fault("held", **LISTS)
    run = fleet.want("--full")
    wait_until(lambda: len(fleet.listing(run)) > 1, seconds=60)
    victim = fleet.keeper() if who == "keeper" else fleet.lending()[0]
    status = fleet.lose(victim, number)
    assert status == (0 if number == signal.SIGTERM else -signal.SIGKILL), victim.text
    assert "last_full_sync" not in fleet.shop.log()
    fleet.shop.emulator.clear_faults()
    wait_until(lambda: fleet.until_over(run).state == "finished", seconds=120)
    assert_right(fleet)


def test_what_a_killed_one_had_sent_is_written_again_and_nothing_else(fleet):
    rename(fleet, word="sent")
    fleet.shop.emulator.fault("held", **WRITES)
    run = fleet.want("--full")
    wait_until(lambda: fired(fleet) > 3, seconds=60)
    fleet.lose(fleet.keeper())
    doubtful = fleet.in_doubt()
    assert "last_full_sync" not in fleet.shop.log()
    fleet.shop.emulator.clear_faults()
    wait_until(lambda: fleet.until_over(run).state == "finished", seconds=120)
    assert_right(fleet, doubtful)


def test_one_that_stood_still_too_long_undoes_nothing_of_who_went_on(fleet):
    rename(fleet, word="stopped")
    fleet.shop.emulator.fault("held", **WRITES)
    run = fleet.want("--full")
    wait_until(lambda: fired(fleet) > 3, seconds=60)
    stopped = fleet.keeper()
    stopped.forked.send_signal(signal.SIGSTOP)
    doubtful = fleet.in_doubt()
    fleet.shop.emulator.clear_faults()
    wait_until(lambda: fleet.keeper() is not stopped, seconds=120)
    assert fleet.until_over(run).state == "finished"
    stopped.forked.send_signal(signal.SIGCONT)
    wait_until(lambda: bool(stopped.logged("run-lost")), seconds=120)
    assert fleet.newest().state == "finished"
    assert_right(fleet, doubtful)


def test_a_cancel_ends_all_hands_though_what_they_sent_is_not_answered(fleet):
    rename(fleet, word="cancelled")
    fleet.shop.emulator.fault("held", **WRITES)
    run = fleet.want("--full")
    wait_until(lambda: bool(fleet.lending()) and fired(fleet) > 3, seconds=60)
    assert fleet.shop.checkout.call("sync", "cancel").status == 0
    # Five seconds are promised; one in order takes up to thirty.
    wait_until(lambda: not fleet.lending() and not fleet.store.is_locked(), seconds=15)
    assert fleet.until_over(run).state == "cancelled"
    doubtful = fleet.in_doubt()
    assert "last_full_sync" not in fleet.shop.log()
    fleet.shop.emulator.clear_faults()
    assert fleet.until_over(fleet.want("--full")).state == "finished"
    assert_right(fleet, doubtful)


def test_clocks_that_are_an_hour_off_change_nothing_and_no_date_is_theirs(fleet):
    for each in list(fleet.workers):
        fleet.lose(each, signal.SIGTERM)
    ahead, behind, right = fleet.more(3600, -3600, 0)
    for number, keeper in enumerate((ahead, right, behind)):
        rename(fleet, 5, word=f"clocks {number}")
        others = [each for each in fleet.workers if each is not keeper]
        for each in others:
            each.forked.send_signal(signal.SIGSTOP)
        fleet.shop.emulator.fault("held", **LISTS)
        run = fleet.want("--full")
        wait_until(lambda: bool(fired(fleet)), seconds=60)
        assert fleet.keeper() is keeper
        for each in others:
            each.forked.send_signal(signal.SIGCONT)
        if keeper is right:
            fleet.lose(keeper)
        fleet.shop.emulator.clear_faults()
        wait_until(lambda run=run: fleet.until_over(run).state == "finished", seconds=120)
        # Nobody took the log for somebody else's, and verified for that.
        assert (fleet.newest().id, fleet.newest().mode) == (run, "full")
        said = datetime.fromisoformat(fleet.shop.log()["last_full_sync"])
        assert abs(datetime.now(UTC) - said) < timedelta(minutes=5)
        assert_right(fleet)
        fleet.shop.emulator.clear_requests()
    for each in list(fleet.workers):
        fleet.lose(each, signal.SIGTERM)


def test_a_service_without_work_takes_messages_in_and_wakes_a_worker(fleet):
    process = Process(fleet.shop.checkout, "--no-work")
    product = fleet.shop.emulator.state()["ordercloud"]["commerce"]["objects"]["Product"][""][0]["ID"]
    fleet.shop.portal("PATCH", f"products/{product}", {"Name": "Another name"})
    message = {"Headers": {"type": f"{PREFIX}product.updated"}, "Payload": {"ProductID": product}}
    raw = json.dumps(message).encode()
    signature = base64.b64encode(hmac.digest(b"signing-key", raw, "sha256")).decode()
    before = len(fleet.ended())
    assert process.ask("POST", "/deliveries/shop", raw, {"X-oc-hash": signature}) == 200
    wait_until(lambda: len(fleet.ended()) > before, seconds=60)
    assert not fleet.shop.wrong()
    assert not process.logged("run-ended")
    assert not process.logged("wakes-nobody")
    assert process.signalled(signal.SIGTERM) == 0


def test_killed_at_any_instant_the_others_bring_it_to_its_end(fleet):
    dice = random.Random(os.environ.get("RECONCILER_TEST_SEED", "15"))
    emulator = fleet.shop.emulator
    for number in range(KILLS):
        before = fleet.shop.held()
        emulator.mutate(products=8, prices=4, stocks=4, delete=number % 2, create=1, seedNumber=number)
        emulator.traffic(latency=0.02)
        emulator.fault("latency", seconds=0, nth=dice.randrange(1, 80))
        fleet.want("--full")
        wait_until(lambda: bool(fired(fleet)) or not fleet.store.is_locked(), seconds=60)
        killed = dice.choice(fleet.workers)
        # Looked at while it stands still: once it is gone, others have its records in no time.
        killed.forked.send_signal(signal.SIGSTOP)
        doubtful = fleet.in_doubt()
        fleet.lose(killed)
        emulator.clear_faults()
        emulator.traffic()
        fleet.more(0.0)
        fleet.until_quiet()
        wait_until(lambda: fleet.until_over().state == "finished", seconds=120)
        assert not fleet.shop.wrong(before), number
        assert_the_log_never_lied(fleet.shop)
        assert fleet.sent_twice() <= doubtful, number
        assert "last_full_sync" in fleet.shop.log()
        emulator.clear_requests()


def test_they_end_in_order_and_then_there_is_nobody_to_leave_a_run_to(fleet):
    assert [fleet.lose(each, signal.SIGTERM) for each in list(fleet.workers)] == [0, 0, 0]
    ended = fleet.shop.checkout.call("sync", "run", "--detach")
    assert ended.status == 64
    assert "no worker" in ended.stderr
