"""Stock levels of one site, by SKU and location."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class StockLevel:
    """How much of a SKU is at a location.

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
