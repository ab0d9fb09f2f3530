"""ErrorConfig: where notices of failed deliveries go (`/integrations/ErrorConfig`)."""

from __future__ import annotations

from pydantic import Field

from reconciler.kind.semantics import SpecModel
from reconciler.ordercloud.kinds.product_sync import DeliveryConfigName
from reconciler.ordercloud.kinds.singleton import SingletonKind


class ErrorConfigSpec(SpecModel):
    """Error notices of the marketplace."""

    delivery_config: DeliveryConfigName = Field(description="metadata.name of the DeliveryConfig to send to.")


class ErrorConfigKind(SingletonKind[ErrorConfigSpec]):
    """The marketplace's error config. The API has no Paused member here."""

    name = "ErrorConfig"
    api = "ordercloud"
    spec = ErrorConfigSpec
    role = "ErrorConfigAdmin"
    summary = "The delivery config that notices of failed deliveries are sent to. Cannot be paused."
    api_path = "integrations/ErrorConfig"
