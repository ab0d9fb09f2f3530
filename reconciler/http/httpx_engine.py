"""Engine over httpx, for proxies and cassettes."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable

import httpx

from reconciler.http.engine import Bounds, Broken, NotConnected, NotConnectedInTime, NoTunnel, Reply, Request, Silent

# What fails before the first byte of the request has left.
_NOT_SENT = (httpx.ConnectError, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)
# How a proxy's refusal to open a tunnel begins.
_STATUS = re.compile(r"[1-9][0-9]{2}\b")


class HttpxEngine:
    """Keep-alive connections of httpx, through a proxy or without one.

    Every transport holds one connection, and the one used last is used first. A pool of many connections inside one
    transport asks every idle socket on every request whether it still lives, which costs more than the request.

    Args:
        bounds: what one exchange may take.
        tls: makes the context for https, when it is first needed.
        proxy: URL of the proxy; None: none.
    """

    def __init__(self, bounds: Bounds, tls: Callable[[], ssl.SSLContext], proxy: str | None = None) -> None:
        self._tls = tls
        self._proxy = proxy
        read = bounds.read
        self._extensions = {"timeout": {"connect": bounds.connect, "read": read, "write": read, "pool": None}}
        self._idle: dict[object, list[httpx.AsyncHTTPTransport]] = {}
        self._all: set[httpx.AsyncHTTPTransport] = set()

    async def exchange(self, request: Request) -> Reply:
        """Send a request and read its answer; see `Engine`."""
        idle = self._idle.setdefault(request.url.origin(), [])
        transport = idle.pop() if idle else self._open(request.url.scheme)
        sent = httpx.Request(
            request.method,
            str(request.url),
            headers=request.headers,
            content=request.content,
            extensions=self._extensions,
        )
        is_whole = False
        try:
            response = await transport.handle_async_request(sent)
            try:
                with request.begin(response.status_code, response.headers) as body:
                    async for part in response.aiter_raw():
                        body.feed(part)
                    reply = Reply(response.status_code, response.headers, body.finish())
            finally:
                await response.aclose()
            is_whole = True
        except httpx.TransportError as error:
            raise _told(error) from error
        finally:
            if is_whole:
                idle.append(transport)
            else:
                # Cut off at the wrong moment it counts as busy for ever, and the next request would wait for it.
                self._all.discard(transport)
                await transport.aclose()
        return reply

    async def aclose(self) -> None:
        """Close every connection."""
        self._idle.clear()
        while self._all:
            await self._all.pop().aclose()

    def _open(self, scheme: str) -> httpx.AsyncHTTPTransport:
        proxy = None if self._proxy is None else httpx.Proxy(self._proxy)
        if proxy is not None and proxy.url.scheme == "https":
            proxy.ssl_context = self._tls()
        # Plain HTTP needs no certificates, and loading them takes longer than many requests.
        verify = self._tls() if scheme == "https" else False
        transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=_ONE, proxy=proxy)
        self._all.add(transport)
        return transport


def _told(error: httpx.TransportError) -> Broken:
    if isinstance(error, httpx.ConnectTimeout):
        return NotConnectedInTime()
    if isinstance(error, httpx.ProxyError) and (status := _STATUS.match(str(error))):
        return NoTunnel(int(status[0]))
    if isinstance(error, _NOT_SENT):
        return NotConnected()
    return Silent() if isinstance(error, httpx.TimeoutException) else Broken()
