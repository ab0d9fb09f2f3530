"""Sender over HTTP. The emulator shares no HTTP client with what it is there to test."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import ssl
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

import h11

from reconciler.emulator.ordercloud.deliveries.log import DeliverySetting
from reconciler.emulator.ordercloud.deliveries.sending import Outgoing, Route, SendFailed
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.switches import Switches

_READ_AT_ONCE = 65_536
# inferred: after which answers a message is sent again. What answers 4xx else will not answer otherwise.
_TRIED_AGAIN = frozenset({408, 425, 429})


class HttpSender:
    """Posts messages to `Http` targets, signed."""

    def route(self, target: JsonObject) -> Route:
        """Return where the endpoint is."""
        url = str(target["Endpoint"])
        parts = split(url)
        return Route(shown(url), () if parts is None else ((parts.hostname or "").lower(),))

    def body(self, message: Outgoing, switches: Switches) -> bytes:  # noqa: ARG002 (it is known here)
        """Return type and payload in one JSON object."""
        return message.envelope

    async def send(
        self, target: JsonObject, message: Outgoing, setting: DeliverySetting, switches: Switches
    ) -> int | None:
        """Post a message.

        Raises:
            SendFailed: it was not answered by 2xx.
        """
        body = self.body(message, switches)
        status = await post(target["Endpoint"], _headers(target, body), body, setting.timeout)
        if not 200 <= status < 300:
            raise SendFailed("", again=status >= 500 or status in _TRIED_AGAIN, status=status)
        return status

    def close(self) -> None:
        """Do nothing: every message has a connection of its own."""


def _headers(target: JsonObject, body: bytes) -> list[tuple[str, str]]:
    """Return the headers of a message. inferred: the hash, as webhooks have it; the content type."""
    found = [("Content-Type", "application/json")]
    if target.get("Secret"):
        digest = hmac.new(target["Secret"].encode(), body, hashlib.sha256).digest()
        found.append(("X-oc-hash", base64.b64encode(digest).decode()))
    name = target.get("CustomAuthHeaderName")
    if name:
        found.append((name, target.get("CustomAuthHeaderValue") or ""))
    return found


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


async def post(url: str, headers: Sequence[tuple[str, str]], body: bytes, seconds: float) -> int:
    """Post a body and return the status of the answer. Redirects are not followed.

    Args:
        url: where to.
        headers: beside Host, Content-Length and Connection.
        body: as it goes over the wire.
        seconds: for all of it.

    Raises:
        SendFailed: there was no answer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _post(url, headers, body)
    except TimeoutError as error:
        raise SendFailed(f"no answer within {seconds:g} s") from error
    except h11.ProtocolError as error:
        raise SendFailed(f"no HTTP: {error}") from error
    except ssl.SSLError as error:
        raise SendFailed(f"TLS failed: {error.reason}") from error
    except ValueError as error:
        raise SendFailed("the URL or a header has characters that cannot be sent") from error
    except OSError as error:
        raise SendFailed(f"no connection: {error.strerror or type(error).__name__}") from error


async def _post(url: str, headers: Sequence[tuple[str, str]], body: bytes) -> int:
    parts = split(url)
    if parts is None:
        raise SendFailed("no URL")
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
                raise SendFailed("the connection was closed without an answer")
    finally:
        writer.close()


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
