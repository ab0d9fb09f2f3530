from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from reconciler.errors import AnswerLost, ApiError, Conflict, RateLimited, Rejected, ServerFault, Unreachable
from reconciler.http.engine import Bounds
from reconciler.http.retry import Answer, RetryPolicy, retry_after
from support.http_client_helpers import Listener, client
from support.scripted_server import FakeClock, Reply, ScriptedServer, answer, drip, hang, raw, reset

pytestmark = pytest.mark.usefixtures("engine")

# Only where the bound itself is meant; an answer that comes must not be late because the machine is busy.
SHORT, LONG = Bounds(connect=30, read=0.3, exchange=0.6), Bounds(connect=60, read=60, exchange=120)
BROKEN: dict[str, Reply] = {
    "reset": reset(),
    "cut head": raw(b"HTTP/1.1 20"),
    "cut body": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"),
    "no HTTP": raw(b"garbage\r\n\r\n"),
    "chunked garbage": raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
    "hang": hang(),
    "drip": drip(),
}


def _is_slow(server: ScriptedServer) -> bool:
    return any(reply in (BROKEN["hang"], BROKEN["drip"]) for reply in (*server.script, server.otherwise))


def run(server: ScriptedServer, method: str, **options: Any) -> Any:
    async def call() -> Any:
        async with server, client(server, bounds=SHORT if _is_slow(server) else LONG, **options) as api:
            if method == "get":
                return await api.get("things/a")
            if method == "delete":
                return await api.delete("things/a")
            return await getattr(api, method)("things/a", {"Name": "n"})

    return asyncio.run(call())


@pytest.mark.parametrize("trouble", BROKEN.values(), ids=BROKEN)
def test_a_read_is_repeated_when_the_connection_breaks(trouble: Reply) -> None:
    server = ScriptedServer(script=[trouble, answer(200, {"ID": "a"})])
    assert run(server, "get") == {"ID": "a"}
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_read_is_repeated_on_statuses_that_pass(status: int) -> None:
    server = ScriptedServer(script=[answer(status), answer(status), answer(200, {"ID": "a"})])
    assert run(server, "get") == {"ID": "a"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_a_refusal_is_not_repeated(status: int) -> None:
    server = ScriptedServer(otherwise=answer(status, {"code": "no"}))
    with pytest.raises(ApiError) as caught:
        run(server, "get")
    assert caught.value.status == status
    # A 401 is worth one new login, nothing else is worth anything.
    assert len(server.requests) == (2 if status == 401 else 1)


@pytest.mark.parametrize(
    ("reply", "error"),
    [(reset(), Unreachable), (answer(429), RateLimited), (answer(503), ServerFault)],
    ids=["reset", "429", "503"],
)
def test_repeating_ends(reply: Reply, error: type[ApiError]) -> None:
    clock = FakeClock()
    server = ScriptedServer(otherwise=reply)
    with pytest.raises(error) as caught:
        run(server, "get", clock=clock, attempts=4)
    assert len(server.requests) == 4
    assert caught.value.next_step
    # Full jitter, here always at its largest: it doubles.
    waits = [seconds for seconds in clock.sleeps if seconds >= 0.4]
    assert waits[:3] == pytest.approx([0.5, 1, 2], abs=0.01)


def test_repeating_is_bounded_in_time_as_well() -> None:
    clock = FakeClock()
    server = ScriptedServer(otherwise=answer(429, retry_after="50"))
    with pytest.raises(RateLimited):
        run(server, "get", clock=clock, attempts=100)
    assert 100 < sum(clock.sleeps) <= 181


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("trouble", BROKEN.values(), ids=BROKEN)
def test_a_write_that_went_out_and_has_no_answer_is_lost_and_not_repeated(method: str, trouble: Reply) -> None:
    server = ScriptedServer(script=[trouble])
    with pytest.raises(AnswerLost) as caught:
        run(server, method)
    assert len(server.requests) == 1
    assert caught.value.request == f"{method.upper()} things/a"


@pytest.mark.parametrize(
    "reply",
    [answer(500, {"code": "x"}), answer(502), answer(504), answer(408), answer(200, b"<html>"), answer(303)],
    ids=["500", "502", "504", "408", "no JSON", "redirect"],
)
def test_a_write_whose_answer_says_nothing_of_what_was_done_is_lost(reply: Reply) -> None:
    server = ScriptedServer(script=[reply])
    with pytest.raises(AnswerLost):
        run(server, "put")
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [answer(429), answer(503, {"code": "offline"})], ids=["429", "offline"])
def test_a_write_that_was_certainly_not_processed_is_repeated(reply: Reply) -> None:
    server = ScriptedServer(script=[reply, answer(200, {"ID": "a"})])
    assert run(server, "put") == {"ID": "a"}
    assert [seen.json for seen in server.requests] == [{"Name": "n"}] * 2


def test_a_write_that_stays_refused_unprocessed_is_no_lost_answer() -> None:
    with pytest.raises(RateLimited):
        run(ScriptedServer(otherwise=answer(429)), "put", attempts=2)
    with pytest.raises(ServerFault):
        run(ScriptedServer(otherwise=answer(503, {"code": "offline"})), "put", attempts=2)


@pytest.mark.parametrize(("status", "error"), [(400, Rejected), (409, Conflict)])
def test_a_refused_write_says_so(status: int, error: type[ApiError]) -> None:
    with pytest.raises(error):
        run(ScriptedServer(script=[answer(status, {"code": "no"})]), "put")


@pytest.mark.parametrize("method", ["get", "put"])
def test_what_never_left_is_repeated_for_writes_as_well_and_is_unreachable_in_the_end(method: str) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        listener = Listener()

        async def call() -> None:
            async with ScriptedServer() as server, client(address, listener=listener, attempts=3) as api:
                del server
                await (api.get("a") if method == "get" else api.put("a", {}))

        with pytest.raises(Unreachable, match=r"no connection to 127\.0\.0\.1:\d+: Connection refused") as caught:
            asyncio.run(call())
    assert len(listener.exchanges) == 3
    assert caught.value.next_step


def test_a_write_over_a_login_that_fails_is_unreachable_since_nothing_was_written() -> None:
    server = ScriptedServer(token_script=[reset(), reset()])
    with pytest.raises(Unreachable):
        run(server, "put", attempts=2)
    assert server.requests == []


def test_retry_after_is_kept_to_by_everybody_and_told() -> None:
    clock, listener = FakeClock(), Listener()
    server = ScriptedServer(script=[answer(429, retry_after="7")])

    async def call() -> None:
        async with server, client(server, clock=clock, listener=listener) as api:
            await api.get("first")
            assert clock.now >= 1_000_007

    asyncio.run(call())
    [wait] = listener.waits
    assert wait.reason == "rate limited"
    assert wait.seconds == pytest.approx(7.5)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        (format_datetime(datetime.fromtimestamp(1_000_030, UTC), usegmt=True), 30),
        (format_datetime(datetime.fromtimestamp(999_000, UTC), usegmt=True), 0),
        ("Mon, 12 Jan 1970 13:46:50 -0000", 10),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("٧", None),
        ("1e9", None),
        ("Mon, 99 Jan 1970 13:46:50 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 253_402_387_139 - 1_000_000),
        ("9" * 400, 86_400),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("1" * 5_000 + " GMT", None),
        ("\xa0\x00,,:::", None),
    ],
)
def test_retry_after_comes_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(Answer(429, {"retry-after": value}, b""), 1_000_000) == seconds


@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("status", [408, 503])
def test_a_fault_is_repeated_so_often_and_no_more(failures: int, status: int) -> None:
    """What failed is somebody else's to repeat; that the API asks to come later still is not."""
    policy = RetryPolicy(attempts=5, failures=failures, random=lambda: 0.0)
    server = ScriptedServer(otherwise=answer(status))
    with pytest.raises(ApiError):
        run(server, "get", policy=policy)
    assert len(server.requests) == failures
    busy = ScriptedServer(otherwise=answer(429))
    with pytest.raises(ApiError):
        run(busy, "get", policy=policy)
    assert len(busy.requests) == 5


def test_retry_after_is_capped() -> None:
    policy = RetryPolicy(random=lambda: 0.0)
    assert policy.wait(1, 86_400) == 60
    assert policy.wait(1, float("9" * 400)) == 60


def test_jitter_is_full_and_bounded() -> None:
    assert RetryPolicy(random=lambda: 0.0).wait(3, None) == 0
    assert RetryPolicy(random=lambda: 0.5).wait(3, None) == 1
    assert RetryPolicy(random=lambda: 1.0).wait(2_000, None) == 20


@pytest.mark.parametrize("status", [200, 429, 503])
@pytest.mark.parametrize("name", ["retry_after", "date"])
@pytest.mark.parametrize("value", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 400, "-1", "nan"])
def test_a_time_that_no_calendar_has_is_no_time(status: int, name: str, value: str) -> None:
    server = ScriptedServer(script=[answer(status, {"ID": "a"}, **{name: value})], otherwise=answer(200, {"ID": "a"}))
    clock = FakeClock()
    assert run(server, "get", clock=clock) == {"ID": "a"}
    assert sum(clock.sleeps) < 120


@pytest.mark.parametrize("method", ["get", "put"])
def test_an_upgrade_that_nobody_asked_for_is_no_success(method: str) -> None:
    server = ScriptedServer(otherwise=raw(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\r\n"))
    with pytest.raises(AnswerLost if method == "put" else ApiError):
        run(server, method, attempts=2)
