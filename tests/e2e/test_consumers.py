"""One change, over each transport: OrderCloud, the real protocol, the ledger, SparkLayer and its sync log."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from reconciler.ledger.tables import records
from reconciler.ledger.writer import Ledger
from support.azurite import Storage, needs_azurite, running_azurite
from support.checkout import Checkout, wait_until
from support.kafka_cluster import Cluster, running_cluster
from support.service import serving
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


def raised(shop: Shop) -> set[str]:
    """Return the products that somebody has to look at, as the ledger has them."""
    with Ledger.open(shop.checkout.ledger_url) as ledger:
        query = select(records.c.key).where(records.c.ready_at.is_not(None))
        return set(ledger.database.run(lambda tx: tx.connection.execute(query).scalars().all(), writes=False))


def change(shop: Shop) -> None:
    """Change products, and wait for the ledger to hear of them."""
    shop.portal("PATCH", "products/p3", {"Name": "Heard"})
    shop.portal("DELETE", "products/p4")
    wait_until(lambda: raised(shop) == {"p3", "p4"})
    assert [each["status"] for each in shop.emulator.deliveries()] == ["delivered"] * 2


def change_while_serving(shop: Shop) -> None:
    with serving(shop.checkout, works=True) as running:
        change(shop)
        metrics = running.get("/metrics").text
    assert re.search(r'reconciler_consumer_messages{consumer=".*",environment="test"} 2.0', metrics)
    assert "aHVzaA" not in "".join(running.lines)


def change_while_consuming(shop: Shop) -> None:
    with shop.checkout.start("consume", "--log-format", "json") as process:
        try:
            change(shop)
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(30)
    assert process.returncode == 0, log
    assert "Traceback" not in log


def check_written(shop: Shop) -> None:
    """Run the sync: what was heard of is written, and what comes again costs a read and changes nothing."""
    assert shop.synced()["mode"] != "full"
    assert {"PATCH products/p3", "PATCH products/p4"} <= set(shop.writes())
    assert shop.held().products["p3"]["title"] == "Heard"
    assert "last_partial_sync" in shop.log()
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
    change_while_consuming(shop)
    check_written(shop)


def test_over_event_hubs(cluster: Cluster, shop: Shop) -> None:
    name = cluster.topic()
    text = f"Endpoint=sb://{cluster.servers}/;SharedAccessKeyName=k;SharedAccessKey=aHVzaA=="
    consumer = {"connectionString": text, "name": name, "dataSync": "shop"}
    target = {"EventHubName": name, "ConnectionString": text}
    prepared(shop, {"EventHub": target}, {"eventHub": consumer})
    change_while_serving(shop)
    check_written(shop)


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
    change_while_serving(shop)
    check_written(shop)
