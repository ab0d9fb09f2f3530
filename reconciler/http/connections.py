"""Open connections: httpx's transport, proxies, private CAs, timeouts. The one place that sends bytes."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler.errors import LoadError
from reconciler.http.decoding import Body, PassedOn, Room, Taker, TooLarge, Undecodable
from reconciler.http.retry import Answer, NoAnswer

# What fails before the first byte of the request has left.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)
_PROXY_LOGIN = 407
_TOO_LARGE = "reconciler reads no more than that in one answer: see what it is there that is so large."
# How a proxy's refusal to open a tunnel begins.
_STATUS = re.compile(r"[1-9][0-9]{2}\b")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of one exchange: time and size.

    Args:
        connect: seconds to a connection.
        read: seconds between two pieces of an answer.
        exchange: seconds for all of it: a body that drips in forever keeps every single read in time.
        body: bytes of a body, decompressed; all bodies that are coming may have twice as many together.
        passed_on: bytes of a body of which nothing is kept, decompressed. It has the time of an exchange for every so
            many bytes as another body may have.
    """

    connect: float = 10
    read: float = 60
    exchange: float = 300
    body: int = 64 * 1024 * 1024
    passed_on: int = 1024 * 1024 * 1024


class Connections:
    """Keep-alive connections that all clients of one event loop can share; close it after them.

    Every transport holds one connection, and the one used last is used first. A pool of many connections inside one
    transport asks every idle socket on every request whether it still lives, which costs more than the request.

    Args:
        bounds: what one exchange may take.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._room = Room(2 * self._bounds.body)
        read = self._bounds.read
        self._extensions = {"timeout": {"connect": self._bounds.connect, "read": read, "write": read, "pool": None}}
        self._idle: dict[tuple[str, str, int | None], list[httpx.AsyncHTTPTransport]] = {}
        self._all: set[httpx.AsyncHTTPTransport] = set()
        self._tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        self._idle.clear()
        while self._all:
            await self._all.pop().aclose()

    async def send(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        content: bytes | None,
        largest: int | None = None,
        begin: Callable[[], Taker] | None = None,
    ) -> Answer:
        """Send one request and read its answer, whatever its status. Redirects are not followed.

        Args:
            method: of the request.
            url: where to.
            headers: all of them.
            content: the body; None: there is none.
            largest: bytes that the answer may have, where that is less than the bound of every answer.
            begin: makes what takes the body of a success as it comes, which is not in the answer then; None: it is.

        Raises:
            NoAnswer: no complete answer came; what was taken of it so far is worth nothing.
            LoadError: a CA file that the environment names cannot be read.
        """
        origin = (url.scheme, url.host, url.port)
        idle = self._idle.setdefault(origin, [])
        transport = idle.pop() if idle else self._open(url)
        request = httpx.Request(method, url, headers=headers, content=content, extensions=self._extensions)
        started = time.perf_counter()
        is_whole = False
        try:
            async with asyncio.timeout(self._bounds.exchange) as deadline:
                response = await transport.handle_async_request(request)
                try:
                    if begin is not None and response.is_success:
                        body = await self._pass_on(response, begin(), deadline)
                    else:
                        body = await self._read(response, largest)
                finally:
                    await response.aclose()
            is_whole = True
        except (httpx.TransportError, Undecodable, TimeoutError) as error:
            raise _no_answer(error, url, self._bounds, time.perf_counter() - started) from None
        finally:
            if is_whole:
                idle.append(transport)
            else:
                # Cut off at the wrong moment it counts as busy for ever, and the next request would wait for it.
                self._all.discard(transport)
                await transport.aclose()
        seconds = time.perf_counter() - started
        if response.status_code == _PROXY_LOGIN and _proxy_for(url) is not None:
            raise _refused_by_proxy(_PROXY_LOGIN, seconds)
        return Answer(response.status_code, response.headers, body, seconds)

    async def _read(self, response: httpx.Response, largest: int | None) -> bytes:
        most = self._bounds.body if largest is None else min(largest, self._bounds.body)
        with Body(response.headers.get("content-encoding", ""), most, self._room) as body:
            async for part in response.aiter_raw():
                body.feed(part)
            return body.finish()

    async def _pass_on(self, response: httpx.Response, taker: Taker, deadline: asyncio.Timeout) -> bytes:
        bounds, loop = self._bounds, asyncio.get_running_loop()
        in_time = bounds.body
        body = PassedOn(response.headers.get("content-encoding", ""), bounds.passed_on, taker)
        async for part in response.aiter_raw():
            body.feed(part)
            if body.size > in_time:
                # As fast as any other body has to come, it may go on.
                in_time += bounds.body
                deadline.reschedule(loop.time() + bounds.exchange)
        return body.finish()

    def _open(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        proxy = _proxy_for(url)
        secure = url.scheme == "https" or (proxy is not None and proxy.url.scheme == "https")
        if secure and self._tls is None:
            self._tls = _tls_context()
        if proxy is not None and proxy.url.scheme == "https":
            proxy.ssl_context = self._tls
        # Plain HTTP needs no certificates, and loading them takes longer than many requests.
        verify = self._tls if secure and self._tls is not None else False
        transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=_ONE, proxy=proxy)
        self._all.add(transport)
        return transport


def _tls_context() -> ssl.SSLContext:
    """Trust the usual CAs, or those of SSL_CERT_FILE / SSL_CERT_DIR, and those of RECONCILER_CA_FILE as well."""
    extra = os.environ.get("RECONCILER_CA_FILE")
    try:
        context = httpx.create_ssl_context()
        if extra:
            context.load_verify_locations(cafile=extra)
    except OSError as error:
        raise LoadError(
            f"cannot load the CA certificates: {error.strerror or error}",
            next_step="Check RECONCILER_CA_FILE, SSL_CERT_FILE and SSL_CERT_DIR: PEM files that can be read.",
        ) from error
    return context


def _proxy_for(url: httpx.URL) -> httpx.Proxy | None:
    """Return the proxy that the environment sets for this host. Loopback never goes through one."""
    if _is_loopback(url.host) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address:
        return None
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        proxy = None
    if proxy is None or proxy.url.scheme not in ("http", "https") or not proxy.url.host:
        # The address may hold a password: it is not repeated.
        raise LoadError(
            f"the proxy that the environment sets for {url.scheme} is not a URL we can use",
            next_step="Set HTTPS_PROXY, HTTP_PROXY or ALL_PROXY to an http:// or https:// URL.",
        )
    return proxy


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _no_answer(error: Exception, url: httpx.URL, bounds: Bounds, seconds: float) -> NoAnswer:
    causes = list(_causes(error))
    through = "" if _proxy_for(url) is None else " through the proxy of this environment"
    where = f"{_address(url)}{through}"
    sent = not isinstance(error, _NOT_SENT)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = f"the certificate of {url.host} is not trusted ({cause.verify_message}); see RECONCILER_CA_FILE"
            return NoAnswer(reason, sent=sent, hopeless=True, seconds=seconds)
        if isinstance(cause, socket.gaierror):
            return NoAnswer(
                f"no connection to {url.host}{through}: the host cannot be found", sent=sent, seconds=seconds
            )
    if isinstance(error, httpx.ConnectTimeout):
        reason = f"no connection to {where} within {bounds.connect:g} s"
    elif isinstance(error, httpx.TimeoutException):
        reason = f"no answer within {bounds.read:g} s"
    elif isinstance(error, TimeoutError):
        reason = f"no complete answer within {bounds.exchange:g} s"
    elif isinstance(error, Undecodable):
        large = isinstance(error, TooLarge)
        step = _TOO_LARGE if large else None
        return NoAnswer(str(error), sent=True, hopeless=True, seconds=seconds, too_large=large, next_step=step)
    elif isinstance(error, httpx.ProxyError) and (status := _STATUS.match(str(error))):
        return _refused_by_proxy(int(status[0]), seconds)
    elif not sent:
        reason = f"no connection to {where}: {_plain(causes)}"
        if _is_loopback(url.host) and any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            return NoAnswer(reason, sent=False, seconds=seconds, refused_here=True)
    else:
        reason = f"the connection broke: {_plain(causes)}"
    return NoAnswer(reason, sent=sent, seconds=seconds)


def _address(url: httpx.URL) -> str:
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{url.port or (443 if url.scheme == 'https' else 80)}"


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
    """Say it in the operating system's words where it has some, else name the protocol error."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno:
            with contextlib.suppress(ValueError):
                return os.strerror(cause.errno)
    return type(causes[0]).__name__
