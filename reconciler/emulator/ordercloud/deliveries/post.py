"""Sender over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.emulator.ordercloud.deliveries.log import DeliverySetting
from reconciler.emulator.ordercloud.deliveries.sending import Outgoing, Route, SendFailed
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.ordercloud.signature import signed_headers
from reconciler.emulator.outgoing import CallFailed, call, hosts_of, split
from reconciler.emulator.switches import Switches

# inferred: after which answers a message is sent again. What answers 4xx else will not answer otherwise.
_TRIED_AGAIN = frozenset({408, 425, 429})


class HttpSender:
    """Posts messages to `Http` targets, signed."""

    def route(self, target: JsonObject) -> Route:
        """Return where the endpoint is."""
        url = str(target["Endpoint"])
        return Route(shown(url), hosts_of(url))

    def body(self, message: Outgoing, switches: Switches) -> bytes:  # noqa: ARG002 (no switch changes it)
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
        headers = signed_headers(body, target.get("Secret"), target)
        status = await post(target["Endpoint"], headers, body, setting.timeout)
        if not 200 <= status < 300:
            raise SendFailed("", again=status >= 500 or status in _TRIED_AGAIN, status=status)
        return status

    def close(self) -> None:
        """Do nothing: every message has a connection of its own."""


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
