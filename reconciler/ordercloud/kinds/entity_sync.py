"""EntitySync: which changes of one entity type go to which delivery config (`/integrations/entitysync/…`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from reconciler.kind.connection import Reader, Wire
from reconciler.kind.kind import Observed
from reconciler.kind.semantics import SpecModel, State
from reconciler.ordercloud.kinds.pause_field import PAUSE_DESCRIPTION, PAUSE_LIMITS, PauseField
from reconciler.ordercloud.kinds.product_sync import DeliveryConfigName, Feed
from reconciler.ordercloud.kinds.singleton import SyncKind
from reconciler.ordercloud.together import together

Entity = Literal[
    "adminUsers",
    "buyers",
    "buyerUsers",
    "buyerUserGroups",
    "catalogs",
    "categories",
    "inventoryRecords",
    "suppliers",
    "supplierUsers",
]

# The vendor's SDKs agree on these paths; `catalogs` is in the newest one only (API 1.0.454).
ENTITY_PATHS: Mapping[str, str] = {
    "adminUsers": "adminusers",
    "buyers": "buyers",
    "buyerUsers": "buyers/users",
    "buyerUserGroups": "buyers/usergroups",
    "catalogs": "catalogs",
    "categories": "categories",
    "inventoryRecords": "products/inventoryrecords",
    "suppliers": "suppliers",
    "supplierUsers": "suppliers/users",
}


class EntitySyncSpec(SpecModel):
    """Sync of one entity type."""

    entity: Entity = Field(description="Entity type. One EntitySync each.")
    delivery_config: DeliveryConfigName = Field(description="metadata.name of the DeliveryConfig to send to.")
    sync_entity_changed: Feed = Field(default=True, description="Send records that were created or changed.")
    sync_entity_deleted: Feed = Field(default=True, description="Send records that were deleted.")
    pause: PauseField = Field(default=False, description=PAUSE_DESCRIPTION)


class EntitySyncKind(SyncKind[EntitySyncSpec]):
    """One entity sync per entity type. Its live ID is the entity type."""

    name = "EntitySync"
    api = "ordercloud"
    spec = EntitySyncSpec
    role = "EntitySyncConfigAdmin"
    summary = "Which changes of one entity type the marketplace sends, and to which delivery config."
    pause_limits = PAUSE_LIMITS

    def path(self, live_id: str) -> str:
        return f"integrations/entitysync/{ENTITY_PATHS[live_id]}"

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        # A ledger may name one that there is not.
        return await super().read_one(reader, live_id) if live_id in ENTITY_PATHS else None

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:  # noqa: ARG002 - the entity type is the ID
        return str(state["entity"])

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        wires = await together(self._read_at(reader, self.path(entity)) for entity in ENTITY_PATHS)
        return {entity: wire for entity, wire in zip(ENTITY_PATHS, wires, strict=True) if wire is not None}

    def observe(self, live_id: str, wire: Wire) -> Observed:
        observed = super().observe(live_id, wire)
        return Observed(self.name, live_id, {"entity": live_id, **observed.state}, wire)

    def create_body(self, state: State) -> Wire:
        # The entity type is the path, not a member.
        return super().create_body({name: value for name, value in state.items() if name != "entity"})
