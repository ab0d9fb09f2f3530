"""Rules of returns of orders. Members and paths are from the SDKs; the rest is inferred."""

from __future__ import annotations

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.resource import Rules, Scope
from reconciler.emulator.ordercloud.models import JsonObject

NEW = "Unsubmitted"


class ReturnRules(Rules):
    """Rules of returns: of an order that there is, new until they are submitted."""

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        row.setdefault("Status", NEW)
        if row.get("RefundAmount") is None:
            row["RefundAmount"] = round(
                sum(item.get("RefundAmount") or 0 for item in row.get("ItemsToReturn") or ()), 4
            )
