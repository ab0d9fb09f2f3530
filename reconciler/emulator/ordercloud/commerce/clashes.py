"""Clashes of xp types, for which the search index leaves products out.

documented: such a product is missing from lists and answers by ID. inferred: that the type that most products have is
the index's own (of two as frequent ones, the one that was there first), and that the types of JSON are what clashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.emulator.ordercloud.models import JsonObject

_Path = tuple[str, ...]


def clashing(rows: Iterable[tuple[str, JsonObject]]) -> frozenset[str]:
    """Return the keys of rows whose xp has a value of another type than most have in its place."""
    typed = {key: frozenset(_types(row.get("xp"), ())) for key, row in rows}
    counts = Counter(found for types in typed.values() for found in types)
    usual: dict[_Path, str] = {}
    for (path, name), count in counts.items():
        if path not in usual or count > counts[path, usual[path]]:
            usual[path] = name
    odd = {(path, name) for path, name in counts if usual[path] != name}
    return frozenset(key for key, types in typed.items() if odd & types)


def _types(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Yield each place with the type of what is there. A list is what its items are; null is nothing."""
    if isinstance(value, dict):
        if path:
            yield path, "object"
        for name, inner in value.items():
            yield from _types(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _types(inner, path)
    elif isinstance(value, str):
        yield path, "text"
    elif isinstance(value, bool):
        yield path, "boolean"
    elif value is not None:
        yield path, "number"
