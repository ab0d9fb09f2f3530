"""Azure's targets against TLS servers on the loopback: what a connection adds to what the connection string says."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.kind.probe import Outcome, ProbeVerdict
from reconciler.ordercloud.probes import targets as probes
from reconciler.secret import Secret
from support.kafka_broker import Broker
from support.probing import HOST, Resolver, make_certificate, server_tls, trusting

KEY = "bWFya2VyLXRoYXQtbm9ib2R5LW1heS1zZWU="
HUB = f"Endpoint=sb://{HOST}/;SharedAccessKeyName=send;SharedAccessKey={KEY}"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the test's certificate")
    return make_certificate(tmp_path_factory.mktemp("certificates"))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a connection and wait for its end; anything that is sent would be told."""
    assert await reader.read() == b""
    writer.close()


def probed(files: tuple[Path, Path], target: Callable[[list[int]], dict[str, Any]], *serve: Serve) -> ProbeVerdict:
    """Probe a target that is made from the ports of servers with TLS."""

    async def run() -> ProbeVerdict:
        async with AsyncExitStack() as stack:
            ports = []
            for each in serve:
                server = await asyncio.start_server(each, "127.0.0.1", 0, ssl=server_tls(files))
                await stack.enter_async_context(server)
                ports.append(server.sockets[0].getsockname()[1])
            policy = replace(trusting(files[1]), target_hosts=(HOST,))
            (verdict,) = await probes.probe({"deliveryTargets": target(ports)}, policy)
            return verdict

    return asyncio.run(run())


def secret(value: str) -> Secret:
    return Secret("${secret:NAME}", lambda: value)


def test_storage_and_cosmos_connect_to_the_endpoint_of_the_string(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(["127.0.0.1"]).install(monkeypatch)
    signature = "sv=2024-11-04&sr=c&sp=cw&se=2027-01-01T00:00:00Z&sig=x"
    blob = f"BlobEndpoint=https://{HOST}:{{}}/;SharedAccessSignature={signature}"
    found = probed(files, lambda ports: {"azureBlob": {"connectionString": secret(blob.format(*ports))}}, silent)
    assert (found.outcome, found.message) == (
        Outcome.ANSWERS,
        "connects; its signature lets write until 2027-01-01T00:00:00Z",
    )
    table = f"TableEndpoint=https://{HOST}:{{}}/;AccountName=shop;AccountKey={KEY}"
    found = probed(files, lambda ports: {"azureTable": {"connectionString": secret(table.format(*ports))}}, silent)
    assert found.outcome is Outcome.ANSWERS
    cosmos = f"AccountEndpoint=https://{HOST}:{{}}/;AccountKey={KEY}"
    found = probed(files, lambda ports: {"cosmosDb": {"connectionString": secret(cosmos.format(*ports))}}, silent)
    assert (found.outcome, found.message) == (Outcome.ANSWERS, "connects; whether its key is valid was not tried")


@pytest.mark.parametrize(
    ("broker", "outcome", "words"),
    [
        (Broker("$ConnectionString", HUB, {"hub": 0}), Outcome.ANSWERS, "takes the key and has the event hub"),
        (Broker("$ConnectionString", "other", {"hub": 0}), Outcome.REFUSES, "it refuses user name and password"),
        (Broker("$ConnectionString", HUB, {}), Outcome.REFUSES, "it has no such topic"),
        # A namespace without a Kafka endpoint is no fault.
        (silent, Outcome.ANSWERS, "connects; hub and key were not tried, as there is no Kafka endpoint"),
    ],
    ids=["good", "wrong key", "no such hub", "no Kafka endpoint"],
)
def test_an_event_hub_is_asked_at_its_kafka_endpoint(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, broker: Serve, outcome: Outcome, words: str
) -> None:
    Resolver(["127.0.0.1"]).install(monkeypatch)

    def target(ports: list[int]) -> dict[str, Any]:
        monkeypatch.setattr(probes, "_AMQPS", ports[0])
        # Where nobody speaks Kafka, nobody listens.
        monkeypatch.setattr(probes, "_EVENT_HUBS_KAFKA", 9 if broker is silent else ports[1])
        return {"eventHub": {"eventHubName": "hub", "connectionString": secret(HUB)}}

    found = probed(files, target, silent, broker)
    assert (found.outcome, found.message) == (outcome, words)
