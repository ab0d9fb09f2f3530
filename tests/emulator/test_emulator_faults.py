from __future__ import annotations

import base64
import gzip
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.emulator.faults import FaultRule, Faults
from reconciler.emulator.testing import RunningEmulator
from reconciler.emulator.wire import Request

BODY = {"ID": "one", "Name": "One", "DeliveryTargets": {"Http": {"Endpoint": "https://x", "Secret": "s"}}}


def create(client: httpx.Client) -> httpx.Response:
    return client.post("/deliveryconfig", json=BODY)


def stored(emulator: RunningEmulator) -> list[str]:
    return list(emulator.state()["ordercloud"]["deliveryConfigs"])


def test_status_fault_answers_in_the_apis_form(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.fault("status", status=500)
    emulator.fault("status", status=400, code="ProductSyncConfig.AdminLockout", message="Ask support.")
    emulator.fault("status", status=502, body={"gateway": "down"})
    first, second, third, fourth = (create(plain) for _ in range(4))
    assert (first.status_code, first.json()["Errors"][0]["ErrorCode"]) == (500, "ServerError")
    assert second.json()["Errors"][0] == {
        "ErrorCode": "ProductSyncConfig.AdminLockout",
        "Message": "Ask support.",
        "Data": None,
    }
    assert (third.status_code, third.json()) == (502, {"gateway": "down"})
    assert fourth.status_code == 201


def test_offline(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.fault("offline")
    assert create(plain).json()["Errors"][0]["ErrorCode"] == "Api.Offline"
    assert stored(emulator) == []


def test_too_many_with_retry_after_in_each_form(emulator: RunningEmulator, plain: httpx.Client) -> None:
    for form in ("seconds", "date", "none"):
        emulator.fault("too_many", retry_after=form, seconds=30)
    seconds, date, none = (plain.get("/deliveryconfig") for _ in range(3))
    assert {answer.status_code for answer in (seconds, date, none)} == {429}
    assert seconds.headers["retry-after"] == "30"
    distance = parsedate_to_datetime(date.headers["retry-after"]) - datetime.now(UTC)
    assert timedelta(seconds=20) < distance <= timedelta(seconds=30)
    assert "retry-after" not in none.headers


def test_a_fault_for_bodies_with_a_text(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.fault("status", method="POST", contains='"ID":"two"', count=None)
    assert create(plain).status_code == 201
    assert plain.post("/deliveryconfig", json={**BODY, "ID": "two"}).status_code == 500
    assert stored(emulator) == ["one"]
    assert emulator.faults()[0]["seen"] == 1


def test_a_fault_for_queries_with_a_text(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.fault("status", query="page=2", count=None)
    statuses = [plain.get("/deliveryconfig", params={"page": page}).status_code for page in (1, 2, 3)]
    assert statuses == [200, 500, 200]


@pytest.mark.parametrize(("when", "expected"), [("before", []), ("after", ["one"])])
def test_reset_before_or_after_the_request_is_carried_out(
    emulator: RunningEmulator, plain: httpx.Client, when: str, expected: list[str]
) -> None:
    emulator.fault("reset", when=when)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        create(plain)
    assert stored(emulator) == expected
    entry = emulator.requests()[-1]
    assert (entry["status"], entry["fault"]) == (None, "reset")
    assert plain.get("/deliveryconfig").status_code == 200


@pytest.mark.parametrize(("when", "expected"), [("before", []), ("after", ["one"])])
def test_hang_until_the_client_goes(
    emulator: RunningEmulator, plain: httpx.Client, when: str, expected: list[str]
) -> None:
    emulator.fault("hang", when=when)
    with pytest.raises(httpx.ReadTimeout):
        plain.post("/deliveryconfig", json=BODY, timeout=0.2)
    assert stored(emulator) == expected
    assert emulator.faults()[0]["fired"] == 1


def test_a_hanging_request_holds_up_no_other(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.fault("hang", path="*/productsync")

    def hang() -> None:
        with pytest.raises(httpx.ReadTimeout):
            plain.get("/productsync", timeout=0.5)

    waiting = threading.Thread(target=hang)
    waiting.start()
    assert plain.get("/deliveryconfig").status_code == 200
    waiting.join()


def test_latency_and_slow_body(emulator: RunningEmulator, plain: httpx.Client) -> None:
    for effect in ("latency", "slow_body"):
        emulator.fault(effect, seconds=0.2)
        start = time.monotonic()
        answer = plain.get("/deliveryconfig")
        assert time.monotonic() - start >= 0.2
        assert answer.json()["Items"] == []


def test_broken_bodies(emulator: RunningEmulator, plain: httpx.Client) -> None:
    for effect in ("broken_json", "bom", "truncated"):
        emulator.fault(effect)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        plain.get("/deliveryconfig").json()
    assert plain.get("/deliveryconfig").content.startswith(b"\xef\xbb\xbf{")
    with pytest.raises(httpx.RemoteProtocolError):
        plain.get("/deliveryconfig")


def test_any_answer_can_be_given_instead(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.fault("answer", body={"Meta": {"TotalPages": 50_000_000}, "Items": []})
    emulator.fault("answer", status=302, headers={"Location": "http://elsewhere"})
    emulator.fault("answer", body='{"Name":"Ham\\ud800mer"}', headers={"content-type": "text/plain"})
    emulator.fault("answer", status=204, body="not sent")
    announced, moved, surrogate, empty = (plain.get("/deliveryconfig") for _ in range(4))
    assert (announced.status_code, announced.json()["Meta"]) == (200, {"TotalPages": 50_000_000})
    assert (moved.status_code, moved.headers["location"], moved.content) == (302, "http://elsewhere", b"")
    assert (surrogate.content, surrogate.headers["content-type"]) == (b'{"Name":"Ham\\ud800mer"}', "text/plain")
    assert (empty.status_code, empty.content) == (204, b"")
    # Nothing of what must not be sent is left on the connection.
    assert plain.get("/deliveryconfig").json()["Items"] == []
    assert [entry["fault"] for entry in emulator.requests()[-5:]] == [*["answer"] * 4, None]


def test_an_answer_of_bytes_with_layers_of_compression(emulator: RunningEmulator, plain: httpx.Client) -> None:
    bomb = gzip.compress(gzip.compress(b"0" * 1_000_000))
    body = base64.b64encode(bomb).decode()
    emulator.fault("answer", base64=body, headers={"Content-Encoding": "gzip, gzip"})
    with plain.stream("GET", "/deliveryconfig") as answer:
        assert b"".join(answer.iter_raw()) == bomb
        assert answer.headers["content-encoding"] == "gzip, gzip"


def test_a_walk_that_never_ends(emulator: RunningEmulator, plain: httpx.Client) -> None:
    page = {"Meta": {"TotalCount": 3}, "Items": [{"ID": "p#"}, {"ID": "p#"}]}
    emulator.fault("answer", path="*/products", body=page, counter="#", count=None)
    pages = [plain.get("/products").json()["Items"] for _ in range(3)]
    assert [item["ID"] for items in pages for item in items] == [f"p{number:09}" for number in range(1, 7)]


@pytest.mark.parametrize(("when", "expected"), [("before", []), ("after", ["one"])])
def test_an_error_before_or_after_the_request_is_carried_out(
    emulator: RunningEmulator, plain: httpx.Client, when: str, expected: list[str]
) -> None:
    emulator.fault("status", status=503, when=when)
    assert create(plain).status_code == 503
    assert stored(emulator) == expected


def test_the_true_answer_can_be_changed(emulator: RunningEmulator, plain: httpx.Client) -> None:
    create(plain)
    changes = [{"find": '"ID":"one"', "put": '"ID":null'}, {"find": "On.", "put": r"O\ud800\1"}]
    emulator.fault("rewrite", path="*/deliveryconfig", replace=changes)
    found = plain.get("/deliveryconfig").text
    assert r'"ID":null,"Name":"O\ud800\1"' in found
    emulator.fault("rewrite", status=202, replace=[{"find": r'"TotalPages":\d+', "put": '"TotalPages":5000000'}])
    announced = plain.get("/deliveryconfig")
    assert (announced.status_code, announced.json()["Meta"]["TotalPages"]) == (202, 5_000_000)
    # Nothing of it stays.
    assert plain.get("/deliveryconfig").json()["Items"][0]["Name"] == "One"


def test_the_hostile_answers_of_the_page_are_faults(emulator: RunningEmulator) -> None:
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()
    rows = page.partition("### Hostile answers")[2].partition("\n## ")[0].splitlines()
    calls = [row.split(" | ", 1)[1].strip("` |") for row in rows if "`fault(" in row]
    assert len(calls) == 7
    names = {
        "fault": emulator.fault,
        "b64encode": base64.b64encode,
        "compress": gzip.compress,
        "timedelta": timedelta,
        "format_datetime": format_datetime,
        "now": datetime.now(UTC),
    }
    for call in calls:
        eval(call, names)
    assert [fault["effect"] for fault in emulator.faults()] == [
        *("rewrite", "rewrite", "rewrite", "answer", "rewrite", "rewrite", "answer")
    ]


def test_headers_of_any_answer_can_be_set_and_left_out(emulator: RunningEmulator, plain: httpx.Client) -> None:
    ahead = "Fri, 31 Dec 9999 23:59:59 GMT"
    emulator.fault("rewrite", headers={"Date": ahead, "Content-Type": None})
    emulator.fault("rewrite", headers={"date": None})
    emulator.fault("too_many", headers={"Retry-After": "9" * 400})
    far, none, later, plain_again = (plain.get("/deliveryconfig") for _ in range(4))
    assert far.headers.get_list("date") == [ahead]
    assert "content-type" not in far.headers
    assert far.json()["Items"] == []
    assert "date" not in none.headers
    assert (later.status_code, later.headers.get_list("retry-after")) == (429, ["9" * 400])
    shown = parsedate_to_datetime(plain_again.headers["date"])
    assert abs(shown - datetime.now(UTC)) < timedelta(minutes=5)


def test_faults_choose_by_method_path_and_number(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.fault("status", method="GET", path="*/DELIVERYCONFIG*", nth=2, count=2)
    assert create(plain).status_code == 201
    assert plain.get("/productsync").status_code == 404
    assert [plain.get("/deliveryconfig").status_code for _ in range(4)] == [200, 500, 500, 200]
    fault = emulator.faults()[0]
    assert (fault["seen"], fault["fired"]) == (4, 2)


def test_the_nth_request_of_all_can_be_cut(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.fault("reset", nth=3)
    plain.get("/deliveryconfig")
    plain.get("/productsync")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        plain.get("/deliveryconfig")
    assert plain.get("/deliveryconfig").status_code == 200


def test_probability_hits_the_same_requests_for_the_same_seed() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults()
        faults.add(FaultRule(effect="status", probability=0.3, seed=seed, count=None))
        return [faults.hit(Request("GET", ["x"])) is not None for _ in range(200)]

    assert hits(1) == hits(1) != hits(2)
    assert 30 < sum(hits(1)) < 90


def test_clear_and_reset_remove_faults(emulator: RunningEmulator, plain: httpx.Client) -> None:
    for remove in (emulator.clear_faults, emulator.reset):
        emulator.fault("status", count=None)
        remove()
        assert emulator.faults() == []
    assert plain.get("/deliveryconfig").status_code == 401


def test_global_latency(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.traffic(latency=0.2)
    start = time.monotonic()
    plain.get("/deliveryconfig")
    assert time.monotonic() - start >= 0.2
    # Where the switches are, nothing is slowed down.
    emulator.traffic(latency=60)
    start = time.monotonic()
    emulator.traffic()
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("form", ["seconds", "date", "none"])
def test_rate_limit(emulator: RunningEmulator, plain: httpx.Client, form: str) -> None:
    emulator.traffic(requests_per_second=0.01, burst=3, retry_after=form)
    answers = [plain.get("/deliveryconfig") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[3].json()["Errors"]
    shown: Any = answers[3].headers.get("retry-after")
    assert (shown is None) == (form == "none")
    assert form != "seconds" or 90 <= int(shown) <= 100
    assert [entry["status"] for entry in emulator.requests()[-2:]] == [429, 429]


def test_wrong_faults_are_explained(emulator: RunningEmulator) -> None:
    wrong = (
        *({"effect": "explode"}, {"effect": "reset", "nht": 2}, {"effect": "status", "status": 200}),
        *({"effect": "answer", "base64": "!"}, {"effect": "rewrite", "replace": [{"find": "(", "put": ""}]}),
        *({"effect": "answer", "headers": {name: "1"}} for name in ("Content-Length", "a b", "")),
        {"effect": "answer", "headers": {"x": "a\r\nb: c"}},
    )
    for body in (*wrong, [], 3):
        answer = httpx.post(f"{emulator.url}/_emulator/faults", json=body, trust_env=False)
        assert answer.status_code == (200 if body == [] else 400)
        assert body == [] or answer.json()["error"]
    assert emulator.faults() == []
