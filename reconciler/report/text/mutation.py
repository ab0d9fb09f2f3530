"""What a mutation of the emulator touched, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.report.escape import terminal
from reconciler.report.style import Style

# How the lists of a mutation's answer are told, in this order.
_TOLD = ("created", "deleted", "renamed", "products", "prices", "stocks", "paused", "resumed")
_ORDERS = {
    "amendedOrders": "amended",
    "shippedOrders": "shipped",
    "canceledOrders": "canceled",
    "returnedOrders": "returned",
}


def mutation_to_text(touched: Mapping[str, list[Any]], style: Style | None = None) -> str:
    """Return what was touched, a line for each kind of record.

    Args:
        touched: the answer of the emulator.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    told = {**dict(zip(_TOLD, _TOLD, strict=True)), **_ORDERS}
    lines = [
        terminal(f"{word:<9}{', '.join(map(_word, touched[name]))}") for name, word in told.items() if touched.get(name)
    ]
    return (style or Style()).finish(lines or ["Nothing was there to change."])


def _word(touched: Any) -> str:
    if isinstance(touched, str):
        return touched
    if "orderID" in touched:
        return str(touched["orderID"])
    if "from" in touched:
        return f"{touched['from']} → {touched['to']}"
    place = touched.get("inventoryRecordID") or touched.get("variantID") or touched["productID"]
    return f"{place} = {touched['quantityAvailable']}"
