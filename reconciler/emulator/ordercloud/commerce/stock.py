"""Stock that orders take."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.errors import refuse
from reconciler.emulator.ordercloud.models import JsonObject

Place = tuple[str, Scope, str]


def take(market: Marketplace, lines: Sequence[JsonObject]) -> None:
    """Take the quantities of line items from the stock of tracked products; all of them or none.

    inferred: that a line which names no inventory record takes from the one that has most.

    Raises:
        Refusal: there is too little, and the product may not be ordered beyond it.
    """
    left: dict[Place, int] = {}
    for line in lines:
        found = _stock_of(market, line)
        if found is None:
            continue
        place, quantity, can_exceed = found
        left[place] = left.get(place, quantity) - line["Quantity"]
        if left[place] < 0 and not can_exceed:
            # inferred: code and status.
            raise refuse(400, "Inventory.Insufficient", f"There is not enough stock of {line['ProductID']}.")
    for (name, scope, key), quantity in left.items():
        if name.endswith("Record"):
            market.update(name, scope, key, {"QuantityAvailable": quantity})
        else:
            inventory = market.existing(name, scope, key)["Inventory"]
            market.update(name, scope, key, {"Inventory": {**inventory, "QuantityAvailable": quantity}})


def _stock_of(market: Marketplace, line: JsonObject) -> tuple[Place, int, bool] | None:
    """Return the place of a line item's stock, the quantity there, and whether more may be ordered; None: untracked."""
    product = market.row("Product", (), line["ProductID"]) or {}
    inventory = product.get("Inventory") or {}
    if not inventory.get("Enabled"):
        return None
    can_exceed = bool(inventory.get("OrderCanExceed"))
    scope: Scope = (product["ID"],)
    variant_id = (line.get("Variant") or {}).get("ID")
    places = (("InventoryRecord", scope), ("VariantInventoryRecord", (*scope, variant_id or "")))
    records = [(name, its_scope, row) for name, its_scope in places for row in market.store.rows(name, its_scope)]
    named = [record for record in records if record[2]["ID"] == line.get("InventoryRecordID")]
    if records:
        name, its_scope, row = max(named or records, key=lambda record: record[2].get("QuantityAvailable") or 0)
        exceed = can_exceed or bool(row.get("OrderCanExceed"))
        return (name, its_scope, row["ID"]), row.get("QuantityAvailable") or 0, exceed
    if inventory.get("VariantLevelTracking"):
        variant = market.row("Variant", scope, variant_id) or {}
        quantity = (variant.get("Inventory") or {}).get("QuantityAvailable")
        place: Place = ("Variant", scope, variant_id or "")
    else:
        quantity = inventory.get("QuantityAvailable")
        place = ("Product", (), product["ID"])
    return None if quantity is None else (place, quantity, can_exceed)
