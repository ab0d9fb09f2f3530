"""The settings of a DataSync that are about products, stock and prices; and their digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from msgspec import Struct, field

from reconciler.sparklayer.kinds.data_sync.expressions import Expression, may_see_stock
from reconciler.sync.mapping.rules import GRAMS, MappingRules
from reconciler.sync.products.model import Part

# Raise it when the mapping itself changes what it makes of a record: a full sync is wanted then.
_VERSION = 2


class ProductSettings(Struct, frozen=True):
    """What a DataSync says of products, stock and prices.

    Args:
        catalogs: whose products flow; none: all.
        rules: the mapping.
        locations: AddressID to the external ID of a stock location.
        default_location: external ID of the location that takes stock without records.
        price_list: slug of the list that prices go to; None: prices do not flow.
        currency: the store's.
        record_url: template of links to records; None: the API's own URL.
        parts: what flows.
    """

    catalogs: tuple[str, ...] = ()
    rules: MappingRules = field(default_factory=MappingRules)
    locations: Mapping[str, str] = {}
    default_location: str | None = None
    price_list: str | None = None
    currency: str | None = None
    record_url: str | None = None
    parts: frozenset[Part] = frozenset(Part)

    @property
    def spares_stock(self) -> bool:
        """Whether inventory records need not be read where their sums by address are known: no expression sees them."""
        return Part.STOCK in self.parts and not may_see_stock(self.rules.expressions.values())

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


def product_settings(state: Mapping[str, Any]) -> ProductSettings:
    """Return what a DataSync says of products.

    Args:
        state: what it wants, in manifest terms, defaults in, references as live IDs.
    """
    products: Mapping[str, Any] | None = state.get("products")
    stock: Mapping[str, Any] | None = state.get("stock")
    pricing: Mapping[str, Any] | None = state.get("pricing")
    sections = {Part.PRODUCT: products, Part.STOCK: stock, Part.PRICES: pricing}
    mapping: Mapping[str, str] = (products or {}).get("mapping") or {}
    rules = MappingRules(
        {key: Expression(text) for key, text in mapping.items()}, GRAMS[(products or {}).get("shipWeightUnit", "kg")]
    )
    return ProductSettings(
        catalogs=tuple((products or {}).get("catalogs") or ()),
        rules=rules,
        locations=dict((stock or {}).get("locations") or {}),
        default_location=(stock or {}).get("default"),
        price_list=(pricing or {}).get("priceList"),
        currency=state.get("currency"),
        record_url=(products or {}).get("recordUrl"),
        parts=frozenset(part for part, section in sections.items() if section is not None),
    )


def digest(settings: ProductSettings) -> str:
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
