"""Two `reconciler serve` on one ledger in PostgreSQL: one works; a kill or a restart of the server is got over."""

from __future__ import annotations

import base64
import hmac
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.ledger.inbox_tables import inbox_types
from reconciler.ledger.writer import Ledger
from support import postgres
from support.checkout import Checkout, wait_until
from support.service import Process
from support.syncing import Shop

pytestmark = pytest.mark.postgres

SECRET = "signing-key"


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    with postgres.own_server() as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, emulator: RunningEmulator, server: postgres.Server) -> Shop:
    found = Shop(Checkout(tmp_path, emulator, server_ledger=server.url))
    emulator.seed(3)
    deliveries = [{"dataSync": "shop", "secrets": [SECRET]}]
    found.prepare(environment={"service": {"loops": ["syncs"], "deliveries": deliveries}})
    return found


def rename(shop: Shop, process: Process, name: str) -> int:
    """Change a product, and deliver the message about that; return the answer's status."""
    product = shop.portal("GET", "products?pageSize=1")["Items"][0]["ID"]
    shop.portal("PATCH", f"products/{product}", {"Name": name})
    payload = {"ProductID": product, "Name": name}
    raw = json.dumps({"Headers": {"type": "product.updated"}, "Payload": payload}).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), raw, "sha256")).decode()
    return process.ask("POST", "/deliveries/shop", raw, {"X-oc-hash": signature})


def taken(shop: Shop) -> int:
    with Ledger.open(shop.checkout.ledger_url) as ledger:
        rows = ledger.database.run(lambda tx: tx.connection.execute(inbox_types.select()).all(), writes=False)
    return sum(row.taken for row in rows)


def test_one_of_two_works_and_the_other_takes_over(shop: Shop, server: postgres.Server) -> None:
    first = Process(shop.checkout)
    wait_until(lambda: bool(first.logged("run-ended")))
    second = Process(shop.checkout)
    wait_until(lambda: any("another process" in line["message"] for line in second.logged("loop-waits")))
    # Both take messages in, and what the one took that stands by, the other one writes.
    assert (rename(shop, second, "A"), second.ask("GET", "/readyz")) == (200, 200)
    wait_until(lambda: shop.wrong() == [])
    assert not second.logged("run-ended")

    server.stop(signal.SIGQUIT)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(rename, shop, second, "B")
        assert second.ask("GET", "/healthz") == 200
        assert second.ask("GET", "/readyz") == 503
        wait_until(lambda: any("Waiting for" in line["message"] for line in second.logged("warned")))
        server.start()
    wait_until(lambda: second.ask("GET", "/readyz") == 200)
    # It waits for a while, so it may have been taken after all.
    assert answer.result() in (200, 503)
    acknowledged = 1 + (answer.result() == 200)

    first.forked.kill()
    assert rename(shop, second, "C") == 200
    assert taken(shop) >= acknowledged + 1
    wait_until(lambda: shop.wrong() == [], 120)
    assert second.signalled(signal.SIGTERM) == 0
    assert [line for line in second.text.splitlines() if not line.startswith("{")] == []
