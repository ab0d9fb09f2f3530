"""Consumers log in over TLS, as Event Hubs and brokers off the loopback want it, and nobody is told their secrets."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.intake.consumer import Consumer, ConsumerStatus
from reconciler.intake.consumers import consumers_of
from reconciler.intake.kafka import KafkaSettings, KafkaSource
from reconciler.manifest.connection import Service
from reconciler.manifest.service import ServiceSettings
from reconciler.secret import Secret
from support.intake import Kept, happens, records, running, until
from support.kafka_cluster import Cluster, running_cluster
from support.kafka_login import Gate
from support.probing import make_certificate, server_tls

HUB = "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=aHVzaA=="
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the test's certificate")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def settings_of(consumer: dict[str, object], at: str, value: str) -> KafkaSettings:
    """What a manifest's consumer comes to, whose secret stands at `at`."""
    settings = ServiceSettings.model_validate({"consumers": [consumer]})
    (section,) = consumer
    sealed = {("consumers", 0, section, at): Secret("${secret:X}", lambda: value)}
    service = Service(settings, sealed, lambda _path: None)  # type: ignore[arg-type,return-value]
    (found,) = consumers_of(service, {"shop": Kept()}, lambda _: None)  # type: ignore[arg-type,return-value]
    assert isinstance(found.source, KafkaSource)
    return found.source._settings


def hub(name: str) -> KafkaSettings:
    consumer = {"eventHub": {"connectionString": "••••••", "name": name, "group": name, "dataSync": "shop"}}
    return settings_of(consumer, "connectionString", HUB)


def kafka(topic: str, mechanism: str = "PLAIN") -> KafkaSettings:
    login = {"username": "reconciler", "password": "••••••", "mechanism": mechanism}
    place = {"bootstrapServers": "broker.internal:9093", "topics": [topic], "group": topic}
    return settings_of({"kafka": {**place, **login, "dataSync": "shop"}}, "password", "aHVzaA==")


def consumer_at(gate: Gate, settings: KafkaSettings, files: tuple[Path, Path] | None, inbox: Kept) -> Consumer:
    """The consumer, at the gate in place of the broker that was named."""
    ca_file = None if files is None else str(files[1])
    # The host of a connection string is hidden: so is the one in its place.
    hidden = tuple("127.0.0.1" for _ in settings.hidden)
    here = replace(settings, servers=gate.servers, hidden=hidden, ca_file=ca_file, session=1.5)
    return Consumer(ConsumerStatus("kafka", "shop"), KafkaSource(here, statistics=0.2), inbox)


@pytest.mark.parametrize(
    ("of", "user", "password", "mechanism"),
    [
        (hub, "$ConnectionString", HUB, "PLAIN"),
        (kafka, "reconciler", "aHVzaA==", "PLAIN"),
        (partial(kafka, mechanism="SCRAM-SHA-256"), "reconciler", "aHVzaA==", "SCRAM-SHA-256"),
        (partial(kafka, mechanism="SCRAM-SHA-512"), "reconciler", "aHVzaA==", "SCRAM-SHA-512"),
    ],
    ids=["hub", "kafka", "scram-256", "scram-512"],
)
def test_messages_come_once_the_login_is_right_and_what_is_wrong_is_said_without_it(
    cluster: Cluster,
    files: tuple[Path, Path],
    of: Callable[[str], KafkaSettings],
    user: str,
    password: str,
    mechanism: str,
) -> None:
    async def work() -> None:
        topic, inbox = cluster.topic(), Kept()
        cluster.produce(topic, records("ab"))
        gate = Gate(cluster, user, "another", mechanism)
        async with gate.open(server_tls(files)):
            one = consumer_at(gate, of(topic), files, inbox)
            async with running(one):
                await until(one, "uthentication")
                assert "aHVzaA" not in f"{one.status} {one.source._settings}"  # type: ignore[attr-defined]
                assert ("127.0.0.1" in str(one.status)) == (of is not hub)
                assert (inbox.ids, gate.refused > 0) == ([], True)
                gate.password = password
                await inbox.until(2)
                await until(one, None)
        assert gate.unknown == 0

    asyncio.run(work())


def test_a_broker_whose_certificate_nobody_vouches_for_gets_no_password(
    cluster: Cluster, files: tuple[Path, Path]
) -> None:
    async def work() -> None:
        gate = Gate(cluster, "$ConnectionString", HUB)
        async with gate.open(server_tls(files)):
            one = consumer_at(gate, hub(cluster.topic()), None, Kept())
            async with running(one):
                await until(one, "certificate")
                await happens(lambda: not one.status.connected)
        assert (gate.refused, gate.unknown) == (0, 0)

    asyncio.run(work())
