"""What senders to targets have in common: the message, where it goes, and why it did not get there."""

from __future__ import annotations

from typing import Any, Protocol

import orjson
from msgspec import Struct

from reconciler.emulator.ordercloud.deliveries.log import DeliverySetting
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.switches import Switches


class Outgoing(Struct, frozen=True):
    """A message as it is sent, however often and wherever to.

    Args:
        type: what it is, with the vendor's prefix.
        payload: JSON text.
        key: of the record that it is about; the same for all of its messages. Empty for an error notice.
    """

    type: str
    payload: bytes
    key: str = ""

    @classmethod
    def of(cls, message_type: str, payload: Any, key: str = "") -> Outgoing:
        """Return a message of this type and payload, which may change afterwards."""
        return cls(message_type, orjson.dumps(payload), key)

    @property
    def envelope(self) -> bytes:
        """Return it in the envelope that HTTP targets get: its type and its payload."""
        return b'{"Headers":{"type":%b},"Payload":%b}' % (orjson.dumps(self.type), self.payload)


class Route(Struct, frozen=True):
    """Where a target is: as the list shows it, without what may be secret, and the hosts that it leads to."""

    shown: str
    hosts: tuple[str, ...]


class SendFailed(Exception):
    """A message did not get there; the text says why. No error of ours: a list of deliveries shows it.

    Args:
        why: without a secret.
        again: whether it can get there later.
        status: of the HTTP answer, if there was one.
    """

    def __init__(self, why: str, *, again: bool = True, status: int | None = None) -> None:
        super().__init__(why)
        self.again = again
        self.status = status


class Sender(Protocol):
    """Sends messages to targets of one kind."""

    def route(self, target: JsonObject) -> Route:
        """Return where a target is."""

    def body(self, message: Outgoing, switches: Switches) -> bytes:
        """Return what goes over the wire as the message's body."""

    async def send(
        self, target: JsonObject, message: Outgoing, setting: DeliverySetting, switches: Switches
    ) -> int | None:
        """Send a message and return the HTTP status of the answer, where there is one.

        Raises:
            SendFailed: it was not taken.
        """

    def close(self) -> None:
        """Let go of connections; another message opens them anew."""


def connection_parts(text: str) -> dict[str, str]:
    """Return the parts of an Azure connection string by name in lower case; what is no part is left out."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
