"""A client knows how far the API's clock is from ours."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from reconciler.errors import NotFound
from support.http_client_helpers import client
from support.scripted_server import FakeClock, ScriptedServer, answer


def dated(clock: FakeClock, seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(clock.now + seconds, UTC), usegmt=True)


def test_the_offset_is_that_of_the_last_answer() -> None:
    clock = FakeClock()
    seen: list[timedelta | None] = []

    async def call() -> None:
        dates = [dated(clock, 90), dated(clock, -30), dated(clock, 7)]
        script = [answer(200, {}, date=dates[0]), answer(404, {"code": "x"}, date=dates[1]), answer(204, date=dates[2])]
        async with ScriptedServer(script=script) as server, client(server, clock=clock) as api:
            seen.append(api.clock_offset)
            await api.get("a")
            seen.append(api.clock_offset)
            with pytest.raises(NotFound):
                await api.get("a")
            seen.append(api.read_only().clock_offset)
            await api.put("a", {})
            seen.append(api.clock_offset)

    asyncio.run(call())
    assert seen[0] is None
    offsets = [each.total_seconds() for each in seen[1:] if each is not None]
    assert offsets == pytest.approx([90, -30, 7], abs=1)


def test_an_answer_without_a_date_changes_nothing() -> None:
    clock = FakeClock()

    async def call() -> None:
        script = [answer(200, {}), answer(200, {}, date=dated(clock, 40)), answer(200, {})]
        async with ScriptedServer(script=script) as server, client(server, clock=clock) as api:
            await api.get("a")
            assert api.clock_offset is None
            await api.get("a")
            await api.get("a")
            assert api.clock_offset is not None

    asyncio.run(call())


@pytest.mark.parametrize("date", ["soon", "", "Mon, 99 Jan 1970 13:46:50 GMT"])
def test_a_date_that_is_none_counts_as_not_known(date: str) -> None:
    async def call() -> None:
        async with ScriptedServer(otherwise=answer(200, {}, date=date)) as server, client(server) as api:
            await api.get("a")
            assert api.clock_offset is None

    asyncio.run(call())


def test_the_date_of_a_login_does_not_count() -> None:
    async def call() -> None:
        token = answer(200, {"access_token": "t", "expires_in": 600}, date="Mon, 12 Jan 1970 13:46:50 GMT")
        async with ScriptedServer(token_script=[token]) as server, client(server) as api:
            await api.get("a")
            assert api.clock_offset is None

    asyncio.run(call())
