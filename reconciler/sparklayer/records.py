"""Stock levels and prices as they are written. Plain values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from msgspec import Struct


class StockLevel(Struct, frozen=True, order=True):
    """Stock level of a SKU at a location.

    Args:
        sku: the variant's SKU.
        location: the location's external ID.
        level: how many; may be negative.
        restock_date: when more is expected; None: not known.
    """

    sku: str
    location: str
    level: int
    restock_date: date | None = None


class Tier(Struct, frozen=True, order=True):
    """Unit price from a quantity on.

    Args:
        quantity: the least quantity, 1 or more.
        price: for one unit, exact. Compare it as a number: 10 and 10.00 are equal and are written differently.
    """

    quantity: int
    price: Decimal


class Price(Struct, frozen=True, order=True):
    """Price of a SKU on a price list, with its tiers.

    Args:
        sku: the variant's SKU.
        price_list: the list's slug.
        tiers: its prices by quantity, each quantity once; none: the SKU loses its prices on the list.
    """

    sku: str
    price_list: str
    tiers: tuple[Tier, ...] = ()
