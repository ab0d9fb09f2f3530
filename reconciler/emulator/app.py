"""ASGI application of the emulator: routes requests to their API, through latency, rate limit and faults."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

from reconciler.emulator.control import Control
from reconciler.emulator.misbehave import Exchange, Message, Receive, Send, misbehave
from reconciler.emulator.ordercloud.room import OrderCloud
from reconciler.emulator.room import Room
from reconciler.emulator.seeds.seed import EMPTY, Seed
from reconciler.emulator.sparklayer.room import SparkLayer
from reconciler.emulator.state import State
from reconciler.emulator.switches import Switches
from reconciler.emulator.traffic import TrafficSetting, retry_after_header
from reconciler.emulator.wire import Answer, Request, json_answer

# inferred: the number is from the vendor's own tools, what counts towards it and the status are not published.
_LONGEST_URL = 2_086
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def new_state(switches: Switches, traffic: TrafficSetting, seed: Seed = EMPTY, deliver_to: Sequence[str] = ()) -> State:
    """Return the state of a fresh emulator with all of its rooms, its marketplace seeded.

    Args:
        switches: as they are at the start.
        traffic: latency and rate limit at the start.
        seed: what the marketplace starts with.
        deliver_to: globs of hosts that messages may go to, beside the loopback.
    """
    return State(switches, traffic, partial(_make_rooms, seed, deliver_to))


def _make_rooms(seed: Seed, deliver_to: Sequence[str], state: State) -> Sequence[Room]:
    ordercloud, sparklayer = OrderCloud(state, seed, deliver_to), SparkLayer(state, deliver_to)
    # Orders that were placed through SparkLayer came from carts there.
    sparklayer.carts = lambda: ordercloud.seeding.carts
    ordercloud.seeding.on_carts = sparklayer.place_carts
    sparklayer.place_carts()
    return ordercloud, sparklayer


class App:
    """ASGI application of the emulator, without a framework: it costs next to nothing beside the server itself."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._control = Control(state)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = await _read(scope, receive)
        exchange = Exchange(receive, send, scope.get("state", {}).get("transport"), self.state.clock)
        name = request.segments[0].lower()
        if name == Control.name:
            answer = await self._control.answer(request)
            self.state.revision += request.method not in _READS
            await exchange.reply(answer)
            return
        room = self.state.rooms.get(name)
        if room is None:
            known = ", ".join(f"/{prefix}/" for prefix in (*self.state.rooms, Control.name))
            await exchange.reply(json_answer({"error": f"nothing here; there are: {known}"}, 404))
            return
        entry = self.state.requests.begin(request)
        traffic = self.state.traffic
        delay = traffic.delay()
        if delay:
            await asyncio.sleep(delay)

        def carry_out() -> Answer:
            self.state.revision += request.method not in _READS
            return room.answer(request)

        wait = traffic.over_limit(name)
        if wait is not None:
            answer = room.failure(429).with_headers(*retry_after_header(traffic.setting.retry_after, wait))
        elif self.state.switches.long_urls == "refused" and _length(scope) > _LONGEST_URL:
            answer = room.failure(414)
        else:
            asked = room.before(request)
            refused = None if asked is None else await asked
            if refused is not None:
                entry.status = refused.status
                await exchange.reply(refused)
                return
            hit = self.state.faults.hit(request)
            if hit is not None:
                entry.fault = hit.rule.effect.value
                entry.status = await misbehave(hit, exchange, carry_out, room.failure)
                return
            answer = carry_out()
        entry.status = answer.status
        await exchange.reply(answer)


def _length(scope: Message) -> int:
    """Return the length of path and query as they were sent, in characters."""
    query: bytes = scope["query_string"]
    return len(scope["raw_path"]) + (len(query) + 1 if query else 0)


async def _read(scope: Message, receive: Receive) -> Request:
    raw: bytes = scope["raw_path"]
    segments = raw.decode("latin-1").strip("/").split("/")
    if b"%" in raw:
        segments = [unquote(segment) for segment in segments]
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    body = b""
    if any(name in (b"content-length", b"transfer-encoding") for name, _ in headers):
        body = await _read_body(receive)
    return Request(scope["method"], segments, scope["query_string"].decode("latin-1"), headers, body)


async def _read_body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    while True:
        message: Any = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)
