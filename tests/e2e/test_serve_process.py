"""`reconciler serve` as a process: how it starts, what signals do, and that a kill loses nothing."""

from __future__ import annotations

import base64
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.ledger.inbox_tables import inbox_types
from reconciler.ledger.writer import Ledger
from support.checkout import Checkout, wait_until
from support.service import Process
from support.syncing import Shop

SECRET = "signing-key"
PATH = "/deliveries/shop"
KILLS = int(os.environ.get("RECONCILER_TEST_KILLS", "3"))

HANGS = """
import sys, time
from reconciler.cli.main import main
from reconciler.workers import ending
from reconciler.serve.routes import health
from reconciler.serve.service import Served

def hangs(served):
    sys.stderr.write("it waits for its ledger\\n")
    time.sleep(1000)

{waits} = hangs
ending.END_SECONDS = {longest}
main()
"""


@pytest.fixture
def shop(tmp_path, emulator):
    found = Shop(Checkout(tmp_path, emulator))
    emulator.seed(3)
    deliveries = [{"dataSync": "shop", "secrets": [SECRET]}]
    found.prepare(environment={"service": {"loops": ["syncs"], "deliveries": deliveries}})
    return found


def deliver(process, number):
    payload = {"ID": f"nobody-{number}"}
    raw = json.dumps({"Headers": {"type": "product.updated"}, "Payload": payload}).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), raw, "sha256")).decode()
    return process.ask("POST", PATH, raw, {"X-oc-hash": signature})


def taken(shop):
    with Ledger.open(shop.checkout.ledger_url) as ledger:
        rows = ledger.database.run(lambda tx: tx.connection.execute(inbox_types.select()).all(), writes=False)
    return sum(row.taken for row in rows)


def test_it_starts_serves_and_ends_in_order(shop):
    process = Process(shop.checkout)
    wait_until(lambda: bool(process.logged("run-ended")))
    assert deliver(process, 1) == 200
    assert process.ask("GET", "/readyz") == 200
    assert process.signalled(signal.SIGTERM) == 0
    assert process.logged("ended")
    assert SECRET not in process.text
    # Its locks were given back: another one goes on at once.
    assert shop.checkout.call("sync", "run").status == 0


def test_what_is_not_right_is_one_clear_error(shop):
    shop.write_manifests(environment={"service": {"deliveries": [{"dataSync": "shop", "secrets": ["${secret:NO}"]}]}})
    ended = shop.checkout.run("serve")
    assert ended.status == 1, str(ended)
    assert "${secret:NO}" in ended.stderr
    assert "manifests/environment.yaml:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_signal_ends_at_once(shop):
    process = Process(shop.checkout)
    host, port = process.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        # What was begun is waited for: here a body that does not come.
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert deliver(process, 1) == 200
        assert process.signalled(signal.SIGTERM, signal.SIGTERM) == 130
    assert process.logged("ending")
    assert not process.logged("ended")
    assert "Ended at once" in process.text
    assert "Traceback" not in process.text


@pytest.mark.parametrize(
    ("waits", "longest", "signals", "status"),
    [
        ("Served.ledger", 0.5, [signal.SIGTERM], 130),
        ("Served.ledger", 1000, [signal.SIGTERM, signal.SIGTERM], 130),
        ("health._ask", 1000, [signal.SIGTERM], 0),  # what was begun is over; a probe alone still asks
    ],
)
def test_a_ledger_that_does_not_answer_keeps_no_signal_from_ending_it(shop, waits, longest, signals, status):
    shop.write_manifests(environment={"service": {}})
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS.format(waits=waits, longest=longest), "serve", "--listen", "127.0.0.1:0"],
        cwd=shop.checkout.folder,
        env=shop.checkout.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = next(line for line in process.stderr if "serving test at" in line).split()[-1]
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert "waits for its ledger" in process.stderr.readline()
        process.send_signal(signals[0])
        assert any("ending: " in line for line in process.stderr)
        for number in signals[1:]:
            time.sleep(0.3)  # else it is the same wish
            process.send_signal(number)
        said = process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert process.returncode == status
    assert ("Ended at once" in said, "ended in order" in said) == (status == 130, status == 0)
    assert "Traceback" not in said


def test_the_manifests_are_read_anew_at_sighup(shop):
    process = Process(shop.checkout)
    wait_until(lambda: bool(process.logged("run-ended")))
    shop.prepare(environment={"service": {"loops": ["syncs"], "deliveries": []}}, products={"shipWeightUnit": "lb"})
    os.kill(process.forked.pid, signal.SIGHUP)
    wait_until(lambda: bool(process.logged("reloaded")))
    wait_until(lambda: [line["mode"] for line in process.logged("run-ended")].count("full") == 2)
    assert deliver(process, 1) == 404
    assert process.signalled(signal.SIGINT) == 0


def test_what_was_acknowledged_outlives_a_kill(shop):
    """Deliveries come all the time, and the process is killed again and again: what got a 200 is in the ledger."""
    acknowledged = 0
    for _ in range(KILLS):
        process = Process(shop.checkout)
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(deliver, process, number) for number in range(60)]
            wait_until(lambda answers=answers: sum(answer.done() for answer in answers) > 20)
            process.forked.kill()
            acknowledged += sum(answer.result() == 200 for answer in answers)
        process.forked.communicate()
        assert taken(shop) >= acknowledged > 0
    process = Process(shop.checkout)
    assert deliver(process, 1000) == 200
    assert process.signalled(signal.SIGTERM) == 0
