"""Deliveries over the real protocols: a Kafka cluster, an event hub's Kafka endpoint, Azure Blob storage."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.ordercloud.deliveries.senders import new_senders
from reconciler.emulator.testing import RunningEmulator
from support.azurite import Storage, needs_azurite, running_azurite
from support.kafka_cluster import Cluster, running_cluster
from support.receiver import PREFIX, wait_for

Configure = Callable[[dict[str, Any]], None]
NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as found:
        yield found


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as found:
        yield found


@pytest.fixture
def commerce(emulator: RunningEmulator, token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=emulator.ordercloud_url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def configure(commerce: httpx.Client) -> Configure:
    def configured(targets: dict[str, Any]) -> None:
        config = {"Name": "Out", "Enabled": True, "DeliveryTargets": targets}
        commerce.put("/integrations/deliveryconfig/out", json=config).raise_for_status()
        sync = {"SyncProductChanged": True, "SyncProductDeleted": True, "DeliveryConfigID": "out"}
        commerce.put("/integrations/productsync", json=sync).raise_for_status()

    return configured


def kafka(servers: str, topic: str) -> dict[str, Any]:
    return {"BootstrapServers": servers, "SaslUsername": "u", "SaslPassword": "hush", "Topic": topic}


def hub(servers: str, name: str) -> dict[str, Any]:
    text = f"Endpoint=sb://{servers}/;SharedAccessKeyName=k;SharedAccessKey=hush"
    return {"EventHubName": name, "ConnectionString": text}


def statuses(emulator: RunningEmulator) -> list[str]:
    return [each["status"] for each in emulator.deliveries()]


def acknowledged(emulator: RunningEmulator, count: int) -> None:
    """Wait until so many messages, and no others, are acknowledged."""
    wait_for(lambda: statuses(emulator) == ["delivered"] * count, f"{count} to be acknowledged")


def test_messages_reach_a_topic_in_the_order_of_the_changes(
    cluster: Cluster, configure: Configure, commerce: httpx.Client, emulator: RunningEmulator
) -> None:
    topic = cluster.topic()
    configure({"Kafka": kafka(cluster.servers, topic)})
    for count, name in enumerate(("Saw", "Big saw"), 1):
        commerce.put("/products/saw", json={"Name": name}).raise_for_status()
        acknowledged(emulator, count)
    commerce.delete("/products/saw").raise_for_status()
    records = cluster.records(topic, 3)
    values = [json.loads(record.value() or b"") for record in records]
    assert [value["Headers"]["type"].removeprefix(PREFIX) for value in values] == [
        "product.updated",
        "product.updated",
        "product.deleted",
    ]
    assert [value["Payload"].get("Name") for value in values] == ["Saw", "Big saw", None]
    assert {record.key() for record in records} == {b"product/saw"}, "so they lie in one partition"
    assert [record.headers() for record in records] == [None] * 3
    acknowledged(emulator, 3)
    assert emulator.deliveries()[0]["url"] == f"kafka://{cluster.servers}/{topic}"


@pytest.mark.parametrize("header", ["type", "ce_type"])
def test_the_type_stands_in_a_header_where_the_switch_says_so(
    cluster: Cluster, configure: Configure, commerce: httpx.Client, emulator: RunningEmulator, header: str
) -> None:
    emulator.switch(delivery_kafka_layout=f"{header}_header", delivery_key="none")
    topic = cluster.topic()
    configure({"Kafka": kafka(cluster.servers, topic)})
    commerce.put("/products/saw", json={"Name": "Saw"}).raise_for_status()
    (record,) = cluster.records(topic, 1)
    assert record.headers() == [(header, f"{PREFIX}product.updated".encode())]
    assert json.loads(record.value() or b"")["ProductID"] == "saw"
    assert record.key() is None


def test_an_event_hub_gets_the_payload_and_the_type_as_a_property(
    cluster: Cluster, configure: Configure, commerce: httpx.Client, emulator: RunningEmulator
) -> None:
    name = cluster.topic()
    configure({"EventHub": hub(cluster.servers, name)})
    commerce.put("/products/saw", json={"Name": "Saw"}).raise_for_status()
    (record,) = cluster.records(name, 1)
    text = f"{PREFIX}product.updated".encode()
    assert record.headers() == [("type", b"\xa1" + bytes([len(text)]) + text)], "as AMQP encodes it"
    assert json.loads(record.value() or b"")["ProductID"] == "saw"
    emulator.switch(delivery_event_hub_property="text")
    commerce.put("/products/axe", json={"Name": "Axe"}).raise_for_status()
    assert ("type", text) in [header for record in cluster.records(name, 2) for header in record.headers() or []]
    assert "hush" not in json.dumps(emulator.deliveries(bodies=True))


def test_a_message_waits_for_a_broker_that_is_away(
    cluster: Cluster, configure: Configure, commerce: httpx.Client, emulator: RunningEmulator
) -> None:
    topic = cluster.topic()
    configure({"Kafka": kafka(cluster.servers, topic)})
    emulator.deliver(timeout=1, wait=0.1, attempts=20)
    cluster.down()
    try:
        commerce.put("/products/saw", json={"Name": "Saw"}).raise_for_status()
        wait_for(lambda: bool(emulator.deliveries()) and bool(emulator.deliveries()[0]["attempts"]), "an attempt")
    finally:
        cluster.up()
    assert len(cluster.records(topic, 1)) == 1
    acknowledged(emulator, 1)
    assert "Connection refused" in emulator.deliveries()[0]["attempts"][0]["error"]


def test_what_cannot_be_sent_says_why_and_names_no_secret(
    configure: Configure, commerce: httpx.Client, emulator: RunningEmulator
) -> None:
    blob = f"AccountName=a;AccountKey=aHVzaA==;BlobEndpoint=http://{NOWHERE}/a"
    configure(
        {
            "Kafka": kafka(NOWHERE, "t"),
            "EventHub": hub(NOWHERE, "h"),
            "AzureBlob": {"ConnectionString": blob},
        }
    )
    emulator.deliver(timeout=0.5, attempts=1)
    commerce.put("/products/saw", json={"Name": "Saw"}).raise_for_status()
    wait_for(lambda: statuses(emulator) == ["failed"] * 3, "all to fail")
    found = {each["target"]: each["attempts"][0]["error"] for each in emulator.deliveries()}
    assert all("refused" in found[name] for name in ("Kafka", "EventHub", "AzureBlob")), found
    assert "hush" not in str(found)
    assert "aHVzaA" not in str(found)


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [("Kafka", "confluent_kafka", "confluent-kafka"), ("AzureBlob", "azure.core.exceptions", "azure-storage-blob")],
)
def test_without_the_extra_the_delivery_fails_and_says_how_to_install_it(
    configure: Configure,
    commerce: httpx.Client,
    emulator: RunningEmulator,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    module: str,
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    targets = {"Kafka": kafka(NOWHERE, "t"), "AzureBlob": {"ConnectionString": "UseDevelopmentStorage=true"}}
    configure({name: targets[name]})
    commerce.put("/products/saw", json={"Name": "Saw"}).raise_for_status()
    wait_for(lambda: statuses(emulator) == ["failed"], "it to fail")
    (attempt,) = emulator.deliveries()[0]["attempts"]
    assert f"{package} is not installed" in attempt["error"]
    assert f"pip install '{package}" in attempt["error"]


@needs_azurite
@pytest.mark.parametrize("layout", ["envelope", "metadata", "lines"])
def test_messages_become_blobs(
    storage: Storage, configure: Configure, commerce: httpx.Client, emulator: RunningEmulator, layout: str
) -> None:
    emulator.switch(delivery_blob_layout=layout)
    container = storage.container(f"c-{layout}", made=False)
    target = {"ConnectionString": storage.connection_string, "OverrideContainerName": container.container_name}
    configure({"AzureBlob": target})
    for key in ("saw", "axe"):
        commerce.put(f"/products/{key}", json={"Name": key}).raise_for_status()
    wait_for(lambda: statuses(emulator) == ["delivered"] * 2, f"blobs: {emulator.deliveries()}")
    blobs = {blob.name: container.download_blob(blob.name).readall() for blob in container.list_blobs()}
    lines = [json.loads(line) for content in blobs.values() for line in content.splitlines()]
    assert len(blobs) == (1 if layout == "lines" else 2)
    assert {line.get("Payload", line)["ProductID"] for line in lines} == {"saw", "axe"}
    types = {(blob.metadata or {}).get("type") for blob in container.list_blobs(include=["metadata"])}
    assert types == ({f"{PREFIX}product.updated"} if layout == "metadata" else {None})
    assert all("hush" not in json.dumps(each) for each in emulator.deliveries())


def test_each_target_of_a_config_has_attempts_of_its_own(
    cluster: Cluster, configure: Configure, commerce: httpx.Client, emulator: RunningEmulator
) -> None:
    topic = cluster.topic()
    http = {"Endpoint": f"http://{NOWHERE}/", "Secret": "s"}
    configure({"Http": http, "Kafka": kafka(cluster.servers, topic)})
    emulator.deliver(wait=0.05, attempts=3)
    commerce.put("/products/saw", json={"Name": "Saw"}).raise_for_status()
    wait_for(lambda: sorted(statuses(emulator)) == ["delivered", "failed"], "both to end")
    assert {each["target"]: len(each["attempts"]) for each in emulator.deliveries()} == {"Http": 3, "Kafka": 1}
    assert len(cluster.records(topic, 1)) == 1


def test_a_connection_string_names_no_place_until_it_can_be_read() -> None:
    senders = new_senders()
    for text in ("", "x", "Endpoint=sb://[/", "AccountName=", "BlobEndpoint=http://[/", "Endpoint=;EntityPath=a"):
        for name in ("EventHub", "AzureBlob"):
            assert senders[name].route({"ConnectionString": text, "EventHubName": "h"}).hosts == (), text
    real = "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=hush;EndpointSuffix=core.windows.net"
    route = senders["AzureBlob"].route({"ConnectionString": real})
    assert route.hosts == ("shop.blob.core.windows.net",)
    assert "hush" not in route.shown
    route = senders["EventHub"].route(
        {"ConnectionString": hub("shop.example.com", "h")["ConnectionString"], "EventHubName": "h"}
    )
    assert route.shown == "kafka://shop.example.com:9093/h"
