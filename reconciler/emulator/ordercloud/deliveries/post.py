"""POST of a message over HTTP. The emulator shares no HTTP client with what it is there to test."""

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

_READ_AT_ONCE = 65_536


class PostFailed(Exception):
    """Failed POST without an answer; its text says why. No error of ours: a list of deliveries shows it."""


def split(url: str) -> SplitResult | None:
    """Split a URL that messages can be posted to; None where it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def shown(url: str) -> str:
    """Return a URL without what may be secret in it: user, password and query."""
    parts = split(url)
    if parts is None:
        return ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path}"


def is_let_through(url: str, hosts: Sequence[str]) -> bool:
    """Return whether the emulator may post to a host: the loopback, or one that somebody allowed by a glob."""
    parts = split(url)
    host = "" if parts is None else (parts.hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return True
    return any(fnmatchcase(host, glob.lower()) for glob in hosts)


async def post(url: str, headers: Sequence[tuple[str, str]], body: bytes, seconds: float) -> int:
    """Post a body and return the status of the answer. Redirects are not followed.

    Args:
        url: where to.
        headers: beside Host, Content-Length and Connection.
        body: as it goes over the wire.
        seconds: for all of it.

    Raises:
        PostFailed: there was no answer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _post(url, headers, body)
    except TimeoutError as error:
        raise PostFailed(f"no answer within {seconds:g} s") from error
    except h11.ProtocolError as error:
        raise PostFailed(f"no HTTP: {error}") from error
    except ssl.SSLError as error:
        raise PostFailed(f"TLS failed: {error.reason}") from error
    except ValueError as error:
        raise PostFailed("the URL or a header has characters that cannot be sent") from error
    except OSError as error:
        raise PostFailed(f"no connection: {error.strerror or type(error).__name__}") from error


async def _post(url: str, headers: Sequence[tuple[str, str]], body: bytes) -> int:
    parts = split(url)
    if parts is None:
        raise PostFailed("no URL")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    tls = _tls() if secure else None
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
    try:
        connection = h11.Connection(h11.CLIENT)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = [("Host", parts.netloc.rpartition("@")[2]), ("Content-Length", str(len(body))), ("Connection", "close")]
        request = h11.Request(method="POST", target=target, headers=[*own, *headers])
        parcels = (request, h11.Data(data=body), h11.EndOfMessage())
        writer.write(b"".join(connection.send(parcel) or b"" for parcel in parcels))
        await writer.drain()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_READ_AT_ONCE))
            elif isinstance(event, h11.Response):
                return event.status_code
            elif not isinstance(event, h11.InformationalResponse):
                raise PostFailed("the connection was closed without an answer")
    finally:
        writer.close()


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
