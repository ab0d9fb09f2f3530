"""An exchange that is cut off, at whatever moment, leaves nothing behind that the next one would wait for."""

from __future__ import annotations

import asyncio
import contextlib
import gc

import pytest
from yarl import URL

from reconciler.http.connections import Connections
from reconciler.http.engine import Bounds
from reconciler.http.retry import NoAnswer
from support.scripted_server import ScriptedServer

pytestmark = pytest.mark.usefixtures("engine")

# Turns of the event loop: no exchange with a server on the loopback takes as many.
_TURNS = 60


@pytest.mark.parametrize("warm", [False, True], ids=["on a new connection", "on one that was used"])
def test_the_next_exchange_is_answered_wherever_one_was_cut_off(warm: bool) -> None:
    async def run() -> list[int]:
        stuck: list[int] = []
        async with ScriptedServer() as server:
            for turns in range(_TURNS):
                async with Connections(Bounds(exchange=3)) as connections:
                    url = URL(f"{server.url}/things")

                    async def send(url: URL = url, connections: Connections = connections) -> int:
                        return (await connections.send("PATCH", url, {"host": "test"}, b"{}")).status

                    if warm:
                        await send()
                    task = asyncio.create_task(send())
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                    try:
                        assert await send() == 200
                    except NoAnswer:
                        stuck.append(turns)
        return stuck

    assert asyncio.run(run()) == []


def test_an_end_that_is_cut_off_leaves_no_words_on_the_screen() -> None:
    """asyncio logs what its libraries complain of, such as a session that nobody closed."""
    said: list[dict[str, object]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, told: said.append(told))
        async with ScriptedServer() as server:
            for turns in range(1, 10):
                connections = Connections()
                await connections.send("GET", URL(f"{server.url}/things"), {}, None)
                task = asyncio.create_task(connections.aclose())
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                del connections, task
                gc.collect()

    # What the tests' process has beside it need not be looked through each time.
    gc.freeze()
    try:
        asyncio.run(run())
    finally:
        gc.unfreeze()
    assert said == []
