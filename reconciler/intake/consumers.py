"""Consumers of an environment's service: from what its manifest says to what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b

from msgspec import Struct

from reconciler.errors import Problem
from reconciler.hosts import host_allowed, is_loopback
from reconciler.intake.addresses import Address, NoAddress, blob_address, hub_address
from reconciler.intake.blob import BlobSettings, BlobSource
from reconciler.intake.consumer import Consumer, ConsumerStatus, Source, Takes
from reconciler.intake.kafka import KafkaSettings, KafkaSource
from reconciler.ledger.data.fetched import FetchedStore
from reconciler.manifest.connection import Service
from reconciler.manifest.consumers import BlobConsumer, EventHubConsumer, KafkaConsumer
from reconciler.manifest.hosts import hosts_of
from reconciler.secret import Secret
from reconciler.words import parse_duration

CA_FILE = "RECONCILER_CA_FILE"
_USER = "$ConnectionString"
"""documented by Microsoft: the user of Event Hubs' Kafka endpoint; its password is the connection string."""
StoreOf = Callable[[str], FetchedStore]
"""Returns what the ledger knows of a place."""


class _Place(Struct, frozen=True):
    """Where one consumer reads: what two must not share, and what people call it.

    A host that comes out of a connection string is a part of a secret: `hidden`, and not in what is shown.
    """

    kind: str
    identity: tuple[str, ...]
    parts: frozenset[str]
    shown: str
    data_sync: str
    hidden: tuple[str, ...] = ()


def consumers_of(
    section: Service, inboxes: Mapping[str, Takes], store: StoreOf, *, ca_file: str | None = None
) -> list[Consumer]:
    """Return the consumers that a service has, none of them running yet.

    Args:
        section: `spec.service`, whose problems were looked for.
        inboxes: by the name of the data sync.
        store: returns what the ledger knows of a place that keeps what it gave.
        ca_file: PEM file of authorities; None: those of the machine.

    Raises:
        SecretUnset: a connection string is not set.
    """
    found: list[Consumer] = []
    for number, consumer in enumerate(section.settings.consumers):
        path = ("consumers", number, consumer.section)
        source: Source
        if consumer.kafka is not None:
            place, source = _kafka(consumer.kafka, section.sealed.get((*path, "password")), ca_file)
        elif consumer.event_hub is not None:
            place, source = _event_hub(consumer.event_hub, section.sealed[*path, "connectionString"], ca_file)
        else:
            assert consumer.azure_blob is not None  # noqa: S101 (for the type checker)
            place, source = _blob(consumer.azure_blob, section.sealed[*path, "connectionString"], store)
        alike = any(each.status.name == place.shown for each in found)
        name = f"{place.shown} #{number + 1}" if alike else place.shown
        found.append(Consumer(ConsumerStatus(name, place.data_sync), source, inboxes[place.data_sync]))
    return found


def _kafka(of: KafkaConsumer, password: Secret | None, ca_file: str | None) -> tuple[_Place, KafkaSource]:
    settings = KafkaSettings(
        servers=of.bootstrap_servers,
        topics=tuple(of.topics),
        group=of.group,
        tls=of.tls,
        mechanism=of.mechanism,
        username=of.username,
        password=password,
        start=of.start_at,
        max_message=of.max_message,
        ca_file=ca_file,
    )
    return _kafka_place(of), KafkaSource(settings)


def _event_hub(of: EventHubConsumer, secret: Secret, ca_file: str | None) -> tuple[_Place, KafkaSource]:
    place, address = _hub_place(of, secret)
    settings = KafkaSettings(
        servers=address.shown,
        topics=(of.name,),
        group=of.group,
        tls=address.secure,
        username=_USER if address.login else None,
        password=secret if address.login else None,
        start=of.start_at,
        max_message=of.max_message,
        ca_file=ca_file,
        hidden=place.hidden,
    )
    return place, KafkaSource(settings)


def _blob(of: BlobConsumer, secret: Secret, store: StoreOf) -> tuple[_Place, BlobSource]:
    place = _blob_place(of, secret)[0]
    settings = BlobSettings(
        connection_string=secret,
        container=of.container,
        prefix=of.prefix,
        interval=parse_duration(of.interval).total_seconds(),
        afterwards=of.afterwards,
        max_message=of.max_message,
        hidden=place.hidden,
    )
    account = blake2b("".join(place.identity).encode(), digest_size=8).hexdigest()
    return place, BlobSource(settings, store(f"{of.data_sync}: {place.shown} {account}"))


def _kafka_place(of: KafkaConsumer) -> _Place:
    shown = f"kafka {of.bootstrap_servers} {','.join(of.topics)}"
    return _Place("kafka", (of.bootstrap_servers.lower(), of.group), frozenset(of.topics), shown, of.data_sync)


def _hub_place(of: EventHubConsumer, secret: Secret) -> tuple[_Place, Address]:
    address = hub_address(secret.reveal(), of.name)
    identity, shown = (address.shown, of.group), f"event hub {of.name}"
    return _Place("kafka", identity, frozenset({of.name}), shown, of.data_sync, (address.host,)), address


def _blob_place(of: BlobConsumer, secret: Secret) -> tuple[_Place, Address]:
    address = blob_address(secret.reveal())
    identity, shown = (address.shown, address.path, of.container), f"blobs {of.container}/{of.prefix}"
    parts = frozenset({of.prefix} if of.afterwards == "delete" else ())
    return _Place("blob", identity, parts, shown, of.data_sync, (address.host,)), address


def problems(section: Service, environment: str, allowed: tuple[str, ...] | None) -> Iterator[Problem]:
    """Yield what is wrong with the consumers of a service, with its place. Secrets that are not set are others' matter.

    A manifest chooses the host that a password goes to, so it has to be one of `targetHosts`: brokers and containers
    are those that OrderCloud delivers to.

    Args:
        section: `spec.service`.
        environment: its name.
        allowed: `targetHosts`; None: there are none.
    """
    places: list[_Place] = []
    for number, consumer in enumerate(section.settings.consumers):
        path = ("consumers", number, consumer.section)
        subject = f"Environment {environment}: the consumer of {consumer.section}"
        place: _Place | None = None
        if consumer.kafka is not None:
            yield from _brokers(consumer.kafka, section, path, subject, allowed)
            place = _kafka_place(consumer.kafka)
        else:
            at = (*path, "connectionString")
            secret = section.sealed[at]
            if not secret.is_set:
                continue
            try:
                place, address = (
                    _hub_place(consumer.event_hub, secret)
                    if consumer.event_hub is not None
                    else _blob_place(consumer.azure_blob, secret)  # type: ignore[arg-type]
                )
            except NoAddress as error:
                hint = "Copy it from the portal as it is."
                yield Problem("bad-value", f"{subject}: connectionString {error}", section.place(at), None, hint)
                continue
            local = is_loopback(address.host)
            if not local and allowed is not None and not host_allowed(address.host, allowed):
                message = f"{subject}: connectionString points outside targetHosts"
                yield Problem("host-not-allowed", message, section.place(at), None, "Add the host to targetHosts.")
            if not local and not address.secure:
                message = f"{subject} would send its signature in the clear"
                yield Problem("bad-value", message, section.place(at), None, "Write https:// in the endpoint.")
        for other in places:
            if (
                (other.kind, other.identity) == (place.kind, place.identity)
                and other.data_sync != place.data_sync
                and (other.parts & place.parts or (place.kind == "blob" and (other.parts or place.parts)))
            ):
                message = f"{subject} takes from {place.shown} what is for DataSync {other.data_sync} too"
                hint = "Give each a group or a container of its own." if place.kind == "kafka" else "Keep the blobs."
                yield Problem("bad-value", message, section.place(path), None, hint)
        places.append(place)


def _brokers(
    of: KafkaConsumer, section: Service, path: tuple[str | int, ...], subject: str, allowed: tuple[str, ...] | None
) -> Iterator[Problem]:
    at = section.place((*path, "bootstrapServers"))
    hosts = hosts_of(of.bootstrap_servers, "brokers")
    if hosts is None:
        message = f"{subject}: bootstrapServers are no brokers"
        yield Problem("bad-value", message, at, None, "Write host:port, separated by commas.")
    for host in hosts or ():
        if is_loopback(host):
            continue
        if allowed is not None and not host_allowed(host, allowed):
            message = f"{subject} connects to {host}, outside targetHosts"
            yield Problem("host-not-allowed", message, at, host, "Add the host to targetHosts.")
        if of.password is not None and not of.tls:
            message = f"{subject} would send its password in the clear"
            yield Problem("bad-value", message, section.place((*path, "tls")), None, "Leave out `tls: false`.")
