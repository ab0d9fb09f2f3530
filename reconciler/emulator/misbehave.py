"""Effects of faults on a connection: reset, hang, a dripping body, a cut or changed answer."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from reconciler.emulator.clock import Clock
from reconciler.emulator.faults import Effect, Hit
from reconciler.emulator.rewriting import numbered, replaced, with_changes
from reconciler.emulator.traffic import retry_after_header
from reconciler.emulator.wire import JSON_HEADERS, Answer, json_answer

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
DRIPS = 10


class Exchange:
    """Connection of one request, through which its answer is sent or broken.

    Args:
        receive: the ASGI channel in.
        send: the ASGI channel out.
        transport: the connection itself, for cutting it; None where the server does not give it.
        clock: tells the Date header.

    Without `dated`, an answer has no Date but one of its own.
    """

    __slots__ = ("clock", "dated", "receive", "send", "transport")

    def __init__(self, receive: Receive, send: Send, transport: asyncio.Transport | None, clock: Clock) -> None:
        self.receive = receive
        self.send = send
        self.transport = transport
        self.clock = clock
        self.dated = True

    async def reply(self, answer: Answer) -> None:
        """Send the whole answer."""
        await self._start(answer)
        await self.send({"type": "http.response.body", "body": answer.body})

    async def drip(self, answer: Answer, seconds: float) -> None:
        """Send the body in ten pieces, spread over some seconds."""
        await self._start(answer)
        size = max(1, -(-len(answer.body) // DRIPS))
        for start in range(0, len(answer.body), size):
            await asyncio.sleep(seconds / DRIPS)
            piece = answer.body[start : start + size]
            await self.send({"type": "http.response.body", "body": piece, "more_body": True})
        await self.send({"type": "http.response.body", "body": b""})

    async def cut_short(self, answer: Answer) -> None:
        """Send the headers and half of the body, then cut the connection."""
        await self._start(answer)
        half = answer.body[: len(answer.body) // 2]
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        if self.transport is not None:
            self.transport.close()
        await self.until_gone()

    async def cut(self) -> None:
        """Reset the connection: the client sees a reset, no orderly end."""
        if self.transport is not None:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        await self.until_gone()

    async def until_gone(self) -> None:
        """Wait until the client, or we, have closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _start(self, answer: Answer) -> None:
        headers = [*answer.headers]
        if self.dated:
            headers.append((b"date", self.clock.http_date()))
        if answer.status != 204:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await self.send({"type": "http.response.start", "status": answer.status, "headers": headers})


Failure = Callable[[int, str | None, str | None], Answer]


async def misbehave(hit: Hit, exchange: Exchange, carry_out: Callable[[], Answer], failure: Failure) -> int | None:
    """Carry out a fault on the request that it hit.

    Args:
        hit: the fault that hit it.
        exchange: its connection.
        carry_out: carries the request out and returns its true answer.
        failure: makes an error in the form of the API that was asked.

    Returns:
        The status that was sent, or None where the client got none.
    """
    rule = hit.rule
    effect = rule.effect
    if effect is Effect.RESET or effect is Effect.HANG:
        if rule.when == "after":
            carry_out()
        await (exchange.cut() if effect is Effect.RESET else exchange.until_gone())
        return None
    if effect is Effect.LATENCY:
        await asyncio.sleep(rule.seconds)
    if effect is Effect.HELD:
        await hit.cleared.wait()
    answer = _instead(hit, failure)
    if answer is None:
        answer = _changed(hit, carry_out())
    elif rule.when == "after":
        carry_out()
    answer = with_changes(answer, rule.headers)
    exchange.dated = "date" not in rule.headers
    if effect is Effect.SLOW_BODY:
        await exchange.drip(answer, rule.seconds)
    elif effect is Effect.TRUNCATED:
        await exchange.cut_short(answer)
    else:
        await exchange.reply(answer)
    return answer.status


def _instead(hit: Hit, failure: Failure) -> Answer | None:
    """Return the answer that a rule gives instead of the true one, if it does."""
    rule = hit.rule
    if rule.effect is Effect.TOO_MANY:
        return failure(429, None, None).with_headers(*retry_after_header(rule.retry_after, rule.seconds))
    if rule.effect is Effect.OFFLINE:
        # inferred: Api.Offline is a published code ("short maintenance: retry"); its status is not.
        return failure(503, "Api.Offline", "The API is offline for a short maintenance.")
    if rule.effect is Effect.STATUS:
        status = rule.status or 500
        return failure(status, rule.code, rule.message) if rule.body is None else json_answer(rule.body, status)
    if rule.effect is Effect.ANSWER:
        return Answer(rule.status or 200, numbered(_body(hit), rule.counter, hit.before), JSON_HEADERS)
    return None


def _body(hit: Hit) -> bytes:
    """Return the body that a rule of the effect `answer` states: bytes, a text as it is, or JSON."""
    body = hit.rule.body
    if hit.rule.base64 is not None:
        return base64.b64decode(hit.rule.base64)
    if body is None:
        return b""
    return body.encode(errors="surrogatepass") if isinstance(body, str) else orjson.dumps(body)


def _changed(hit: Hit, answer: Answer) -> Answer:
    """Return the true answer as a rule changes it."""
    rule = hit.rule
    if rule.effect is Effect.BOM:
        return Answer(answer.status, b"\xef\xbb\xbf" + answer.body, answer.headers)
    if rule.effect is Effect.BROKEN_JSON:
        return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
    if rule.effect is Effect.REWRITE:
        return Answer(rule.status or answer.status, replaced(answer.body, rule.replace), answer.headers)
    return answer
