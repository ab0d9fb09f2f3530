"""Messages over HTTP: acknowledged after the ledger has them, and only those that OrderCloud signed."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from reconciler.errors import LedgerError, ManifestErrors
from reconciler.intake.inbox import Inbox
from reconciler.ledger.inbox_tables import inbox_types
from reconciler.ledger.writer import Ledger
from reconciler.serve import server
from support.checkout import document
from support.service import serving

SECRET, OLD = "signing-key", "old-signing-key"
PATH = "/deliveries/shop"


def body(kind="product.updated", **payload):
    message = {"Headers": {"type": f"sitecore.ordercloud.messages.{kind}"}, "Payload": payload or {"ID": "a"}}
    return json.dumps(message).encode()


def signed(raw, secret=SECRET):
    return {"X-oc-hash": base64.b64encode(hmac.digest(secret.encode(), raw, "sha256")).decode()}


def taken(shop):
    """Return how many messages the ledger holds, by type."""
    with Ledger.open(shop.checkout.ledger_url) as ledger:
        rows = ledger.database.run(lambda tx: tx.connection.execute(inbox_types.select()).all(), writes=False)
    return {row.type: row.taken for row in rows}


@pytest.fixture
def listening(shop):
    deliveries = {"dataSync": "shop", "secrets": [SECRET, OLD], "maxBody": 10_000, "timeout": "1s"}
    shop.write_manifests(environment={"service": {"deliveries": [deliveries]}})
    with serving(shop.checkout) as running:
        yield running


def test_a_message_is_in_the_ledger_before_it_is_acknowledged(shop, listening, monkeypatch):
    raw = body()
    assert listening.ask("POST", PATH, raw, signed(raw)).status == 200
    assert taken(shop) == {"product.updated": 1}
    (line,) = listening.logged("request")
    assert (line["dataSync"], line["messageType"], line["outcome"]) == ("shop", "product.updated", "taken")
    assert len(line["correlation"]) == 16


def test_the_path_may_name_the_environment(shop, listening):
    raw = body()
    assert listening.ask("POST", f"/test{PATH}", raw, signed(raw)).status == 200
    assert listening.ask("POST", f"/other{PATH}", raw, signed(raw)).status == 404
    assert listening.ask("POST", "/deliveries/other", raw, signed(raw)).status == 404
    assert listening.ask("GET", PATH).status == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (signed(body()), 200),
        (signed(body(), OLD), 200),
        (signed(body(), "retired"), 401),
        (signed(body(ID="b")), 401),
        ({}, 401),
        ({"X-oc-hash": ""}, 401),
        ({"X-oc-hash": "A" * 5000}, 401),
        ({"X-oc-hash": base64.b64encode(hmac.digest(b"", body(), "sha256")).decode()}, 401),
    ],
)
def test_only_what_one_of_the_two_secrets_signed_is_taken(shop, listening, headers, status):
    assert listening.ask("POST", PATH, body(), headers).status == status
    assert taken(shop) == ({"product.updated": 1} if status == 200 else {})
    text = "\n".join(listening.lines)
    assert SECRET not in text
    assert not any(value and value in text for value in headers.values())


def test_what_nobody_knows_is_kept_and_what_is_no_message_is_set_aside(shop, listening):
    hostile = [
        body("something.new"),
        b"\x00\xff not json",
        b"[]",
        b'{"Headers": {"type": "\\ud800"}, "Payload": {}}',
        json.dumps({"Headers": {"type": "x" * 5000}, "Payload": {"ID": "y" * 4000}}).encode(),
        b'{"a":' * 900,
    ]
    for raw in hostile:
        assert listening.ask("POST", PATH, raw, signed(raw)).status == 200, raw[:40]
    assert taken(shop)["something.new"] == 1
    assert sum(taken(shop).values()) == len(hostile)


def test_nothing_is_acknowledged_where_the_ledger_is_away(listening, monkeypatch):
    def away(*_):
        raise LedgerError("The ledger is away")

    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "take", away)
        raw = body()
        refused = listening.ask("POST", PATH, raw, signed(raw))
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert listening.ask("POST", PATH, raw, signed(raw)).status == 200


def test_nothing_is_acknowledged_where_the_ledgers_file_is_gone(shop, listening):
    raw = body()
    assert listening.ask("POST", PATH, raw, signed(raw)).status == 200
    for each in shop.checkout.ledger.parent.glob(f"{shop.checkout.ledger.name}*"):
        each.unlink()
    assert listening.ask("POST", PATH, raw, signed(raw)).status == 503
    ready = listening.ask("GET", "/readyz")
    assert (ready.status, ready.json["waitsFor"]) == (503, ["the ledger of test"])
    lines = [line for line in listening.logged("request") if line["status"] == 503]
    assert all("Put the same file back" in line["nextStep"] for line in lines)


def test_many_at_once_are_all_taken(shop, listening):
    bodies = [body(ID=str(number)) for number in range(60)]
    with ThreadPoolExecutor(12) as pool:
        answers = pool.map(lambda raw: listening.ask("POST", PATH, raw, signed(raw)).status, bodies)
    assert set(answers) == {200}
    assert taken(shop) == {"product.updated": 60}


def test_who_sends_a_little_too_much_hears_so_and_no_broken_connection(listening):
    with socket.create_connection(("127.0.0.1", listening.port), 10) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n"
        connection.sendall(head.encode())
        for _ in range(6):
            time.sleep(0.05)  # so long that a server which does not listen has closed
            connection.sendall(b"x" * 5_000)
        assert b" 413 " in all_of(connection)


def test_a_body_that_is_too_long_is_refused_before_it_is_read(listening):
    with socket.create_connection(("127.0.0.1", listening.port), 10) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**9}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 100)
        assert b" 413 " in all_of(connection)


def test_a_body_without_an_end_is_refused_at_the_limit(listening):
    with socket.create_connection(("127.0.0.1", listening.port), 10) as connection:
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        answer = b""
        try:
            for _ in range(100_000):
                connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        except OSError:
            pass
        answer = all_of(connection)
    assert b" 413 " in answer or answer == b""  # where the connection is reset, the answer may be lost on its way
    assert listening.logged("request")[-1]["status"] == 413


def test_a_body_that_does_not_come_is_not_waited_for(listening):
    with socket.create_connection(("127.0.0.1", listening.port), 10) as connection:
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx".encode())
        assert b" 408 " in all_of(connection)


@pytest.mark.parametrize(
    "head",
    [
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost : x\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\n X-oc-hash: folded\r\nContent-Length: -1\r\n\r\n",
        f"POST {PATH}\r\nX: y HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_refused(shop, listening, head):
    with socket.create_connection(("127.0.0.1", listening.port), 10) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = all_of(connection)
    assert b" 400 " in answer
    assert answer.count(b"HTTP/1.1") == 1
    assert taken(shop) == {}


@pytest.mark.parametrize(
    "path",
    [
        "/deliveries/../deliveries/shop",
        "//deliveries/shop",
        "/deliveries/shop/",
        "/deliveries/shop%00",
        "/deliveries/%2e%2e/shop",
        "/deliveries/shop%2f..%2fshop",
        "/Deliveries/shop",
        "/deliveries/" + "s" * 20_000,
    ],
)
def test_only_the_path_itself_is_the_path(shop, listening, path):
    raw = body()
    assert listening.ask("POST", path, raw, signed(raw)).status in (400, 404)
    assert taken(shop) == {}


def test_who_sends_no_head_is_not_waited_for_and_does_not_keep_others_out(listening, monkeypatch):
    monkeypatch.setattr(server, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 100)
    idle = []
    try:
        for _ in range(250):
            connection = socket.create_connection(("127.0.0.1", listening.port), 10)
            connection.setblocking(True)
            idle.append(connection)
        for connection in idle[:20]:  # slow-loris
            connection.sendall(b"POST / HTTP/1.1\r\nX: ")
        # At once: who has been idle for longest makes room.
        raw = body()
        assert listening.ask("POST", PATH, raw, signed(raw)).status == 200
        # All were closed, by and by.
        for connection in idle:
            connection.settimeout(10)
            with suppress(ConnectionResetError):
                assert connection.recv(1) in (b"", b"H")
    finally:
        for connection in idle:
            connection.close()


def test_who_hardly_sends_a_body_does_not_keep_others_out(listening, monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 50)
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()
    slow = []
    try:
        for _ in range(80):
            connection = socket.create_connection(("127.0.0.1", listening.port), 10)
            connection.sendall(head + b"{")
            slow.append(connection)
        raw = body()
        answers = [listening.ask("POST", PATH, raw, signed(raw)).status for _ in range(20)]
        assert answers == [200] * 20
    finally:
        for connection in slow:
            connection.close()


def test_the_gate_is_what_the_delivery_config_declares(shop):
    target = {
        "endpoint": "https://sync.example.com/deliveries/shop",
        "secret": SECRET,
        "customAuthHeaderName": "X-Shop",
        "customAuthHeaderValue": "knock-knock",
    }
    config = document("DeliveryConfig", "here", {"name": "here", "deliveryTargets": {"http": target}})
    shop.write_manifests(environment={"service": {"deliveries": [{"dataSync": "shop"}]}})
    shop.checkout.write("config.yaml", config)
    raw = body()
    with serving(shop.checkout) as running:
        tries = {
            "both": {**signed(raw), "X-Shop": "knock-knock"},
            "no header": signed(raw),
            "another header": {**signed(raw), "X-Shop": "knock"},
            "no signature": {"X-Shop": "knock-knock"},
        }
        answers = {name: running.ask("POST", PATH, raw, headers).status for name, headers in tries.items()}
        assert answers == {"both": 200, "no header": 401, "another header": 401, "no signature": 401}
        assert not any("knock" in line or SECRET in line for line in running.lines)


def test_a_gate_that_is_open_is_refused_at_the_start(shop):
    shop.write_manifests(environment={"service": {"deliveries": [{"dataSync": "shop"}]}})
    with pytest.raises(ManifestErrors) as refused, serving(shop.checkout):
        pass
    (problem,) = refused.value.problems
    assert problem.message == "Environment test: nothing says how deliveries for shop show who sends them"
    assert problem.place.line


def test_metrics_count_and_name_nothing_that_came_in(listening):
    raw = body()
    listening.ask("POST", PATH, raw, signed(raw))
    listening.ask("POST", PATH, raw)
    for path in ("/nothing/here", "/deliveries/Mallory", "/Mallory/deliveries/shop"):
        listening.ask("POST", path, raw)
    text = listening.get("/metrics").text
    assert 'reconciler_deliveries_total{data_sync="shop",environment="test",outcome="taken"} 1.0' in text
    assert 'reconciler_deliveries_total{data_sync="shop",environment="test",outcome="refused"} 1.0' in text
    assert 'reconciler_environments{state="served"} 1.0' in text
    assert "Mallory" not in text
    assert SECRET not in text


def all_of(connection):
    """Return what comes until the other side closes."""
    connection.settimeout(10)
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found
