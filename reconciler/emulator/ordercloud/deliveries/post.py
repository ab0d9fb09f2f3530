"""Sender over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from reconciler.emulator.ordercloud.deliveries.log import DeliverySetting
from reconciler.emulator.ordercloud.deliveries.sending import Outgoing, Route, SendFailed
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.outgoing import CallFailed, call, split
from reconciler.emulator.switches import Switches

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
        return (await call("POST", url, headers, body, seconds, whole=False)).status
    except CallFailed as failure:
        raise SendFailed(str(failure)) from failure
