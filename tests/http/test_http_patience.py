"""A run that is to survive an outage waits for minutes, and still ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from msgspec.structs import replace

from reconciler.errors import AnswerLost, Conflict, RateLimited, ServerFault
from reconciler.http.observe import Call, Silent
from reconciler.http.retry import PATIENT, Answer, Repeater, RetryPolicy
from support.http_client_helpers import client, real_clock
from support.scripted_server import FakeClock, Reply, ScriptedServer, answer, reset

pytestmark = pytest.mark.usefixtures("engine")


def away_until(server: ScriptedServer, clock: FakeClock, seconds: float, trouble: Reply) -> None:
    """Let the server fail until so much time has passed."""
    end = clock.now + seconds
    server.handler = lambda _seen: trouble if clock.now < end else answer(200, {"ID": "a"})


@pytest.mark.parametrize("seconds", [60, 600])
@pytest.mark.parametrize("trouble", [answer(503), answer(429), reset()], ids=["503", "429", "reset"])
def test_reads_survive_an_outage_of_minutes(seconds: float, trouble: Reply) -> None:
    clock, server = FakeClock(), ScriptedServer()
    away_until(server, clock, seconds, trouble)

    async def call() -> object:
        async with server, client(server, clock=clock, policy=PATIENT) as api:
            return await api.get("a")

    assert asyncio.run(call()) == {"ID": "a"}


def test_a_login_survives_one_too() -> None:
    clock, server = FakeClock(), ScriptedServer(token_script=[answer(502)] * 20)

    async def call() -> object:
        async with server, client(server, clock=clock, policy=PATIENT) as api:
            return await api.put("a", {})

    assert asyncio.run(call()) == {}


def test_patience_ends_after_a_quarter_of_an_hour() -> None:
    clock, server = FakeClock(), ScriptedServer(otherwise=answer(503))

    async def call() -> None:
        async with server, client(server, clock=clock, policy=PATIENT) as api:
            await api.get("a")

    with pytest.raises(ServerFault):
        asyncio.run(call())
    assert 800 < sum(clock.sleeps) <= 920


def test_a_write_that_is_refused_unprocessed_is_waited_for_as_long() -> None:
    clock, server = FakeClock(), ScriptedServer(otherwise=answer(429))

    async def call() -> None:
        async with server, client(server, clock=clock, policy=PATIENT) as api:
            await api.patch("a", {})

    with pytest.raises(RateLimited):
        asyncio.run(call())
    assert sum(clock.sleeps) > 800


def test_patience_does_not_repeat_a_write_whose_answer_is_lost() -> None:
    clock, server = FakeClock(), ScriptedServer(otherwise=reset())

    async def call() -> None:
        async with server, client(server, clock=clock, policy=PATIENT) as api:
            await api.patch("a", {})

    with pytest.raises(AnswerLost):
        asyncio.run(call())
    assert len(server.requests) == 1


def test_patience_does_not_end_a_clash_that_stays() -> None:
    server = ScriptedServer(otherwise=answer(409, {"code": "clash"}))

    async def call() -> None:
        async with server, client(server, policy=PATIENT, clashes=True) as api:
            await api.patch("a", {})

    with pytest.raises(Conflict):
        asyncio.run(call())
    assert len(server.requests) == PATIENT.clashes


def test_answers_that_take_long_use_the_patience_up_like_waits() -> None:
    clock = FakeClock(0)
    sent: list[int] = []

    async def slow(attempt: int) -> Answer:
        sent.append(attempt)
        return Answer(503, {}, b"", seconds=100)

    policy = RetryPolicy(attempts=50, seconds=250, base=0.01, longest=0.01)
    repeater = Repeater(policy, real_clock(clock), Silent())
    assert asyncio.run(repeater.run(Call("GET", "/things"), slow, safe=True)).status == 503
    assert sent == [1, 2, 3]


def gives_back(server: ScriptedServer, clock: FakeClock, *, requests: int = 1) -> list[RateLimited | object]:
    policy = replace(PATIENT, failures=1, gives_back=5.0)

    async def call() -> list[RateLimited | object]:
        async with server, client(server, clock=clock, policy=policy) as api:
            return [await asyncio.gather(api.put("a", {}), return_exceptions=True) for _ in range(requests)]

    return [answers[0] for answers in asyncio.run(call())]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_who_gives_back_is_told_how_long_the_api_wants_to_be_left_alone_and_does_not_wait(form: str) -> None:
    clock = FakeClock()
    asked = "600" if form == "seconds" else format_datetime(datetime.fromtimestamp(clock.now + 600, UTC), usegmt=True)
    server = ScriptedServer(otherwise=answer(429, retry_after=asked))
    first, second = gives_back(server, clock, requests=2)
    assert isinstance(first, RateLimited)
    assert isinstance(second, RateLimited)
    assert first.retry_after == pytest.approx(600, abs=1)
    # The second was not sent: whoever shares the rate is held, for a minute at most, however long is asked for.
    assert 5 < (second.retry_after or 0) <= 61
    assert len(server.requests) == 1
    assert not clock.sleeps


def test_who_gives_back_waits_for_a_short_time_all_the_same() -> None:
    clock = FakeClock()
    server = ScriptedServer(script=[answer(429, retry_after="3")])
    assert gives_back(server, clock) == [{}]
    assert 3 <= sum(clock.sleeps) < 5


def test_a_login_that_is_to_wait_says_so_too() -> None:
    clock, server = FakeClock(), ScriptedServer(token_script=[answer(429, retry_after="600")])
    (refused,) = gives_back(server, clock)
    assert isinstance(refused, RateLimited)
    assert refused.retry_after == 600
