"""One change, over each transport: OrderCloud, the real protocol, the ledger, SparkLayer and its sync log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from reconciler.app.chosen import Chosen
from reconciler.app.intake import open_inbox
from reconciler.intake.consumer import Consumer
from reconciler.intake.consumers import consumers_of, problems
from reconciler.intake.inbox import AsyncInbox
from reconciler.ledger.data.fetched import FetchedStore
from support.azurite import Storage, needs_azurite, running_azurite
from support.checkout import Checkout
from support.intake import happens
from support.kafka_cluster import Cluster, running_cluster
from support.service import Running, served
from support.syncing import Shop

Json = dict[str, Any]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as found:
        yield found


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as found:
        yield found


@pytest.fixture
def shop(checkout: Checkout) -> Shop:
    return Shop(checkout)


def product(name: str) -> Json:
    return {"ID": name, "Name": name, "Active": True, "xp": {"SKU": name}, "DefaultPriceScheduleID": "price"}


def prepared(shop: Shop, target: Json, consumer: Json, **switches: str) -> None:
    """Sync a small shop, let OrderCloud deliver to a target, and have the environment consume it."""
    price = {"ID": "price", "Name": "Price", "Currency": "GBP", "PriceBreaks": [{"Quantity": 1, "Price": 10.0}]}
    products = [product(f"p{number}") for number in range(5)]
    shop.emulator.seed_with({"Objects": {"Products": products, "PriceSchedules": [price]}})
    if switches:
        shop.emulator.switch(**switches)
    shop.prepare(environment={"service": {"consumers": [consumer]}})
    shop.synced("--full")
    config = {"Name": "Out", "Enabled": True, "DeliveryTargets": target}
    shop.portal("PUT", "integrations/deliveryconfig/out", config)
    sync = {"SyncProductChanged": True, "SyncProductDeleted": True, "DeliveryConfigID": "out"}
    shop.portal("PUT", "integrations/productsync", sync)
    shop.emulator.clear_requests()


def opened(running: Running) -> list[Chosen]:
    """Return the data types that flow in the only environment."""
    served = running.service.served(None)
    assert served is not None
    return [Chosen(served.session, sync) for sync in served.data_syncs()]


@contextlib.asynccontextmanager
async def consuming(running: Running) -> AsyncIterator[Consumer]:
    """Run the only consumer of the environment until the block ends."""
    served = running.service.served(None)
    assert served is not None
    assert list(problems(served.section, served.name, served.session.settings.target_hosts)) == []
    ledger = await asyncio.to_thread(served.ledger)
    async with AsyncInbox(open_inbox(ledger, opened(running))) as inbox:
        store = lambda place: FetchedStore(ledger.database, served.name, place)  # noqa: E731
        (consumer,) = consumers_of(served.section, {"shop": inbox}, store)
        stop = asyncio.Event()
        task = asyncio.create_task(consumer.run(stop))
        try:
            yield consumer
        finally:
            stop.set()
            await task


async def heard(shop: Shop) -> None:
    """Change products, and wait for the ledger to hear of them."""
    async with served(shop.checkout) as running, consuming(running) as consumer:
        await asyncio.to_thread(shop.portal, "PATCH", "products/p3", {"Name": "Heard"})
        await happens(lambda: consumer.status.taken >= 1, f"the message; {consumer.status}")
        await asyncio.to_thread(shop.portal, "DELETE", "products/p4")
        await happens(lambda: consumer.status.taken >= 2, f"the delete; {consumer.status}")
        assert consumer.status.malformed == 0
        (chosen,) = opened(running)
        store = running.service.environments[chosen.session.name].ledger().store(chosen.sync.scope)
        levels = store.records.levels([f"p{number}" for number in range(5)])
        assert {key for key, level in levels.items() if level.is_open} == {"p3", "p4"}


def check(shop: Shop) -> None:
    asyncio.run(heard(shop))
    assert [each["status"] for each in shop.emulator.deliveries()] == ["delivered"] * 2
    assert shop.synced()["mode"] != "full"
    assert {"PATCH products/p3", "PATCH products/p4"} <= set(shop.writes())
    assert shop.held().products["p3"]["title"] == "Heard"
    assert "last_partial_sync" in shop.log()
    # What comes again costs a read, and changes nothing.
    shop.emulator.clear_requests()
    shop.synced()
    assert shop.writes() == []


def test_over_kafka(cluster: Cluster, shop: Shop) -> None:
    topic = cluster.topic()
    target = {"BootstrapServers": cluster.servers, "SaslUsername": "u", "SaslPassword": "p", "Topic": topic}
    consumer = {
        "bootstrapServers": cluster.servers,
        "topics": [topic],
        "group": topic,
        "tls": False,
        "dataSync": "shop",
    }
    prepared(shop, {"Kafka": target}, {"kafka": consumer}, delivery_kafka_layout="ce_type_header")
    check(shop)


def test_over_event_hubs(cluster: Cluster, shop: Shop) -> None:
    name = cluster.topic()
    text = f"Endpoint=sb://{cluster.servers}/;SharedAccessKeyName=k;SharedAccessKey=aHVzaA=="
    consumer = {"connectionString": text, "name": name, "dataSync": "shop"}
    target = {"EventHubName": name, "ConnectionString": text}
    prepared(shop, {"EventHub": target}, {"eventHub": consumer})
    check(shop)


@needs_azurite
def test_over_blob(storage: Storage, shop: Shop) -> None:
    container = storage.container().container_name
    target = {"ConnectionString": storage.connection_string, "OverrideContainerName": container}
    consumer = {
        "connectionString": storage.connection_string,
        "container": container,
        "interval": "1s",
        "dataSync": "shop",
    }
    prepared(shop, {"AzureBlob": target}, {"azureBlob": consumer})
    check(shop)
