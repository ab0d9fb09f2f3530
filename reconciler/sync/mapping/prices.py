"""Mapping of prices: those of a price schedule, for a product and its variants, as docs/sync.md says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from reconciler.sparklayer.records import Tier
from reconciler.sync.mapping.fields import Unfit, check
from reconciler.sync.mapping.limits import out_of_range
from reconciler.sync.mapping.money import as_sent, total, with_percentages
from reconciler.sync.mapping.values import Misfit, View, json_number, mapping, moment, objects, text_or_none, whole

_AMOUNT = "AmountPerQuantity"
_PERCENTAGE = "Percentage"


class Pricing(Struct, frozen=True):
    """What a product costs without options.

    Args:
        tiers: by quantity; none: it has no prices.
        due: when that changes because a sale begins or ends; None: never.
        currency: of the prices; None where there are none.
    """

    tiers: tuple[Tier, ...] = ()
    due: datetime | None = None
    currency: str | None = None


def schedule_of(product: View) -> Mapping[str, Any]:
    """Return the default price schedule of a product; empty where it has none."""
    return mapping(product.data.get("DefaultPriceSchedule"))


def currency_of(schedule: Mapping[str, Any]) -> str | None:
    """Return the currency that a price schedule names."""
    currency = text_or_none(schedule.get("Currency"))
    return currency.upper() if currency is not None else None


def schedule_id(product: View) -> str:
    """Return the ID of the default price schedule of a product, for messages."""
    schedule = schedule_of(product)
    return text_or_none(schedule.get("ID")) or text_or_none(product.data.get("DefaultPriceScheduleID")) or "(no ID)"


def pricing_of(
    external_id: str, name: str, schedule: Mapping[str, Any], now: datetime, expected_currency: str | None
) -> Pricing:
    """Return what a price schedule makes of a product without options.

    Args:
        external_id: of the product, or whatever a problem with the schedule is told of.
        name: ID of the schedule, for messages.
        schedule: as the API has it; empty where there is none.
        now: the source's clock.
        expected_currency: of the price list, else the store's; None: neither is known.

    Raises:
        Unfit: the prices must not be written.
    """
    breaks = objects(schedule.get("PriceBreaks"))
    if not breaks:
        return Pricing()
    currency = _currency(external_id, name, schedule, expected_currency)
    has_sale = any(json_number(item.get("SalePrice")) is not None for item in breaks)
    on_sale, due = _sale(external_id, name, schedule, now) if has_sale else (False, None)
    tiers: dict[int, Tier] = {}
    for item in breaks:
        quantity, price = whole(item.get("Quantity")), json_number(item.get("Price"))
        if on_sale and json_number(item.get("SalePrice")) is not None:
            price = json_number(item.get("SalePrice"))
        if quantity is None or quantity < 1 or price is None:
            message = (
                f"The price schedule {name} has a price break without a usable price or quantity. "
                "Correct it in OrderCloud."
            )
            raise Unfit(external_id, "price-not-a-number", message)
        check(external_id, out_of_range("quantity", quantity) or out_of_range("price", price))
        tiers.setdefault(quantity, Tier(quantity, price))
    return Pricing(tuple(tiers[quantity] for quantity in sorted(tiers)), due, currency)


def _currency(external_id: str, name: str, schedule: Mapping[str, Any], expected: str | None) -> str:
    currency = currency_of(schedule)
    if currency is None:
        if expected is None:
            message = f"The price has no currency. Set one at the price schedule {name}."
            raise Unfit(external_id, "no-currency", message)
        return expected.upper()
    if expected is not None and currency != expected.upper():
        message = (
            f"The price schedule {name} is in {currency[:10]}, the price list in {expected}. "
            f"Give the product a default price in {expected}."
        )
        raise Unfit(external_id, "other-currency", message)
    return currency


def _sale(external_id: str, name: str, schedule: Mapping[str, Any], now: datetime) -> tuple[bool, datetime | None]:
    """Whether the sale is on, and when that changes next."""
    # documented: the sale price counts while the time is within SaleStart and SaleEnd.
    # inferred: an open side, and that the moment of the end is out.
    try:
        start, end = moment(schedule.get("SaleStart")), moment(schedule.get("SaleEnd"))
    except Misfit as misfit:
        message = f"The price schedule {name} has the sale date {misfit.shown}, which is no date. Correct it."
        raise Unfit(external_id, "date-not-a-date", message) from None
    if start is None and end is None:
        # inferred: without a window the API itself says whether there is a sale.
        return schedule.get("IsOnSale") is not False, None
    on_sale = (start is None or start <= now) and (end is None or now < end)
    changes = [change for change in (start, end) if change is not None and change > now]
    return on_sale, min(changes, default=None)


def with_markups(pricing: Pricing, variant: View) -> tuple[Tier, ...]:
    """Return the prices of a variant: those of its product and what its options add.

    Raises:
        Unfit: one of them is out of range.
    """
    amounts, percentages = _markups(variant, _AMOUNT), _markups(variant, _PERCENTAGE)
    if not amounts and not percentages:
        return pricing.tiers
    tiers = []
    for tier in pricing.tiers:
        price = total((with_percentages(tier.price, percentages, pricing.currency), *amounts))
        check(variant.external_id, out_of_range("price", price))
        tiers.append(Tier(tier.quantity, as_sent(price)))
    return tuple(tiers)


def _markups(variant: View, kind: str) -> tuple[Decimal, ...]:
    specs = (spec for spec in objects(variant.data.get("Specs")) if spec.get("PriceMarkupType") == kind)
    markups = (json_number(spec.get("PriceMarkup")) for spec in specs)
    return tuple(markup for markup in markups if markup)
