"""Section `orders` of a DataSync."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field

from reconciler.sparklayer.kinds.data_sync.common import RE_SYNCS, RecordUrl
from reconciler.sparklayer.kinds.spec import SparkLayerSpec


def _path(text: str) -> str:
    # It is a filter of the orders' list, whose other members are the API's own.
    if text != "ID" and not text.startswith("xp."):
        raise ValueError("a cart ID stands below xp, e.g. at xp.sparkCartId, or is the ID of the order")
    return text


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("there is no such day") from None
    return text


class OrdersSpec(SparkLayerSpec):
    """Which orders flow back to SparkLayer."""

    cart_id: Annotated[
        str,
        Field(alias="cartID", pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"),
        AfterValidator(_path),
        RE_SYNCS,
    ] = Field(
        default="xp.sparkCartId",
        alias="cartID",
        description="Dotted path of SparkLayer's cart ID in an order. Orders without one are left alone.",
    )
    since: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_day), RE_SYNCS] | None = Field(
        default=None,
        description="Orders that changed from this day on, UTC, flow. Left out: from the day of the first apply on.",
    )
    record_url: RecordUrl | None = Field(
        default=None,
        description="Where people find an order, {ID} for its ID: what the sync log links to. Left out: its API URL.",
    )
