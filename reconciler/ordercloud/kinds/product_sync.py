"""ProductSync: which product changes go to which delivery config (`/integrations/productsync`)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from reconciler.kind.semantics import FieldSemantics, Risk, SpecModel
from reconciler.ordercloud.kinds.pause_field import PAUSE_DESCRIPTION, PAUSE_LIMITS, PauseField
from reconciler.ordercloud.kinds.singleton import SingletonKind

Feed = Annotated[bool, FieldSemantics(risk=Risk.STOPS_SYNC, risk_when=False)]
DeliveryConfigName = Annotated[
    str, FieldSemantics(references="DeliveryConfig", wire="DeliveryConfigID", risk=Risk.RE_SYNCS)
]


class ProductSyncSpec(SpecModel):
    """Product sync of the marketplace."""

    delivery_config: DeliveryConfigName = Field(description="metadata.name of the DeliveryConfig to send to.")
    sync_product_changed: Feed = Field(default=True, description="Send products that were created or changed.")
    sync_product_deleted: Feed = Field(default=True, description="Send products that were deleted.")
    exclude_price_schedules: Annotated[bool, FieldSemantics(risk=Risk.RE_SYNCS)] = Field(
        default=False, description="Leave price schedules out of product messages."
    )
    config_data: dict[str, Any] | None = Field(default=None, description="Settings for the target, passed through.")
    pause: PauseField = Field(default=False, description=PAUSE_DESCRIPTION)


class ProductSyncKind(SingletonKind[ProductSyncSpec]):
    """The marketplace's product sync."""

    name = "ProductSync"
    api = "ordercloud"
    spec = ProductSyncSpec
    role = "ProductSyncConfigAdmin"
    summary = "Which product changes the marketplace sends, and to which delivery config."
    # documented: catalogue-wide effects reach products only this way or by a full resync in the portal.
    pause_limits = (
        f"{PAUSE_LIMITS}. Buyers assigned to a catalogue meanwhile reach its products when the sync resumes; without a "
        "pause they would need a full resync in the portal"
    )
    api_path = "integrations/productsync"
