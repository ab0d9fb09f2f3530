"""Open connections, and why no answer came over them. Each URL has its engine: httpx through proxies, else aiohttp."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import TracebackType
from typing import Self

from yarl import URL

from reconciler.hosts import is_loopback
from reconciler.http.decoding import Body, PassedOn, Room, Taker, TooLarge, Undecodable
from reconciler.http.engine import Bounds, Broken, Engine, NotConnected, NotConnectedInTime, NoTunnel, Request, Silent
from reconciler.http.network import EngineName, chosen_engine, proxy_for, tls_context
from reconciler.http.retry import Answer, NoAnswer

_PROXY_LOGIN = 407
_TOO_LARGE = "reconciler reads no more than that in one answer: see what it is there that is so large."


class Connections:
    """Keep-alive connections that all clients of one event loop can share; close it after them.

    Args:
        bounds: what one exchange may take.
        engine: for direct connections; None: what the environment names.

    Raises:
        LoadError: the environment names an engine that there is not.
    """

    def __init__(self, bounds: Bounds | None = None, engine: EngineName | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._room = Room(2 * self._bounds.body)
        self._direct = engine or chosen_engine()
        self._tls = cache(tls_context)
        # Of each origin; of each proxy, None for direct connections.
        self._engines: dict[URL, Engine] = {}
        self._all: dict[str | None, Engine] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        self._engines.clear()
        while self._all:
            await self._all.popitem()[1].aclose()

    async def send(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        content: bytes | None,
        largest: int | None = None,
        begin: Callable[[], Taker] | None = None,
    ) -> Answer:
        """Send one request and read its answer, whatever its status. Redirects are not followed.

        Args:
            method: of the request.
            url: where to.
            headers: all of them but Host and Content-Length.
            content: the body; None: there is none.
            largest: bytes that the answer may have, where that is less than the bound of every answer.
            begin: makes what takes the body of a success as it comes, which is not in the answer then; None: it is.

        Raises:
            NoAnswer: no complete answer came; what was taken of it so far is worth nothing.
            LoadError: a CA file that the environment names cannot be read.
        """
        engine = self._engine_for(url)
        bounds = self._bounds
        most = bounds.body if largest is None else min(largest, bounds.body)

        def body(status: int, told: Mapping[str, str]) -> Body:
            encoding = told.get("content-encoding", "")
            if begin is not None and 200 <= status < 300:
                return _Unhurried(encoding, begin(), bounds, deadline, largest)
            return Body(encoding, most, self._room)

        started = time.perf_counter()
        try:
            async with asyncio.timeout(bounds.exchange) as deadline:
                reply = await engine.exchange(Request(method, url, headers, content, body))
        except (Broken, Undecodable, TimeoutError) as error:
            raise _no_answer(error, url, bounds, time.perf_counter() - started) from None
        seconds = time.perf_counter() - started
        if reply.status == _PROXY_LOGIN and proxy_for(url) is not None:
            raise _refused_by_proxy(_PROXY_LOGIN, seconds)
        return Answer(reply.status, reply.headers, reply.content, seconds)

    def _engine_for(self, url: URL) -> Engine:
        origin = url.origin()
        engine = self._engines.get(origin)
        if engine is None:
            proxy = proxy_for(url)
            engine = self._all.get(proxy) or self._open(proxy)
            self._engines[origin] = self._all[proxy] = engine
        return engine

    def _open(self, proxy: str | None) -> Engine:
        # Each library is imported by whoever needs it: that takes longer than many requests.
        if proxy is None and self._direct == "aiohttp":
            from reconciler.http.aiohttp_engine import AiohttpEngine

            return AiohttpEngine(self._bounds, self._tls)
        from reconciler.http.httpx_engine import HttpxEngine

        return HttpxEngine(self._bounds, self._tls, proxy)


class _Unhurried(PassedOn):
    """A body that has time for every so many bytes as another body may have at most."""

    def __init__(
        self, encoding: str, taker: Taker, bounds: Bounds, deadline: asyncio.Timeout, largest: int | None
    ) -> None:
        super().__init__(encoding, bounds.passed_on if largest is None else min(largest, bounds.passed_on), taker)
        self._deadline = deadline
        self._bounds = bounds
        self._in_time = bounds.body

    def feed(self, part: bytes) -> None:
        super().feed(part)
        if self.size > self._in_time:
            # As fast as any other body has to come, it may go on.
            self._in_time += self._bounds.body
            self._deadline.reschedule(asyncio.get_running_loop().time() + self._bounds.exchange)


def _no_answer(error: Exception, url: URL, bounds: Bounds, seconds: float) -> NoAnswer:
    causes = list(_causes(error))
    through = "" if proxy_for(url) is None else " through the proxy of this environment"
    where = f"{_address(url)}{through}"
    sent = not isinstance(error, NotConnected)
    for cause in causes:
        # aiohttp has an error of its own that is one of these and does not say why.
        if isinstance(cause, ssl.SSLCertVerificationError) and (why := getattr(cause, "verify_message", None)):
            reason = f"the certificate of {url.host} is not trusted ({why}); see RECONCILER_CA_FILE"
            return NoAnswer(reason, sent=sent, hopeless=True, seconds=seconds)
        if isinstance(cause, socket.gaierror):
            return NoAnswer(
                f"no connection to {url.host}{through}: the host cannot be found", sent=sent, seconds=seconds
            )
    if isinstance(error, NotConnectedInTime):
        reason = f"no connection to {where} within {bounds.connect:g} s"
    elif isinstance(error, Silent):
        reason = f"no answer within {bounds.read:g} s"
    elif isinstance(error, TimeoutError):
        reason = f"no complete answer within {bounds.exchange:g} s"
    elif isinstance(error, Undecodable):
        large = isinstance(error, TooLarge)
        step = _TOO_LARGE if large else None
        return NoAnswer(str(error), sent=True, hopeless=True, seconds=seconds, too_large=large, next_step=step)
    elif isinstance(error, NoTunnel):
        return _refused_by_proxy(error.status, seconds)
    elif not sent:
        reason = f"no connection to {where}: {_plain(causes)}"
        if is_loopback(url.host or "") and any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            return NoAnswer(reason, sent=False, seconds=seconds, refused_here=True)
    else:
        reason = f"the connection broke: {_plain(causes)}"
    return NoAnswer(reason, sent=sent, seconds=seconds)


def _address(url: URL) -> str:
    return f"[{url.host}]:{url.port}" if ":" in (url.host or "") else f"{url.host}:{url.port}"


def _refused_by_proxy(status: int, seconds: float) -> NoAnswer:
    """Say that it was the proxy, and not the API, that answered: nothing of the request went further."""
    if status == _PROXY_LOGIN:
        reason = f"the proxy of this environment asks for a user and a password (HTTP {status})"
        step = "Write user and password into HTTPS_PROXY, HTTP_PROXY or ALL_PROXY: http://user:password@host:port."
    else:
        reason = f"the proxy of this environment opens no connection (HTTP {status})"
        step = "Let the proxy pass this host, or name the host in NO_PROXY."
    return NoAnswer(reason, sent=False, hopeless=status < 500, seconds=seconds, next_step=step)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _plain(causes: list[BaseException]) -> str:
    """Say it in the operating system's words where it has some."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno:
            with contextlib.suppress(ValueError):
                return os.strerror(cause.errno)
    return "it was closed too early, or what came is no HTTP"
