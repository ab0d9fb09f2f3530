"""What a DataSync says, ready for use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from reconciler.sparklayer.kinds.data_sync.budget import Budget
from reconciler.sparklayer.kinds.data_sync.expressions import Expression
from reconciler.sync.products.model import Part
from reconciler.words import parse_duration

# Raise it when the mapping itself changes what it makes of a record: a full sync is wanted then.
_VERSION = 2
_GRAMS: Mapping[str, Decimal] = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}


@dataclass(frozen=True, slots=True)
class MappingRules:
    """How values of a product come about where the defaults are not wanted.

    Args:
        expressions: by mapping key, e.g. `variants.sku`.
        grams: of one unit of `ShipWeight`.
    """

    expressions: Mapping[str, Expression] = field(default_factory=dict)
    grams: Decimal = _GRAMS["kg"]

    def within(self, work: int) -> MappingRules:
        """Return the rules with one budget for all that their expressions do, in the units of `Budget`."""
        budget = Budget(work)
        return replace(self, expressions={key: rule.within(budget) for key, rule in self.expressions.items()})


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """A DataSync.

    Args:
        name: of its manifest.
        integration: the sync log's name.
        interval: between the end of a run and the start of the next.
        walk_interval: how often everything is read.
        freshness: how old the last good run may be.
        max_open_problems: how many open problems it may have.
        max_delete_percent: how much of all records one run may discontinue.
        catalogs: whose products flow; none: all.
        rules: the mapping.
        locations: AddressID to the external ID of a stock location.
        default_location: external ID of the location that takes stock without records.
        price_list: slug of the list that prices go to; None: prices do not flow.
        currency: the store's.
        record_url: template of links to records; None: the API's own URL.
        parts: what flows.
    """

    name: str
    integration: str
    interval: timedelta
    walk_interval: timedelta
    freshness: timedelta
    max_open_problems: int
    max_delete_percent: float
    catalogs: tuple[str, ...] = ()
    rules: MappingRules = field(default_factory=MappingRules)
    locations: Mapping[str, str] = field(default_factory=dict)
    default_location: str | None = None
    price_list: str | None = None
    currency: str | None = None
    record_url: str | None = None
    parts: frozenset[Part] = frozenset(Part)

    def link(self, external_id: str, api_url: str) -> str:
        """Return where people find a record in the source.

        Args:
            external_id: of a product or variant.
            api_url: base URL of the source's API.
        """
        product, _, variant = external_id.partition("/")
        if self.record_url is not None:
            return self.record_url.replace("{ID}", quote(product, safe=""))
        path = f"products/{quote(product, safe='')}"
        return f"{api_url.rstrip('/')}/{path}" + (f"/variants/{quote(variant, safe='')}" if variant else "")


def sync_settings(name: str, state: Mapping[str, Any]) -> SyncSettings:
    """Return the settings of a DataSync.

    Args:
        name: of its manifest.
        state: what it wants, in manifest terms, defaults in, references as live IDs.
    """
    products: Mapping[str, Any] | None = state.get("products")
    stock: Mapping[str, Any] | None = state.get("stock")
    pricing: Mapping[str, Any] | None = state.get("pricing")
    sections = {Part.PRODUCT: products, Part.STOCK: stock, Part.PRICES: pricing}
    mapping: Mapping[str, str] = (products or {}).get("mapping") or {}
    rules = MappingRules(
        {key: Expression(text) for key, text in mapping.items()}, _GRAMS[(products or {}).get("shipWeightUnit", "kg")]
    )
    return SyncSettings(
        name=name,
        integration=state["integration"],
        interval=parse_duration(state["interval"]),
        walk_interval=parse_duration(state["walkInterval"]),
        freshness=parse_duration(state["freshness"]),
        max_open_problems=state["maxOpenProblems"],
        max_delete_percent=state["maxDeletePercent"],
        catalogs=tuple((products or {}).get("catalogs") or ()),
        rules=rules,
        locations=dict((stock or {}).get("locations") or {}),
        default_location=(stock or {}).get("default"),
        price_list=(pricing or {}).get("priceList"),
        currency=state.get("currency"),
        record_url=(products or {}).get("recordUrl"),
        parts=frozenset(part for part, section in sections.items() if section is not None),
    )


def digest(settings: SyncSettings) -> str:
    """Return a digest of what decides which records there are and what they become; another one wants a full sync."""
    said = {
        "version": _VERSION,
        "catalogs": sorted(settings.catalogs),
        "expressions": {key: rule.text for key, rule in settings.rules.expressions.items()},
        "grams": str(settings.rules.grams),
        "locations": dict(settings.locations),
        "default": settings.default_location,
        "priceList": settings.price_list,
        "currency": settings.currency,
        "parts": sorted(settings.parts),
    }
    return blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()
