"""The settings of a DataSync that are about orders; and their digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from msgspec import Struct, field

from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.skus import sku_rules
from reconciler.sync.settings import FIRST_APPLIED
from reconciler.words import parse_duration

CART_PATH = "xp.sparkCartId"
PAYMENT_PATH = "xp.sparkPaymentType"
"""Where an order says how it is paid: the other of the two marks that SparkLayer leaves (the place is inferred)."""
# Raise it when the mapping itself changes what it makes of a record: a full sync is wanted then.
_VERSION = 1


class OrderSettings(Struct, frozen=True):
    """What a DataSync says of orders.

    Args:
        cart_path: dotted path of the cart ID.
        since: the first day, UTC, whose changes flow; None: not known yet.
        look_again: how long until an open order is looked at again, whatever its source says.
        currency: the store's: of orders that do not say theirs.
        skus: how products map their SKUs.
        record_url: template of links to records; None: the API's own URL.
    """

    cart_path: str = CART_PATH
    since: date | None = None
    look_again: timedelta = timedelta(hours=24)
    currency: str | None = None
    skus: MappingRules = field(default_factory=MappingRules)
    record_url: str | None = None

    @property
    def start(self) -> datetime | None:
        """The moment from which changes flow; None: all do."""
        return None if self.since is None else datetime.combine(self.since, time(), UTC)

    def link(self, external_id: str, api_url: str) -> str:
        """Return where people find an order in the source.

        Args:
            external_id: of the order, or of one of its lines.
            api_url: base URL of the source's API.
        """
        order, _, line = external_id.partition("/")
        if self.record_url is not None:
            return self.record_url.replace("{ID}", quote(order, safe=""))
        path = f"orders/Incoming/{quote(order, safe='')}"
        return f"{api_url.rstrip('/')}/{path}" + (f"/lineitems/{quote(line, safe='')}" if line else "")


def order_settings(state: Mapping[str, Any]) -> OrderSettings | None:
    """Return what a DataSync says of orders; None: they do not flow.

    Args:
        state: what it wants, in manifest terms, defaults in, references as live IDs; and when it was applied first.
    """
    orders: Mapping[str, Any] | None = state.get("orders")
    if orders is None:
        return None
    return OrderSettings(
        cart_path=orders.get("cartID") or CART_PATH,
        since=_first_day(orders.get("since"), state.get(FIRST_APPLIED)),
        look_again=parse_duration(state.get("walkInterval") or "24h"),
        currency=state.get("currency"),
        skus=sku_rules(state),
        record_url=orders.get("recordUrl"),
    )


def _first_day(since: str | None, first_applied: datetime | None) -> date | None:
    if since is not None:
        return date.fromisoformat(since)
    return None if first_applied is None else first_applied.astimezone(UTC).date()


def digest(settings: OrderSettings) -> str:
    """Return a digest of what decides which records there are and what they become; another one wants a full sync."""
    said = {
        "version": _VERSION,
        "cartID": settings.cart_path,
        "since": None if settings.since is None else settings.since.isoformat(),
        "currency": settings.currency,
        "skus": {key: rule.text for key, rule in settings.skus.expressions.items()},
    }
    return blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()
