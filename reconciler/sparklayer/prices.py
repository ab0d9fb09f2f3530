"""Prices on one price list of a site, by SKU."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class Tier:
    """What one unit costs from a quantity on.

    Args:
        quantity: the least quantity, 1 or more.
        price: for one unit, exact. Compare it as a number: 10 and 10.00 are equal and are written differently.
    """

    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True, order=True)
class Price:
    """What a SKU costs on a price list.

    Args:
        sku: the variant's SKU.
        price_list: the list's slug.
        tiers: its prices by quantity, each quantity once; none: the SKU loses its prices on the list.
    """

    sku: str
    price_list: str
    tiers: tuple[Tier, ...] = ()
