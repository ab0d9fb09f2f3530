"""Section `orders` of a DataSync."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.sparklayer.kinds.data_sync.common import RE_SYNCS, RecordUrl
from reconciler.sparklayer.kinds.spec import SparkLayerSpec


class OrdersSpec(SparkLayerSpec):
    """Which orders flow back to SparkLayer."""

    cart_id: Annotated[
        str, Field(alias="cartID", pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"), RE_SYNCS
    ] = Field(
        default="xp.sparkCartId",
        alias="cartID",
        description="Dotted path of SparkLayer's cart ID in an order. Orders without one are left alone.",
    )
    since: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), RE_SYNCS] | None = Field(
        default=None, description="The first sync reads orders from this day on. Left out: the day of the first apply."
    )
    record_url: RecordUrl | None = Field(
        default=None,
        description="Where people find an order, {ID} for its ID: what the sync log links to. Left out: its API URL.",
    )
