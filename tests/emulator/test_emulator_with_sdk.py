"""A third party's generated SDK, unchanged but for its URLs, works against the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from ordercloud.client import OrderCloudClient
from ordercloud.errors import AuthenticationError, OrderCloudError
from ordercloud.models.delivery import DeliveryConfig, DeliveryTargets, ErrorConfig, HttpConfig, KafkaConfig
from ordercloud.models.sync import EntitySyncConfig, OrderSyncConfig, ProductSyncConfig
from ordercloud.resources.base import paginate
from ordercloud.resources.entity_syncs import EntitySyncsResource
from ordercloud.sync_client import SyncOrderCloudClient, paginate_sync

from reconciler.emulator.testing import RunningEmulator

ENTITY = EntitySyncConfig(DeliveryConfigID="sdk", SyncEntityChanged=True, SyncEntityDeleted=True)
# The plural and the singular in the SDK's method names, and the body of the sync operation.
ENTITIES = (
    ("admin_users", "admin_user", {"UserID": "u"}),
    ("buyers", "buyer", {"BuyerID": "b"}),
    ("buyer_users", "buyer_user", {"BuyerID": "b", "UserID": "u"}),
    ("buyer_user_groups", "buyer_user_group", {"BuyerID": "b", "UserGroupID": "g"}),
    ("catalogs", "catalog", {"CatalogID": "c"}),
    ("categories", "category", {"CatalogID": "c", "CategoryID": "k"}),
    ("inventory_records", "inventory_record", {"ProductID": "p", "InventoryRecordID": "i"}),
    ("suppliers", "supplier", {"SupplierID": "s"}),
    ("supplier_users", "supplier_user", {"SupplierID": "s", "UserID": "u"}),
)
ODD_NAMES = {"save_buyer_user_groups": "save_user_groups", "delete_buyer_user_groups": "delete_user_groups"}


def settings(emulator: RunningEmulator) -> dict[str, Any]:
    return {
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "base_url": emulator.ordercloud_url,
        "auth_url": emulator.ordercloud_auth_url,
    }


def delivery_config(config_id: str = "sdk") -> DeliveryConfig:
    http = HttpConfig(Endpoint="https://hooks.example.com", Secret="s")
    return DeliveryConfig(ID=config_id, Name="From the SDK", Enabled=True, DeliveryTargets=DeliveryTargets(Http=http))


@pytest.fixture
def client(emulator: RunningEmulator) -> Iterator[SyncOrderCloudClient]:
    with SyncOrderCloudClient.create(**settings(emulator)) as sdk:
        yield sdk


@pytest.mark.parametrize("shows", ["absent", "null"])
def test_delivery_configs(emulator: RunningEmulator, client: SyncOrderCloudClient, shows: str) -> None:
    emulator.switch(write_only_read=shows)
    configs: Any = client.delivery_configurations
    created = configs.create(delivery_config())
    assert created.delivery_targets.http.endpoint == "https://hooks.example.com"
    assert created.delivery_targets.http.secret is None
    assert configs.get("sdk") == created
    assert configs.patch("sdk", {"Name": "Patched"}).name == "Patched"
    kafka = KafkaConfig(BootstrapServers="k:9092", SaslUsername="u", SaslPassword="p", Topic="t")
    saved = configs.save(
        "sdk", DeliveryConfig(Name="Saved", Enabled=False, DeliveryTargets=DeliveryTargets(Kafka=kafka))
    )
    assert (saved.id, saved.name, saved.enabled) == ("sdk", "Saved", False)
    assert saved.delivery_targets.http is None
    assert configs.save("other", delivery_config("other")).id == "other"
    found = configs.list(search="saved", sort_by="!ID", page_size=5, filters={"Enabled": "false"})
    assert [item.id for item in found.items] == ["sdk"]
    assert found.meta.total_count == 1
    configs.delete("sdk")
    with pytest.raises(OrderCloudError) as missing:
        configs.get("sdk")
    assert missing.value.status_code == 404
    assert missing.value.errors[0].error_code == "NotFound"


def test_paging_to_the_end(client: SyncOrderCloudClient) -> None:
    configs: Any = client.delivery_configurations
    wanted = [f"c{number}" for number in range(7)]
    for config_id in wanted:
        configs.create(delivery_config(config_id))
    assert [item.id for item in paginate_sync(configs.list, page_size=3)] == wanted


def test_singletons(emulator: RunningEmulator, client: SyncOrderCloudClient) -> None:
    emulator.switch(unknown_record="accepted")
    sdk: Any = client
    sdk.delivery_configurations.create(delivery_config())
    product = ProductSyncConfig(DeliveryConfigID="sdk", SyncProductChanged=True, SyncProductDeleted=True)
    bodies = (
        (sdk.product_syncs, product, {"Paused": True}, "paused"),
        (sdk.order_syncs, OrderSyncConfig(DeliveryConfigID="sdk"), {"ConfigData": {"a": 1}}, "config_data"),
        (sdk.error_configs, ErrorConfig(DeliveryConfigID="sdk"), {"DeliveryConfigID": "sdk"}, "delivery_config_id"),
    )
    for resource, body, patch, changed in bodies:
        saved = resource.save(body)
        assert saved.delivery_config_id == "sdk"
        assert resource.get() == saved
        assert getattr(resource.patch(patch), changed) == next(iter(patch.values()))
    sdk.product_syncs.sync({"ProductID": "p"})
    sdk.error_configs.validate()
    for resource, *_ in bodies:
        resource.delete()
        with pytest.raises(OrderCloudError):
            resource.get()


def test_every_entity_sync_method(emulator: RunningEmulator, client: SyncOrderCloudClient) -> None:
    emulator.switch(unknown_record="accepted")
    sdk: Any = client
    sdk.delivery_configurations.create(delivery_config())
    used: set[str] = set()

    def call(verb: str, entity: str, *arguments: Any) -> Any:
        name = ODD_NAMES.get(f"{verb}_{entity}", f"{verb}_{entity}")
        used.add(name)
        return getattr(sdk.entity_syncs, name)(*arguments)

    for plural, singular, ids in ENTITIES:
        saved = call("save", plural, ENTITY)
        assert call("get", plural) == saved
        assert call("patch", plural, {"Paused": True}).paused is True
        call("sync", singular, ids)
        call("delete", plural)
        with pytest.raises(OrderCloudError):
            call("get", plural)
    assert used == {name for name in dir(EntitySyncsResource) if not name.startswith("_")}
    assert len(emulator.state()["ordercloud"]["syncOperations"]) == len(ENTITIES)


def test_missing_role_and_wrong_secret(emulator: RunningEmulator) -> None:
    emulator.add_client("narrow", "s", ["ProductSyncConfigAdmin"])
    asked = {**settings(emulator), "client_id": "narrow", "client_secret": "s", "scopes": ["ProductSyncConfigAdmin"]}
    with SyncOrderCloudClient.create(**asked) as sdk, pytest.raises(AuthenticationError) as refused:
        sdk.delivery_configurations.list()  # type: ignore[attr-defined]
    assert refused.value.errors[0].data == ["DeliveryConfigAdmin"]


def test_async_client(emulator: RunningEmulator) -> None:
    async def use() -> list[str]:
        async with OrderCloudClient.create(**settings(emulator)) as sdk:
            configs = sdk.delivery_configurations
            await asyncio.gather(*(configs.create(delivery_config(f"c{number}")) for number in range(5)))
            await sdk.product_syncs.save(
                {"SyncProductChanged": True, "SyncProductDeleted": True, "DeliveryConfigID": "c0"}
            )
            with pytest.raises(OrderCloudError, match="in use"):
                await configs.delete("c0")
            return [str(item.id) async for item in paginate(configs.list, page_size=2)]

    assert asyncio.run(use()) == [f"c{number}" for number in range(5)]


def test_the_sdk_retries_through_faults(emulator: RunningEmulator) -> None:
    emulator.fault("status", status=503, path="*/deliveryconfig", count=2)
    with SyncOrderCloudClient.create(**settings(emulator), max_retries=3, retry_backoff=0.01) as sdk:
        assert sdk.delivery_configurations.list().items == []  # type: ignore[attr-defined]
