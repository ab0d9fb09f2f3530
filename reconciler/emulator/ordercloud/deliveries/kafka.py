"""Senders over Kafka's protocol: to brokers, and to an event hub through its Kafka endpoint.

documented by Microsoft: the endpoint is port 9093 of the namespace, the user is `$ConnectionString`, and what AMQP
calls an application property comes out of Kafka's side as a record header whose value is still in AMQP's encoding.
inferred: OrderCloud writes over AMQP, so the header is encoded here; by switch it is not.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.emulator.ordercloud.deliveries.log import DeliverySetting
from reconciler.emulator.ordercloud.deliveries.sending import (
    Outgoing,
    Route,
    SendFailed,
    connection_parts,
)
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.outgoing import is_loopback
from reconciler.emulator.switches import Switches
from reconciler.extras import how_to_install

if TYPE_CHECKING:
    from confluent_kafka import Producer

_PRODUCERS = 16
_TICK = 0.05
_EVENT_HUBS_PORT, _EVENT_HUBS_EMULATOR_PORT = 9093, 9092
_silent = logging.getLogger(f"{__name__}.librdkafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class Brokers(Struct, frozen=True):
    """Where brokers are and how to log in.

    Args:
        servers: `host:port,…`.
        user: empty for none.
        password: of that user.
        local: whether all of them are this machine, where brokers for tests know no login.
        development: whether it is Microsoft's emulator of Event Hubs, which does.
    """

    servers: str
    user: str
    password: str
    local: bool
    development: bool = False

    def __repr__(self) -> str:
        """Name no password."""
        return f"Brokers({self.servers!r})"

    def config(self, setting: DeliverySetting) -> dict[str, Any]:
        """Return librdkafka's configuration. inferred: SASL/PLAIN over TLS; a target has user and password only."""
        protocol = setting.kafka_security
        if protocol == "auto":
            protocol = "plaintext" if self.local or not self.user else "sasl_ssl"
            protocol = "sasl_plaintext" if self.local and self.development else protocol
        found: dict[str, Any] = {
            "bootstrap.servers": self.servers,
            "security.protocol": protocol,
            "client.id": "emulator",
            "linger.ms": 0,
            "enable.idempotence": True,
            "message.timeout.ms": max(1, int(setting.timeout * 1000)),
            "socket.connection.setup.timeout.ms": max(1000, int(setting.timeout * 1000)),
        }
        if protocol.startswith("sasl"):
            found |= {"sasl.mechanism": "PLAIN", "sasl.username": self.user, "sasl.password": self.password}
        return found


class _Link:
    """A producer to some brokers, and what it last complained of."""

    def __init__(self, config: dict[str, Any]) -> None:
        from confluent_kafka import Producer

        self.trouble = ""
        self.producer: Producer = Producer({**config, "error_cb": self._complain}, logger=_silent)

    def _complain(self, error: Any) -> None:
        # That all are down says less than why one is.
        if not self.trouble or "brokers are down" not in error.str():
            self.trouble = error.str()


class KafkaSender:
    """Produces messages to `Kafka` targets."""

    def __init__(self) -> None:
        self._links: dict[tuple[tuple[str, Any], ...], _Link] = {}

    def route(self, target: JsonObject) -> Route:
        """Return where the brokers are."""
        brokers = self._brokers(target)
        shown = f"kafka://{brokers.servers}/{self._topic(target)}" if brokers.servers else ""
        return Route(shown, _hosts(brokers.servers))

    def body(self, message: Outgoing, switches: Switches) -> bytes:
        """Return the record's value: the envelope, or the payload where the type is a header."""
        return message.envelope if switches.delivery_kafka_layout == "envelope" else message.payload

    def headers(self, message: Outgoing, switches: Switches) -> list[tuple[str, bytes]]:
        """Return the record's headers."""
        names = {"envelope": (), "type_header": ("type",), "ce_type_header": ("ce_type",)}
        return [(name, message.type.encode()) for name in names[switches.delivery_kafka_layout]]

    def _brokers(self, target: JsonObject) -> Brokers:
        servers = ",".join(part.strip() for part in str(target["BootstrapServers"]).split(","))
        local = all(map(is_loopback, _hosts(servers)))
        return Brokers(servers, target.get("SaslUsername") or "", target.get("SaslPassword") or "", local)

    def _topic(self, target: JsonObject) -> str:
        return str(target["Topic"])

    async def send(
        self, target: JsonObject, message: Outgoing, setting: DeliverySetting, switches: Switches
    ) -> int | None:
        """Produce a message and wait until a broker has acknowledged it.

        inferred: that records are keyed by what they are about; by switch they have no key.

        Raises:
            SendFailed: none did, or the extra is not installed.
        """
        try:
            from confluent_kafka import KafkaException
        except ImportError:
            raise SendFailed(f"confluent-kafka is not installed. {how_to_install('kafka')}", again=False) from None
        try:
            link = self._link(self._brokers(target).config(setting))
        except KafkaException as error:
            raise SendFailed(f"the target cannot be used: {_said(error)}", again=False) from None
        keyed = switches.delivery_key == "record" and message.key
        outcome: list[Any] = []
        try:
            link.producer.produce(
                self._topic(target),
                self.body(message, switches),
                key=message.key.encode() if keyed else None,
                headers=list(self.headers(message, switches)),
                on_delivery=lambda error, _message: outcome.append(error),
            )
        except (KafkaException, BufferError) as error:
            raise SendFailed(f"not produced: {_said(error)}") from None
        # The producer gives up by itself; a little later this does, should it not say so.
        end = time.monotonic() + setting.timeout + 2
        while not outcome and time.monotonic() < end:
            await asyncio.to_thread(link.producer.poll, _TICK)
        if not outcome or outcome[0] is not None:
            why = outcome[0].str() if outcome else "no answer"
            raise SendFailed(f"{why}: {link.trouble}" if link.trouble else why)
        link.trouble = ""
        return None

    def _link(self, config: dict[str, Any]) -> _Link:
        key = tuple(config.items())
        if key not in self._links:
            if len(self._links) >= _PRODUCERS:
                self._links.pop(next(iter(self._links)))
            self._links[key] = _Link(config)
        return self._links[key]

    def close(self) -> None:
        """Let go of the producers; what they still hold is lost."""
        links = list(self._links.values())
        self._links.clear()
        for link in links:
            link.producer.purge()


class EventHubSender(KafkaSender):
    """Produces messages to `EventHub` targets, through the hub's Kafka endpoint."""

    def _brokers(self, target: JsonObject) -> Brokers:
        text = str(target.get("ConnectionString") or "")
        try:
            endpoint = urlsplit(connection_parts(text).get("endpoint", ""))
            host, port = (endpoint.hostname or "").lower(), endpoint.port
        except ValueError:
            host, port = "", None
        local = is_loopback(host)
        # documented: Microsoft's emulator of Event Hubs has its Kafka endpoint at 9092, without TLS.
        port = port or (_EVENT_HUBS_EMULATOR_PORT if local else _EVENT_HUBS_PORT)
        # documented by Microsoft, as are port and login.
        development = connection_parts(text).get("usedevelopmentemulator", "").lower() == "true"
        return Brokers(f"{host}:{port}" if host else "", "$ConnectionString", text, local, development)

    def _topic(self, target: JsonObject) -> str:
        return str(target["EventHubName"])

    def body(self, message: Outgoing, switches: Switches) -> bytes:  # noqa: ARG002 (no switch changes it)
        """Return the payload: the type is a property of the event."""
        return message.payload

    def headers(self, message: Outgoing, switches: Switches) -> list[tuple[str, bytes]]:
        """Return the property `type` as a reader over Kafka's protocol sees it."""
        text = message.type.encode()
        return [("type", _amqp_text(text) if switches.delivery_event_hub_property == "amqp" else text)]


def _amqp_text(text: bytes) -> bytes:
    """Encode a text as AMQP 1.0 does: str8-utf8, or str32-utf8 where it is long."""
    return (b"\xa1" + bytes([len(text)]) if len(text) < 256 else b"\xb1" + struct.pack(">I", len(text))) + text


def _hosts(servers: str) -> tuple[str, ...]:
    """Return the hosts of `host:port,…`; none where one cannot be read."""
    found: Sequence[str] = [server.partition("://")[2] or server for server in servers.split(",")]
    hosts: list[str] = []
    for server in found:
        try:
            host = urlsplit(f"kafka://{server}").hostname
        except ValueError:
            host = None
        if not host:
            return ()
        hosts.append(host.lower())
    return tuple(hosts)


def _said(error: Exception) -> str:
    """Return what librdkafka says of an error, which is about a setting and never quotes a password."""
    inner = error.args[0] if error.args else error
    return inner.str() if hasattr(inner, "str") else type(error).__name__
