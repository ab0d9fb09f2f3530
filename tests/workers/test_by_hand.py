"""A run that somebody wants by hand beside a worker: the worker makes it, and Ctrl-C ends no more than a hand."""

from __future__ import annotations

import signal
from contextlib import contextmanager

import pytest

from reconciler.ledger.data.overview import all_scopes
from reconciler.ledger.writer import Ledger
from support import postgres
from support.checkout import Checkout, wait_until
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
