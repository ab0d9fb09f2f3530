"""The server of the ledger restarts in the middle of an apply and of a sync: it costs nothing but time."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import postgres
from support.checkout import Checkout, http_config, outcomes, wait_until
from support.syncing import Shop

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(checkout: Checkout) -> Iterator[postgres.Server]:
    with postgres.own_server() as server:
        checkout.server_ledger = server.url
        yield server


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
def test_an_apply_goes_on(checkout: Checkout, server: postgres.Server, how: signal.Signals) -> None:
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("hooks.yaml", *(http_config(f"hook-{number}") for number in range(6)))
    checkout.emulator.fault("latency", method="POST", path="*/deliveryconfig", seconds=0.5, count=None)
    process = checkout.fork("apply", "--yes", "--format", "json")
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]))
    server.stop(how)
    server.start()
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert set(outcomes(json.loads(said)).values()) == {"applied"}
    assert checkout.call("plan", "--exit-code").status == 0


def test_a_sync_goes_on(checkout: Checkout, server: postgres.Server, tmp_path: Path) -> None:
    shop = Shop(checkout)
    shop.emulator.seed(60, 1)
    shop.prepare()
    shop.emulator.fault("latency", method="PUT", path="/sparklayer/*", seconds=0.2, count=None)
    process = checkout.fork("sync", "run", "shop", "--format", "json")
    wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]), 60)
    server.stop(signal.SIGQUIT)
    server.start()
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert json.loads(said)["state"] == "finished"
    shop.emulator.clear_faults()
    assert shop.wrong() == []
