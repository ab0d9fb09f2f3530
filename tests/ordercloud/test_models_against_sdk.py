"""Our models against those of `ordercloud-python`, which was generated from the vendor's specification.

A new SDK release that adds, drops or renames a member makes one of these fail, so that we see a changed API.
"""

from __future__ import annotations

import pytest
from ordercloud.models import delivery, message_sender, sync
from pydantic import BaseModel

from reconciler.kind.semantics import fields_of
from reconciler.ordercloud.kinds import KINDS, delivery_targets
from reconciler.ordercloud.kinds.entity_sync import ENTITY_PATHS
from reconciler.registry import kinds

TARGETS = {
    delivery_targets.Kafka: delivery.KafkaConfig,
    delivery_targets.Http: delivery.HttpConfig,
    delivery_targets.EventHub: delivery.EventHubConfig,
    delivery_targets.AzureBlob: delivery.AzureBlobConfig,
    delivery_targets.AzureTable: delivery.AzureTableConfig,
    delivery_targets.CosmosDb: delivery.CosmosDbConfig,
    delivery_targets.MessageSender: message_sender.MessageSenderConfig,
    delivery_targets.SearchIngestion: delivery.SearchIngestion,
    delivery_targets.SearchIngestionContent: delivery.SearchIngestionContent,
    delivery_targets.SearchIngestionHttpContent: delivery.SearchIngestionHttpContent,
    delivery_targets.ContentHub: delivery.ContentHubConfig,
    delivery_targets.SendEvent: delivery.SendEvent,
    delivery_targets.DiscoverEvent: delivery.DiscoverEvent,
    delivery_targets.Mailchimp: delivery.MailchimpConfig,
    delivery_targets.DeliveryTargets: delivery.DeliveryTargets,
}
SPECS = {
    "DeliveryConfig": delivery.DeliveryConfig,
    "ProductSync": sync.ProductSyncConfig,
    "EntitySync": sync.EntitySyncConfig,
    "OrderSync": sync.OrderSyncConfig,
    "ErrorConfig": delivery.ErrorConfig,
}
PYTHON_TYPES = {bool: "boolean", str: "string"}


def ours(model: type[BaseModel]) -> set[str]:
    return {node.wire for node in fields_of(model).values()}


def theirs(model: type[BaseModel]) -> set[str]:
    return {str(info.alias) for info in model.model_fields.values()}


@pytest.mark.parametrize(("model", "sdk"), TARGETS.items(), ids=lambda item: item.__name__)
def test_a_target_has_the_members_that_the_sdk_has(model, sdk):
    assert ours(model) == theirs(sdk)


@pytest.mark.parametrize(("name", "sdk"), SPECS.items(), ids=lambda item: getattr(item, "__name__", item))
def test_a_spec_has_the_members_that_the_sdk_has(name, sdk):
    # The entity type is a path in the API and a field in the manifest.
    assert ours(kinds()[name].spec) - {"Entity"} == theirs(sdk)


def test_every_target_model_of_ours_is_compared():
    compared = {model.__name__ for model in TARGETS}
    defined = {
        name
        for name, value in vars(delivery_targets).items()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == delivery_targets.__name__
    }
    assert compared == defined
    assert set(SPECS) == {kind.name for kind in KINDS}


def test_the_members_have_the_types_that_the_sdk_has():
    def kinds_of(model: type[BaseModel]) -> dict[str, str]:
        schema = model.model_json_schema(by_alias=True)
        found = {}
        for name, node in schema["properties"].items():
            options = [option.get("type", "object") for option in node.get("anyOf", [node])]
            found[name.lower()] = next(option for option in options if option != "null")
        return found

    for model, sdk in {**TARGETS, **{kinds()[name].spec: sdk for name, sdk in SPECS.items()}}.items():
        mine, sdk_types = kinds_of(model), kinds_of(sdk)
        for name, node in fields_of(model).items():
            if node.wire.lower() in sdk_types and not node.semantics.pause:
                assert mine[name.lower()] == sdk_types[node.wire.lower()], f"{model.__name__}.{name}"


def test_every_entity_type_has_the_path_that_the_sdk_calls():
    import inspect

    from ordercloud.resources import entity_syncs

    source = inspect.getsource(entity_syncs)
    for path in ENTITY_PATHS.values():
        assert f'.get("/integrations/entitysync/{path}")' in source
    assert source.count('.get("/integrations/entitysync/') == len(ENTITY_PATHS)
