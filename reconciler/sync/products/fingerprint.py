"""Fingerprints of what the target should hold or holds: equal where that is equal, whatever its order. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import orjson

from reconciler.kind.connection import Wire
from reconciler.sparklayer.records import Price, StockLevel
from reconciler.sync.mapping.values import plain
from reconciler.sync.products.model import Part, Wanted

_SIZE = 16
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
    return _digest(body)


def of_stock(levels: Iterable[StockLevel]) -> bytes:
    """Return the fingerprint of stock levels."""
    rows = [
        [level.sku, level.location, level.level, level.restock_date.isoformat() if level.restock_date else None]
        for level in levels
    ]
    return _digest(sorted(rows, key=lambda row: row[:2]))


def of_prices(prices: Iterable[Price]) -> bytes:
    """Return the fingerprint of prices. Those without tiers are none."""
    rows = [
        [price.sku, price.price_list, sorted([tier.quantity, plain(tier.price)] for tier in price.tiers)]
        for price in prices
        if price.tiers
    ]
    return _digest(sorted(rows))


def of_list(product: Mapping[str, Any]) -> bytes:
    """Return the fingerprint of what lists show of a product: itself and its default price schedule."""
    return _digest({name: value for name, value in product.items() if name not in _INSIDE})


def _digest(value: Any) -> bytes:
    return blake2b(_json(_canonical(value)), digest_size=_SIZE).digest()


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # A whole number beyond 64 bits, or half a character in a text.
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _canonical(value: Any) -> Any:
    """The same value for what means the same: `1` and `1.0`, null and nothing, objects of a list in another order."""
    if isinstance(value, dict):
        return {name: _canonical(member) for name, member in value.items() if member is not None}
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return sorted(map(_canonical, value), key=_json) if len(value) > 1 else [_canonical(value[0])]
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
