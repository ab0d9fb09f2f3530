"""Digest of what is compared: equal where that means the same. Pure."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import orjson

_SIZE = 16


def digest_of(value: Any) -> bytes:
    """Return the digest of JSON data: equal where it means the same, whatever the order of its objects."""
    return blake2b(_json(_canonical(value)), digest_size=_SIZE).digest()


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # A whole number beyond 64 bits, or half a character in a text.
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _canonical(value: Any) -> Any:
    """The same value for what means the same: `1` and `1.0`, null and nothing, objects of a list in another order."""
    kind = type(value)
    if kind is str or kind is int or kind is bool:  # most of it
        return value
    if isinstance(value, dict):
        return {name: _canonical(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        items = [_canonical(item) for item in value]
        if len(items) > 1 and isinstance(items[0], dict) and all(isinstance(item, dict) for item in items):
            items.sort(key=_json)
        return items
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
