"""Mapper of orders: from an order with lines, shipments and returns to the body of a purchase, as docs/sync.md says.

Pure. The body is what the order says; what else SparkLayer has of the purchase the sink leaves as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.ordercloud.readers.flaws import BadRecord
from reconciler.ordercloud.readers.records import Order
from reconciler.sync.mapping.values import (
    Misfit,
    mapping,
    moment,
    shown,
    text_or_none,
)
from reconciler.sync.orders.body import Findings, Purchase, Unusable, value_at
from reconciler.sync.orders.model import BY_ID, FLAW, NEVER, NO_ID, Draft, Version
from reconciler.sync.orders.settings import OrderSettings

_OPEN = frozenset({"Open", "AwaitingApproval"})


def draft(source: Order, settings: OrderSettings, now: datetime, currencies: frozenset[str]) -> Draft:
    """Return what the target should hold of an order, and what is wrong with it. Never raises on a record.

    Args:
        source: the order with `LineItems`, `Shipments` and `Returns`, as it was read.
        settings: of the DataSync.
        now: the source's clock (timezone-aware).
        currencies: of the site's price lists.
    """
    data = mapping(source)
    found = Findings(text_or_none(data.get("ID")) or NO_ID)
    cart: str | None = None
    updated = NEVER.updated
    body: Wire | None = None
    if settings.skus.expressions:
        settings = replace(settings, skus=settings.skus.for_record())
    try:
        _usable(data, found.key)
        updated = _moment(data)
        cart = _cart(data, settings.cart_path)
        body = Purchase(data, settings, currencies, found).body(cart)
    except Unusable as fault:
        found.tell(fault.code, fault.message, fault.where)
    is_open = data.get("Status") in _OPEN
    return Draft(
        key=found.key,
        cart=cart,
        body=body,
        version=Version(updated, found.moved + found.returned),
        is_sure=BY_ID in data,
        returned=None if data.get("Returns") is None else found.returned,
        problems=tuple(dict.fromkeys(found.problems)),
        due=now + settings.look_again if is_open and body is not None else None,
    )


def _usable(data: Mapping[str, Any], key: str) -> None:
    flaw = data.get(FLAW)
    if isinstance(flaw, BadRecord):
        words = f"OrderCloud's answer on the order cannot be used: {flaw.reason}. Correct it in OrderCloud."
        raise Unusable("bad-record" if flaw.has_id else "no-id", words)
    if key == NO_ID:
        raise Unusable("no-id", "The record has no usable ID.")


def _moment(data: Mapping[str, Any]) -> datetime:
    try:
        found = moment(data.get("LastUpdated"))
    except Misfit:
        found = None
    if found is None:
        raise Unusable("bad-record", "OrderCloud's answer on the order cannot be used: LastUpdated is no time.")
    return found


def _cart(data: Mapping[str, Any], path: str) -> str:
    value = value_at(data, path)
    try:
        return str(UUID(value))
    except (ValueError, AttributeError, TypeError):
        words = f"{path} is {shown(value)}, which is no cart ID of SparkLayer."
        raise Unusable("bad-cart", f"{words} Correct it, or take it out if the order was not placed there.") from None
