"""A real HTTP server on loopback that answers, breaks and stalls exactly as a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), strict_parsing=True))


Stream = asyncio.StreamWriter
Reply = Callable[[Stream], Awaitable[bool]]
"""Writes to the client; returns whether the connection stays open."""


def answer(status: int = 200, body: Any = None, **headers: str) -> Reply:
    """A whole answer; `body` is bytes, or anything that becomes JSON; header names with _ for -."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    names = {"content_type": "application/json"} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in names.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} X", *lines, f"content-length: {len(content)}"]) + "\r\n\r\n"
    return raw(head.encode() + content, stay=True)


def errors(status: int, code: str, message: str = "No.", data: Any = None, **headers: str) -> Reply:
    """An OrderCloud error answer."""
    return answer(status, {"Errors": [{"ErrorCode": code, "Message": message, "Data": data}]}, **headers)


def raw(content: bytes, *, stay: bool = False) -> Reply:
    """These bytes, whatever they are."""

    async def write(stream: Stream) -> bool:
        stream.write(content)
        return stay

    return write


def reset() -> Reply:
    """The request is read, then the connection is reset."""

    async def write(stream: Stream) -> bool:
        stream.transport.abort()
        return False

    return write


def hang() -> Reply:
    """The request is read and never answered."""

    async def write(stream: Stream) -> bool:
        await asyncio.Event().wait()
        return False

    return write


def drip(content: bytes = b" ") -> Reply:
    """An answer whose body never ends."""

    async def write(stream: Stream) -> bool:
        stream.write(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
        while not stream.is_closing():
            stream.write(b"%x\r\n%s\r\n" % (len(content), content))
            await stream.drain()
            await asyncio.sleep(0.005)
        return False

    return write


def gated(gate: asyncio.Event, then: Reply) -> Reply:
    """Answers once the gate is open."""

    async def write(stream: Stream) -> bool:
        await gate.wait()
        return await then(stream)

    return write


@dataclass
class ScriptedServer:
    """Plays `script` request by request, then `otherwise`. The token endpoint has its own script.

    `handler`, when set, answers instead of the script.
    """

    script: deque[Reply] = field(default_factory=deque)
    token_script: deque[Reply] = field(default_factory=deque)
    otherwise: Reply = field(default_factory=lambda: answer(200, {}))
    handler: Callable[[Seen], Reply] | None = None
    requests: list[Seen] = field(default_factory=list)
    logins: list[Seen] = field(default_factory=list)
    connections: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    tls: Any = None

    def __post_init__(self) -> None:
        self.script = deque(self.script)
        self.token_script = deque(self.token_script)

    async def __aenter__(self) -> Self:
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0, ssl=self.tls)
        scheme = "https" if self.tls else "http"
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def busy(self, requests: int = 1) -> None:
        """Wait until that many requests are here and unanswered, logins included."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.in_flight >= requests)

    async def _client(self, reader: asyncio.StreamReader, stream: Stream) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, stream):
                await stream.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            stream.transport.abort()
        finally:
            stream.close()
            self._tasks.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, stream: Stream) -> bool:
        seen = await _read(reader)
        login = seen.path.endswith("/oauth/token")
        (self.logins if login else self.requests).append(seen)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        async with self._changed:
            self._changed.notify_all()
        try:
            return await self._reply(seen, login)(stream)
        finally:
            self.in_flight -= 1

    def _reply(self, seen: Seen, login: bool) -> Reply:
        if login:
            fresh = answer(200, {"access_token": f"token-{len(self.logins)}", "expires_in": 36000})
            return self.token_script.popleft() if self.token_script else fresh
        if self.handler is not None:
            return self.handler(seen)
        return self.script.popleft() if self.script else self.otherwise


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Seen(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)


class FakeClock:
    """Time that passes only by sleeping, and then at once."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.sleeps: list[float] = []

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)
