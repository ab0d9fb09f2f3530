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
    """Return the schedule of a group that the user is in, else the buyer's, else the product's default.

    documented: an assignment wins over the default, and a group's over the buyer's. inferred: of several groups the
    first by ID.
    """
    buyer_id, user_id = order.get("FromCompanyID"), order.get("FromUserID")
    table = market.store.table("ProductAssignment")
    assigned = [table.load(key) for key in table.starting_with(f"{product_id}/{buyer_id}/")]
    counting = [
        row
        for row in assigned
        if row.get("PriceScheduleID") and (not row.get("UserGroupID") or _is_member(market, row, user_id))
    ]
    # The keys are in order of the groups; a stable sort puts those of the whole buyer last.
    counting.sort(key=lambda row: not row.get("UserGroupID"))
    product = market.row("Product", (), product_id) or {}
    schedule_id = counting[0]["PriceScheduleID"] if counting else product.get("DefaultPriceScheduleID")
    return market.row("PriceSchedule", (), schedule_id)


def _is_member(market: Marketplace, assignment: JsonObject, user_id: str | None) -> bool:
    """Return whether a user is in the group that an assignment is to."""
    key = f"{assignment['UserGroupID']}/{user_id}"
    return market.row("UserGroupAssignment", (assignment["BuyerID"],), key) is not None


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
