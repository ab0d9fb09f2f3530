"""A client whose token was given to it, as forges have it: no login, downloads without it, their limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.errors import LoginRefused, NotFound, RateLimited, Rejected, SecretUnset, UnexpectedAnswer
from reconciler.http.api import Api, Options
from reconciler.http.client import HttpWriter, open_session
from reconciler.http.login import FixedToken
from reconciler.http.retry import Answer, RetryPolicy
from reconciler.secret import Secret
from support.http_client_helpers import Listener, parse, real_clock
from support.scripted_server import FakeClock, ScriptedServer, answer

pytestmark = pytest.mark.usefixtures("engine")

TOKEN = "given-token-marker"


def api(server: ScriptedServer, **changes: Any) -> Api:
    token = FixedToken(Secret("GITHUB_TOKEN", lambda: TOKEN))
    return replace(Api(f"{server.url}/v3", token, parse, 10_000), **changes)


def run(
    server: ScriptedServer,
    use: Callable[[HttpWriter], Awaitable[Any]],
    clock: FakeClock | None = None,
    listener: Listener | None = None,
    **changes: Any,
) -> Any:
    async def call() -> Any:
        options = Options(
            clock=real_clock(clock or FakeClock()),
            observer=listener or Listener(),
            policy=RetryPolicy(random=lambda: 0.0),
        )
        async with server, open_session(api(server, **changes), options) as session:
            return await use(HttpWriter(session))

    return asyncio.run(call())


def test_a_given_token_goes_with_every_request_and_nobody_logs_in() -> None:
    server = ScriptedServer()
    run(server, lambda client: client.post("things", {"a": 1}))
    assert [seen.headers["authorization"] for seen in server.requests] == [f"Bearer {TOKEN}"]
    assert not server.logins


def test_a_given_token_that_is_refused_is_not_renewed_and_not_shown() -> None:
    server = ScriptedServer([answer(401, {"code": "bad", "message": f"{TOKEN} is not good"})])
    with pytest.raises(LoginRefused) as refused:
        run(server, lambda client: client.get("things"), steps={LoginRefused: "Set GITHUB_TOKEN."})
    assert len(server.requests) == 1
    assert TOKEN not in str(refused.value)
    assert refused.value.next_step == "Set GITHUB_TOKEN."


def test_a_token_goes_in_the_header_that_the_api_wants() -> None:
    server = ScriptedServer()
    run(server, lambda client: client.get("things"), authorization=lambda token: {"private-token": token})
    assert server.requests[0].headers["private-token"] == TOKEN
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "", "höher"])
def test_what_no_header_can_hold_is_no_token(value: str) -> None:
    with pytest.raises(LoginRefused, match="GITHUB_TOKEN is no token") as refused:
        run(ScriptedServer(), lambda client: client.get("x"), login=FixedToken(Secret("GITHUB_TOKEN", lambda: value)))
    assert not value or value not in str(refused.value)


def test_a_token_that_is_not_set_is_named() -> None:
    with pytest.raises(SecretUnset, match="GITHUB_TOKEN"):
        run(ScriptedServer(), lambda client: client.get("x"), login=FixedToken(Secret("GITHUB_TOKEN", lambda: None)))


def test_a_download_follows_one_redirect_and_leaves_the_token_behind() -> None:
    async def use() -> tuple[bytes, ScriptedServer, ScriptedServer]:
        async with ScriptedServer() as store:
            store.otherwise = answer(200, b"zip bytes", content_type="application/zip")
            server = ScriptedServer([answer(302, location=f"{store.url}/blob?sig=abc")])
            async with server, open_session(api(server, headers={"x-own": "1"}), Options()) as session:
                return await session.download("artifacts/1/zip", 100), server, store

    content, server, store = asyncio.run(use())
    assert content == b"zip bytes"
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    [seen] = store.requests
    assert (seen.path, seen.query) == ("/blob", {"sig": "abc"})
    assert TOKEN not in str(seen.headers)
    assert "x-own" not in seen.headers


@pytest.mark.parametrize(
    "location",
    ["http://elsewhere.example/x", "file:///etc/passwd", "https://user:pw@host.example/", "http://[", ""],
)
def test_a_download_is_redirected_to_no_odd_place(location: str) -> None:
    # An empty location is the page itself, asked for without the token: on this machine it redirects once more.
    server = ScriptedServer(otherwise=answer(302, location=location))
    with pytest.raises(UnexpectedAnswer, match="redirect"):
        run(server, lambda client: client.download("artifacts/1/zip", 100))


def test_a_download_asks_anew_for_the_place_when_the_store_fails() -> None:
    server = ScriptedServer()
    replies = [answer(302, location="/store"), answer(503), answer(302, location="/store"), answer(200, b"ok")]
    server.script.extend(replies)
    assert run(server, lambda client: client.download("artifacts/1/zip", 100)) == b"ok"
    assert [seen.path for seen in server.requests] == ["/v3/artifacts/1/zip", "/store"] * 2


def test_what_the_store_says_is_not_what_the_api_says() -> None:
    server = ScriptedServer([answer(302, location="/store"), answer(404, {"code": "none"})])
    with pytest.raises(UnexpectedAnswer):
        run(server, lambda client: client.download("artifacts/1/zip", 100))
    server = ScriptedServer([answer(404, {"code": "none"})])
    with pytest.raises(NotFound):
        run(server, lambda client: client.download("artifacts/1/zip", 100))


def test_a_download_ends_at_its_bound() -> None:
    server = ScriptedServer([answer(302, location="/store"), answer(200, b"x" * 101)])
    with pytest.raises(UnexpectedAnswer, match="large"):
        run(server, lambda client: client.download("artifacts/1/zip", 100))
    server = ScriptedServer([answer(200, b"x" * 100)])
    assert len(run(server, lambda client: client.download("artifacts/1/zip", 100))) == 100


def test_writes_keep_a_rate_of_their_own_and_reads_and_questions_do_not() -> None:
    clock = FakeClock(0)
    moments: list[tuple[str, float]] = []

    async def use(client: HttpWriter) -> None:
        for send in (
            client.get("things"),
            client.post("things", {}),
            client.get("things"),
            client.query("things/search"),
            client.patch("things/1", {}),
            client.delete("things/1"),
            client.get("things"),
        ):
            await send
            moments.append((server.requests[-1].method, round(clock.now)))

    server = ScriptedServer()
    run(server, use, clock, writes_per_second=1.0, questions=frozenset({"search"}))
    assert moments == [("GET", 0), ("POST", 0), ("GET", 0), ("POST", 0), ("PATCH", 1), ("DELETE", 2), ("GET", 2)]


def limited(reply: Answer, _now: float) -> float | None:
    after = reply.headers.get("retry-after", "")
    return float(after) if reply.status in (403, 429) and after else None


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_waited_out_as_long_as_the_api_asks(status: int) -> None:
    clock, listener = FakeClock(0), Listener()
    refusal = answer(status, {"code": "secondary", "message": "slow down"}, retry_after="75")
    server = ScriptedServer([refusal, answer(201, {"id": 1})])
    # A write, too: a limit says that nothing was done.
    assert run(server, lambda client: client.post("things", {}), clock, listener, limited=limited) == {"id": 1}
    assert [(wait.seconds, wait.reason) for wait in listener.waits] == [(75, "rate limited")]
    assert clock.now == pytest.approx(75, abs=1)


def test_a_limit_that_is_longer_than_we_wait_is_an_error_at_once() -> None:
    clock = FakeClock(0)
    refusal = answer(429, {"code": "secondary"}, retry_after="3600")
    server = ScriptedServer([refusal])
    with pytest.raises(RateLimited):
        run(server, lambda client: client.get("things"), clock, limited=limited)
    assert (len(server.requests), clock.sleeps) == (1, [])


def test_a_403_that_is_no_limit_is_not_repeated() -> None:
    server = ScriptedServer([answer(403, {"code": "no"})])
    with pytest.raises(Rejected):
        run(server, lambda client: client.get("things"), limited=limited, forbidden="Ask an owner.")
    assert len(server.requests) == 1
