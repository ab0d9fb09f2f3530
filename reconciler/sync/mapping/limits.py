"""Limits of what the target takes. One table; docs/sync.md says what of it is documented."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

INT32 = 2**31 - 1
# inferred: all lengths; SparkLayer publishes none for products.
LENGTHS: Mapping[str, int] = {
    "title": 255,
    "slug": 255,
    "SKU": 255,
    "option group": 255,
    "option value": 255,
    "image URL": 2048,
}
# inferred: all ranges but that of stock levels, which is documented as a 32-bit number.
RANGES: Mapping[str, tuple[Decimal, Decimal]] = {
    "weight": (Decimal(0), Decimal(INT32)),
    "position": (Decimal(0), Decimal(INT32)),
    "quantity": (Decimal(1), Decimal(INT32)),
    "setting": (Decimal(0), Decimal(INT32)),
    "stock level": (Decimal(-INT32 - 1), Decimal(INT32)),
    "price": (Decimal(0), Decimal("999999999.99")),
    "recommended price": (Decimal(0), Decimal("999999999.99")),
}
# documented in SparkLayer's older pages: its own IDs begin so.
RESERVED_PREFIXES: Mapping[str, str] = {
    "product": "pp_",
    "variant": "pv_",
    "customer": "cu_",
    "address": "ca_",
}


def too_long(what: str, text: str) -> str | None:
    """Return what is wrong with a text that is too long, in the merchant's words."""
    limit = LENGTHS[what]
    return f"The {what} is longer than {limit:,} characters. Shorten it." if len(text) > limit else None


def out_of_range(what: str, number: Decimal | int) -> str | None:
    """Return what is wrong with a number that is out of its range, in the merchant's words."""
    low, high = RANGES[what]
    if number < low:
        return f"The {what} is less than {low:f}. Correct it."
    return f"The {what} is more than {high:,f}. Correct it." if number > high else None


def reserved(what: str, external_id: str, whose: str = "it") -> str | None:
    """Return what is wrong with an ID that SparkLayer keeps for itself, in the merchant's words.

    Args:
        what: of `RESERVED_PREFIXES`.
        external_id: of it.
        whose: ID has to be another one, for messages.
    """
    prefix = RESERVED_PREFIXES[what]
    if not external_id.startswith(prefix):
        return None
    return f"The {what}'s ID begins with {prefix}, which SparkLayer keeps for its own IDs. Give {whose} another ID."
