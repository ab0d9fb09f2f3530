"""Three real workers on PostgreSQL and one shop: whatever becomes of one of them, the others bring it to its end."""

from __future__ import annotations

import base64
import hmac
import json
import signal
from contextlib import contextmanager

import pytest

from reconciler.ledger.data.overview import all_scopes
from reconciler.ledger.writer import Ledger
from reconciler.ordercloud.deliveries.message import PREFIX
from support import postgres
from support.checkout import Checkout, wait_until
from support.service import Process
from support.syncing import Shop
from support.working import WorkerProcess

pytestmark = pytest.mark.postgres


@pytest.fixture
def shop(tmp_path, emulator):
    url = postgres.new_ledger()
    found = Shop(Checkout(tmp_path, emulator, server_ledger=url))
    emulator.seed(30)
    found.prepare()
    yield found
    postgres.drop(url)


@contextmanager
def working(shop, number=3):
    found = [WorkerProcess(shop.checkout, awaited=False) for _ in range(number)]
    try:
        for each in found:
            each.takes_jobs()
        yield found
    finally:
        for each in found:
            if each.forked.poll() is None:
                each.end(signal.SIGKILL)


def newest(shop):
    """Return the newest run of the shop's products, or None."""
    with Ledger.open(shop.checkout.ledger_url) as ledger:
        scopes = ledger.database.run(lambda tx: all_scopes(tx.connection))
        return next((ledger.store(scope).runs.last(state=None) for scope in scopes), None)


def runs(workers):
    return [line for each in workers for line in each.logged("run-ended")]


def test_a_shop_is_synced_once_and_they_end_in_order(shop):
    with working(shop) as workers:
        wait_until(lambda: bool(runs(workers)), seconds=120)
        counted = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ((connections,),) = postgres.execute(shop.checkout.ledger_url, counted)
        # Three for each, and one that listens.
        assert 3 * 2 <= connections <= 3 * 4
        assert [each.end() for each in workers] == [0, 0, 0]
    (run,) = runs(workers)
    assert run["state"] == "finished"
    assert not shop.wrong()


def test_another_goes_on_where_one_is_killed(shop):
    shop.emulator.fault("latency", method="PUT", path="/sparklayer/*", seconds=0.3, count=None)
    before = len(shop.writes())
    with working(shop) as workers:
        wait_until(lambda: len(shop.writes()) > before and newest(shop) is not None, seconds=120)
        (victim,) = [each for each in workers if f"pid {each.forked.pid}:" in newest(shop).holder]
        assert victim.end(signal.SIGKILL) != 0
        assert "last_full_sync" not in shop.log()
        shop.emulator.clear_faults()
        rest = [each for each in workers if each is not victim]
        wait_until(lambda: bool(runs(rest)), seconds=120)
    assert [(run["mode"], run["state"]) for run in runs(rest)][:1] == [("full", "finished")]
    assert not shop.wrong()
    assert "last_full_sync" in shop.log()


def test_one_that_stood_still_too_long_undoes_nothing_of_who_went_on(shop):
    shop.emulator.fault("latency", method="PUT", path="/sparklayer/*", seconds=0.3, count=None)
    before = len(shop.writes())
    with working(shop, 2) as workers:
        wait_until(lambda: len(shop.writes()) > before and newest(shop) is not None, seconds=120)
        (stopped,) = [each for each in workers if f"pid {each.forked.pid}:" in newest(shop).holder]
        (heir,) = [each for each in workers if each is not stopped]
        stopped.forked.send_signal(signal.SIGSTOP)
        shop.emulator.clear_faults()
        wait_until(lambda: bool(runs([heir])), seconds=180)
        assert runs([heir])[0]["state"] == "finished"
        stopped.forked.send_signal(signal.SIGCONT)
        wait_until(lambda: bool(stopped.logged("run-lost")), seconds=120)
        assert [each.end() for each in workers] == [0, 0]
    assert newest(shop).state == "finished"
    assert not shop.wrong()


def test_a_service_without_work_takes_messages_in_and_wakes_a_worker(shop):
    deliveries = [{"dataSync": "shop", "secrets": ["signing-key"]}]
    shop.prepare(environment={"service": {"loops": ["syncs"], "deliveries": deliveries}})
    with working(shop, 1) as (worker,):
        wait_until(lambda: bool(runs([worker])), seconds=120)
        process = Process(shop.checkout, "--no-work")
        product = shop.emulator.state()["ordercloud"]["commerce"]["objects"]["Product"][""][0]["ID"]
        shop.portal("PATCH", f"products/{product}", {"Name": "Another name"})
        message = {"Headers": {"type": f"{PREFIX}product.updated"}, "Payload": {"ProductID": product}}
        raw = json.dumps(message).encode()
        signature = base64.b64encode(hmac.digest(b"signing-key", raw, "sha256")).decode()
        assert process.ask("POST", "/deliveries/shop", raw, {"X-oc-hash": signature}) == 200
        wait_until(lambda: len(runs([worker])) > 1, seconds=60)
        assert not shop.wrong()
        assert not process.logged("run-ended")
        assert not process.logged("wakes-nobody")
        assert process.signalled(signal.SIGTERM) == 0


def test_a_run_by_hand_is_a_workers_and_ctrl_c_ends_one_hand_and_cancel_all(shop):
    with working(shop, 1) as (worker,):
        wait_until(lambda: bool(runs([worker])), seconds=120)
        report = shop.synced("--full")
        assert (report["state"], report["mode"]) == ("finished", "full")
        assert f"pid {worker.forked.pid}: worker" in report["remarks"][0]
        wait_until(lambda: [run["mode"] for run in runs([worker])] == ["full", "full"])

        shop.emulator.fault("latency", path="/sparklayer/*", seconds=1, count=None)
        before = newest(shop).id
        by_hand = shop.checkout.fork("sync", "run", "shop", "--rewrite")
        wait_until(lambda: newest(shop).id != before, seconds=120)
        by_hand.send_signal(signal.SIGINT)
        _, told = by_hand.communicate(60)
        assert by_hand.returncode == 130
        assert f"pid {worker.forked.pid}: worker" in told, told
        assert "the run is left to workers" in told
        assert "nothing new is begun" not in told
        shop.emulator.clear_faults()
        wait_until(lambda: len(runs([worker])) > 2, seconds=120)
        assert (runs([worker])[-1]["mode"], runs([worker])[-1]["state"]) == ("rewrite", "finished")
        assert not shop.wrong()

        shop.emulator.fault("latency", path="/sparklayer/*", seconds=5, count=None)
        before = newest(shop).id
        detached = shop.checkout.call("sync", "run", "shop", "--rewrite", "--detach")
        assert detached.status == 0, str(detached)
        wait_until(lambda: newest(shop).id != before, seconds=120)
        ended = shop.checkout.call("sync", "cancel")
        assert ended.status == 0, str(ended)
        wait_until(lambda: len(runs([worker])) > 3, seconds=120)
        assert (runs([worker])[-1]["mode"], runs([worker])[-1]["state"]) == ("rewrite", "cancelled")


def test_without_a_worker_there_is_nobody_to_leave_a_run_to(shop):
    ended = shop.checkout.call("sync", "run", "--detach")
    assert ended.status == 64
    assert "no worker" in ended.stderr
