"""Mapping of stock: levels of a variant by location, as docs/sync.md says. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from reconciler.sparklayer.records import StockLevel
from reconciler.sync.mapping.fields import Item, Unfit, check, mapped
from reconciler.sync.mapping.limits import out_of_range
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.values import Misfit, View, calendar_date, first, mapping, objects, text_or_none, whole
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products.model import Part
from reconciler.sync.products.settings import ProductSettings


class Stock(Struct, frozen=True):
    """Stock of a product or variant.

    Args:
        by_location: level by external ID of the location; None: it must not be written.
        problems: why, or what else is wrong.
    """

    by_location: Mapping[str, int] | None
    problems: tuple[RecordProblem, ...] = ()


_UNTRACKED = Stock({})


def shared_stock(product: View, settings: ProductSettings) -> Stock | None:
    """Return the stock that every variant of a product has, or None where each has its own.

    A product without variants is its own variant, and has its own stock either way.
    """
    inventory = mapping(product.data.get("Inventory"))
    if inventory.get("Enabled") is not True:
        return _UNTRACKED
    if inventory.get("VariantLevelTracking") is True and objects(product.data.get("Variants")):
        return None
    return own_stock(product, settings)


def own_stock(owner: View, settings: ProductSettings) -> Stock:
    """Return the stock that stands at a product or variant itself."""
    records = objects(owner.data.get("InventoryRecords"))
    try:
        if records:
            levels = _by_location(owner.external_id, records, settings.locations)
        else:
            levels = _at_default(owner, settings.default_location)
        for level in levels.values():
            check(owner.external_id, out_of_range("stock level", level))
    except Unfit as fault:
        return Stock(None, (fault.problem(Part.STOCK),))
    return Stock(levels)


def _by_location(
    external_id: str, records: Iterable[Mapping[str, Any]], locations: Mapping[str, str]
) -> dict[str, int]:
    levels: dict[str, int] = {}
    unknown: dict[str, None] = {}
    for record in records:
        address = text_or_none(record.get("AddressID"))
        location = locations.get(address or "")
        if location is None:
            unknown[address or "(none)"] = None
        else:
            levels[location] = levels.get(location, 0) + (_quantity(external_id, record) or 0)
    if unknown:
        names = ", ".join(name[:100] for name in list(unknown)[:5]) + (", …" if len(unknown) > 5 else "")
        raise Unfit(
            external_id,
            "unknown-location",
            f"There is stock at the address {names}, which is no stock location. Add it to stock.locations.",
        )
    return levels


def _at_default(owner: View, location: str | None) -> dict[str, int]:
    quantity = _quantity(owner.external_id, mapping(owner.data.get("Inventory")))
    if quantity is None:
        return {}
    if location is None:
        message = "There is stock without an address, and no location for it. Set stock.default in the DataSync."
        raise Unfit(owner.external_id, "unknown-location", message)
    return {location: quantity}


def _quantity(external_id: str, record: Mapping[str, Any]) -> int | None:
    """Return how many there are; None for null. What is no whole number is nobody's stock, and not 0."""
    given = record.get("QuantityAvailable")
    quantity = whole(given)
    if quantity is None and given is not None:
        message = f"The stock {json.dumps(given)[:40]} is no whole number. Correct it in OrderCloud."
        raise Unfit(external_id, "stock-not-a-number", message)
    return quantity


def restock_date(item: Item, rules: MappingRules) -> tuple[date | None, tuple[RecordProblem, ...]]:
    """Return when more of a variant is expected, and what is wrong with that."""
    expression = rules.expressions.get("variants.restockDate")
    try:
        if expression is not None:
            key = "variants.restockDate"
            found = mapped(expression, key, item.views, calendar_date, "date", code="date-not-a-date")
        else:
            found = first(item.views, lambda view: view.xp.get("restockDate"), calendar_date)
    except Misfit as misfit:
        message = f"The restock date {misfit.shown} is no date. Write it as 2026-05-01."
        return None, (RecordProblem(misfit.external_id, Part.STOCK, "date-not-a-date", message),)
    except Unfit as fault:
        return None, (fault.problem(Part.STOCK),)
    return (found.value if found is not None else None), ()


def levels_of(sku: str, stock: Stock, restock: date | None) -> tuple[StockLevel, ...] | None:
    """Return the levels of a SKU by location; None where they must not be written."""
    if stock.by_location is None:
        return None
    return tuple(StockLevel(sku, location, level, restock) for location, level in sorted(stock.by_location.items()))
