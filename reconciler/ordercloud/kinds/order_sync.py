"""OrderSync: where submitted orders go (`/integrations/OrderSync`)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reconciler.kind.semantics import SpecModel
from reconciler.ordercloud.kinds.product_sync import DeliveryConfigName
from reconciler.ordercloud.kinds.singleton import SingletonKind


class OrderSyncSpec(SpecModel):
    """Order sync of the marketplace."""

    delivery_config: DeliveryConfigName = Field(description="metadata.name of the DeliveryConfig to send to.")
    config_data: dict[str, Any] | None = Field(default=None, description="Settings for the target, passed through.")


class OrderSyncKind(SingletonKind[OrderSyncSpec]):
    """The marketplace's order sync. The API has no Paused member here."""

    name = "OrderSync"
    api = "ordercloud"
    spec = OrderSyncSpec
    role = "OrderSyncConfigAdmin"
    summary = "The delivery config that orders are sent to. Cannot be paused."
    api_path = "integrations/OrderSync"
