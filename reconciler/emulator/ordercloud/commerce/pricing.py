"""Price of a line item: price schedule, price break, sale, and markups of the chosen options."""

from __future__ import annotations

from reconciler.emulator.ordercloud.commerce.catalogue import is_on_sale
from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.models import JsonObject


def price_of(market: Marketplace, order: JsonObject, line: JsonObject) -> JsonObject:
    """Return UnitPrice, PriceScheduleID, IsOnSale and PriceOverridden of a line.

    inferred: without a price schedule there is no price, and the line is taken all the same.
    """
    schedule = _schedule(market, order, line["ProductID"])
    nothing = {"UnitPrice": None, "PriceScheduleID": None, "IsOnSale": False, "PriceOverridden": False}
    if schedule is None:
        return nothing
    breaks = schedule.get("PriceBreaks") or []
    reached = [price for price in breaks if price["Quantity"] <= line["Quantity"]] or breaks[:1]
    if not reached:
        return {**nothing, "PriceScheduleID": schedule["ID"]}
    price = reached[-1]
    on_sale = is_on_sale(market, schedule) and price.get("SalePrice") is not None
    unit = price["SalePrice"] if on_sale else price["Price"]
    return {
        "UnitPrice": round(unit + _markups(line, unit), 4),
        "PriceScheduleID": schedule["ID"],
        "IsOnSale": on_sale,
        "PriceOverridden": False,
    }


def _schedule(market: Marketplace, order: JsonObject, product_id: str) -> JsonObject | None:
    """Return the schedule assigned to the buyer, else the product's default. documented: an assignment wins."""
    buyer_id = order.get("FromCompanyID")
    table = market.store.table("ProductAssignment")
    assigned = [table.load(key) for key in table.starting_with(f"{product_id}/{buyer_id}/")]
    # inferred: the assignment to the whole buyer before those to its groups.
    assigned.sort(key=lambda row: bool(row.get("UserGroupID")))
    schedule_ids = [row["PriceScheduleID"] for row in assigned if row.get("PriceScheduleID")]
    product = market.row("Product", (), product_id) or {}
    schedule_id = next(iter(schedule_ids), product.get("DefaultPriceScheduleID"))
    return market.row("PriceSchedule", (), schedule_id)


def _markups(line: JsonObject, unit: float) -> float:
    added = 0.0
    for spec in line.get("Specs") or ():
        markup = spec.get("PriceMarkup") or 0
        match spec.get("PriceMarkupType"):
            case "AmountPerQuantity":
                added += markup
            case "AmountTotal":
                added += markup / line["Quantity"]
            case "Percentage":
                added += unit * markup / 100
    return added
