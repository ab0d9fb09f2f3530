"""Calls that the emulator makes over HTTP. It shares no HTTP client with what it is there to test."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import ssl
from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, urlsplit

import h11
from msgspec import Struct

_READ_AT_ONCE = 65_536
_LARGEST_ANSWER = 64 * 1024 * 1024


class CallFailed(Exception):
    """Failed call without an answer; its text says why. No error of ours: lists and reports show it."""


class Reply(Struct, frozen=True):
    """Answer to a call: its status, and its body."""

    status: int
    body: bytes = b""


def split(url: str) -> SplitResult | None:
    """Split a URL that can be called; None where it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def is_let_through(hosts: Sequence[str], allowed: Sequence[str]) -> bool:
    """Return whether the emulator may call all of these hosts: the loopback, or such as somebody allowed by a glob."""
    return bool(hosts) and all(is_loopback(host) or _is_allowed(host, allowed) for host in hosts)


def hosts_of(url: str) -> tuple[str, ...]:
    """Return the one host of a URL in lower case; none where it is no URL."""
    parts = split(url)
    return () if parts is None else ((parts.hostname or "").lower(),)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _is_allowed(host: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(host, glob.lower()) for glob in globs)


async def call(
    method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, seconds: float, *, whole: bool = True
) -> Reply:
    """Call a URL and return the answer. Redirects are not followed.

    Args:
        method: upper case.
        url: where to.
        headers: beside Host, Content-Length and Connection.
        body: as it goes over the wire.
        seconds: for all of it.
        whole: whether the answer's body is wanted; else the call ends with its headers.

    Raises:
        CallFailed: there was no answer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _call(method, url, headers, body, whole=whole)
    except TimeoutError as error:
        raise CallFailed(f"no answer within {seconds:g} s") from error
    except h11.ProtocolError as error:
        raise CallFailed(f"no HTTP: {error}") from error
    except ssl.SSLError as error:
        raise CallFailed(f"TLS failed: {error.reason}") from error
    except ValueError as error:
        raise CallFailed("the URL or a header has characters that cannot be sent") from error
    except OSError as error:
        raise CallFailed(f"no connection: {error.strerror or type(error).__name__}") from error


async def _call(method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, *, whole: bool) -> Reply:
    parts = split(url)
    if parts is None:
        raise CallFailed("no URL")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    tls = _tls() if secure else None
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
    try:
        connection = h11.Connection(h11.CLIENT)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = [("Host", parts.netloc.rpartition("@")[2]), ("Content-Length", str(len(body))), ("Connection", "close")]
        request = h11.Request(method=method, target=target, headers=[*own, *headers])
        parcels = (request, h11.Data(data=body), h11.EndOfMessage())
        writer.write(b"".join(connection.send(parcel) or b"" for parcel in parcels))
        await writer.drain()
        return await _read(connection, reader, whole=whole)
    finally:
        writer.close()


async def _read(connection: h11.Connection, reader: asyncio.StreamReader, *, whole: bool) -> Reply:
    status, found, size = 0, [], 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_AT_ONCE))
        elif isinstance(event, h11.Response):
            status = event.status_code
            if not whole:
                return Reply(status)
        elif isinstance(event, h11.Data):
            found.append(bytes(event.data))
            size += len(event.data)
            if size > _LARGEST_ANSWER:
                raise CallFailed("the answer is too large")
        elif isinstance(event, h11.EndOfMessage):
            return Reply(status, b"".join(found))
        elif not isinstance(event, h11.InformationalResponse):
            raise CallFailed("the connection was closed without an answer")


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
