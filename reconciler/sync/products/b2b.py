"""Mapping of a variant's members for business customers: recommended price, pack size, order quantities. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.kind.connection import Wire
from reconciler.sync.mapping.fields import Context, Item, Unfit, check, mapped
from reconciler.sync.mapping.limits import out_of_range
from reconciler.sync.mapping.values import Misfit, View, first, number, text, whole, wire_number

# inferred: that the API takes these names; they come from the documentation of the metafield.
SETTINGS = (
    *("pack_size", "reserve_stock_quantity", "min_order_quantity", "max_order_quantity"),
    *("min_order_parent_quantity", "max_order_parent_quantity"),
)
SWITCHES = ("display", "sell")
BASE_GROUP = "base"


def rrp(item: Item, context: Context) -> list[Wire] | None:
    """Return the recommended price of a variant.

    Raises:
        Unfit: it is no number, or has no currency.
    """
    expression = context.rules.expressions.get("variants.rrp")
    if expression is not None:
        found = mapped(expression, "variants.rrp", item.views, number, "number", code="rrp-not-a-number")
    else:
        try:
            found = first(item.views, lambda view: view.xp.get("rrp"), number)
        except Misfit as misfit:
            message = f"The recommended price {misfit.shown} is no number. Correct xp.rrp."
            raise Unfit(misfit.external_id, "rrp-not-a-number", message) from None
    if found is None:
        return None
    check(found.external_id, out_of_range("recommended price", found.value))
    if context.currency is None:
        message = "The recommended price has no currency. Set currency in the DataSync."
        raise Unfit(found.external_id, "no-currency", message)
    # inferred: the name `price`; documented: one entry per currency_code.
    return [{"currency_code": context.currency, "price": wire_number(found.value)}]


def settings(item: Item, context: Context) -> list[Wire] | None:
    """Return the settings of a variant, one entry per customer group.

    Raises:
        Unfit: they are out of their range, or the mapping gives something else.
    """
    expression = context.rules.expressions.get("variants.settings")
    if expression is None:
        return _default_settings(item.product, context.schedule)
    found = mapped(expression, "variants.settings", item.views, _setting_list, "object with SparkLayer's settings")
    if found is None:
        return None
    for number_ in (value for entry in found.value for value in entry.values() if not isinstance(value, bool | str)):
        check(found.external_id, out_of_range("setting", number_))
    return found.value or None


def _default_settings(product: View, schedule: Mapping[str, Any]) -> list[Wire] | None:
    pack, least, most = (
        whole(value)
        for value in (product.data.get("QuantityMultiplier"), schedule.get("MinQuantity"), schedule.get("MaxQuantity"))
    )
    limits = {
        "pack_size": pack if pack is not None and pack > 1 else None,
        "min_order_quantity": least if least is not None and least > 1 else None,
        "max_order_quantity": most if most is not None and most >= 1 else None,
    }
    for value in limits.values():
        if value is not None:
            check(product.external_id, out_of_range("setting", value))
    entry = {name: value for name, value in limits.items() if value is not None}
    return [{"customer_group": BASE_GROUP, **entry}] if entry else None


def _setting_list(value: Any) -> list[Wire] | None:
    if value is None:
        return None
    entries = [value] if isinstance(value, dict) else value
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Misfit(value)
    groups: dict[str, Wire] = {}
    for entry in entries:
        group = text(entry.get("customer_group")) or BASE_GROUP
        members = {name: _setting(name, member) for name, member in entry.items() if name != "customer_group"}
        kept = {name: members[name] for name in sorted(members) if members[name] is not None}
        if kept:
            groups.setdefault(group, {"customer_group": group, **kept})
    return [groups[group] for group in sorted(groups)]


def _setting(name: str, value: Any) -> int | bool | None:
    """A setting; None where it says nothing."""
    if value is None or (name in SWITCHES and isinstance(value, bool)):
        return value
    found = whole(value) if name in SETTINGS else None
    if found is None:
        raise Misfit(value)
    # documented: a pack of one is the default, which a read may leave out.
    return None if (name, found) == ("pack_size", 1) else found
