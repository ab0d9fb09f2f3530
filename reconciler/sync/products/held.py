"""What the target holds of a record, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.sync.products.model import Held


def held_to_json(held: Held) -> dict[str, Any]:
    """Return it as JSON data; what is empty is left out."""
    body = {
        "variants": sorted(held.variants),
        "skus": {sku: list(locations) for sku, locations in sorted(held.skus.items())},
        "priced": sorted(held.priced),
        "slug": held.slug,
        "discontinued": held.discontinued,
    }
    return {name: value for name, value in body.items() if value}


def held_from_json(body: Mapping[str, Any]) -> Held:
    """Return what `held_to_json` made of it."""
    return Held(
        frozenset(body.get("variants", ())),
        {sku: tuple(locations) for sku, locations in body.get("skus", {}).items()},
        frozenset(body.get("priced", ())),
        body.get("slug"),
        bool(body.get("discontinued")),
    )
