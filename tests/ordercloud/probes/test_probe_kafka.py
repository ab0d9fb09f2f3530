"""Probes of Kafka: librdkafka's own mock cluster, and a broker over TLS that checks the login."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from reconciler.kind.probe import ProbePolicy
from reconciler.ordercloud.probes.connect import Stopped
from reconciler.ordercloud.probes.kafka import Login, probe_topic
from support.kafka_broker import MARKER, Broker
from support.probing import HOST, POLICY, Resolver, make_certificate, server_tls, trusting

LOCAL = replace(POLICY, target_hosts=("127.0.0.1", HOST))


def ask(brokers: Sequence[tuple[str, int]], topic: str, policy: ProbePolicy = LOCAL, login: Login | None = None) -> str:
    async def run() -> str:
        try:
            return await probe_topic(brokers, login, topic, policy, tls=login is not None)
        except Stopped as stopped:
            return f"{stopped.outcome.value}: {stopped.message}"

    return asyncio.run(run())


@pytest.fixture(scope="module")
def mock_cluster() -> Iterator[list[tuple[str, int]]]:
    """The brokers of a mock cluster, with the topic `products`."""
    producer = Producer({"test.mock.num.brokers": 2, "log_level": 0})
    producer.produce("products", b"makes the topic")
    assert producer.flush(20) == 0
    yield [(broker.host, broker.port) for broker in producer.list_topics(timeout=20).brokers.values()]
    del producer


def test_a_topic_of_a_real_protocol_is_found(mock_cluster: list[tuple[str, int]]) -> None:
    assert ask(mock_cluster, "products") == "has the topic"
    assert ask(mock_cluster, "prices") == "refuses: it has no such topic"


def test_a_broker_that_is_away_gives_way_to_the_next(mock_cluster: list[tuple[str, int]]) -> None:
    assert ask([("127.0.0.1", 9), *mock_cluster], "products") == "has the topic"
    assert ask([("127.0.0.1", 9)], "products") == "refuses: the connection is refused"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the test's certificate")
    return make_certificate(tmp_path_factory.mktemp("certificates"))


def over_tls(broker: Broker, files: tuple[Path, Path], topic: str = "products", password: str = MARKER) -> str:
    async def run() -> str:
        async with await asyncio.start_server(broker, "127.0.0.1", 0, ssl=server_tls(files)) as server:
            port = server.sockets[0].getsockname()[1]
            policy = replace(trusting(files[1]), target_hosts=(HOST,))
            try:
                return await probe_topic([(HOST, port)], Login(broker.user, password), topic, policy)
            except Stopped as stopped:
                return f"{stopped.outcome.value}: {stopped.message}"

    return asyncio.run(run())


def test_user_password_and_topic_are_checked_over_tls(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(["127.0.0.1"]).install(monkeypatch)
    broker = Broker()
    assert over_tls(broker, files) == "takes the credentials and has the topic"
    assert broker.asked == [17, 36, 3]
    assert over_tls(Broker(), files, password="other") == "refuses: it refuses user name and password"
    assert over_tls(Broker(), files, topic="prices") == "refuses: it has no such topic"
    denied = Broker(topics={"products": 29})
    assert over_tls(denied, files) == "refuses: it does not let this user at the topic"
    leaderless = Broker(topics={"products": 5})
    assert over_tls(leaderless, files).startswith("cannot be known from here: ")
    assert over_tls(Broker(offers=b"GSSAPI"), files) == "cannot be known from here: it does not offer SASL/PLAIN"
    assert set(resolver.asked) == {HOST}, "what a broker advertises is not connected to"


def test_what_is_no_broker_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(16)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def run() -> str:
        async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
            try:
                return await probe_topic(
                    [("127.0.0.1", server.sockets[0].getsockname()[1])], None, "t", LOCAL, tls=False
                )
            except Stopped as stopped:
                return stopped.message

    assert asyncio.run(run()) == "it does not speak Kafka's protocol"


def test_a_login_has_no_text_form() -> None:
    assert MARKER not in repr(Login("oc", MARKER))
