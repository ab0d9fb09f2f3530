"""Fingerprints of what the target should hold or holds: equal where that is equal, whatever its order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.kind.connection import Wire
from reconciler.sparklayer.records import Price, StockLevel
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.mapping.values import plain
from reconciler.sync.products.model import Part, Wanted

# What is read of each product by itself.
_INSIDE = frozenset({"Variants", "InventoryRecords"})


def fingerprints(wanted: Wanted) -> dict[Part, bytes]:
    """Return the fingerprint of every part that is to be written.

    Removals are not in it: once they are done, the same record without them is the same.
    """
    prints: dict[Part, bytes] = {}
    if wanted.product is not None:
        prints[Part.PRODUCT] = of_product(wanted.product)
    if wanted.stock is not None:
        prints[Part.STOCK] = of_stock(wanted.stock)
    if wanted.prices is not None:
        prints[Part.PRICES] = of_prices(wanted.prices)
    return prints


def of_product(body: Wire) -> bytes:
    """Return the fingerprint of a canonical product."""
    return digest_of(body)


def of_stock(levels: Iterable[StockLevel]) -> bytes:
    """Return the fingerprint of stock levels."""
    rows = [
        [level.sku, level.location, level.level, level.restock_date.isoformat() if level.restock_date else None]
        for level in levels
    ]
    return digest_of(sorted(rows, key=lambda row: row[:2]))


def of_prices(prices: Iterable[Price]) -> bytes:
    """Return the fingerprint of prices. Those without tiers are none."""
    rows = [
        [price.sku, price.price_list, sorted([tier.quantity, plain(tier.price)] for tier in price.tiers)]
        for price in prices
        if price.tiers
    ]
    return digest_of(sorted(rows))


def of_list(product: Mapping[str, Any]) -> bytes:
    """Return the fingerprint of what lists show of a product: itself and its default price schedule."""
    return digest_of({name: value for name, value in product.items() if name not in _INSIDE})
