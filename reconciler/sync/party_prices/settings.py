"""Settings of a DataSync that are about price lists of the customers' own; and their digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from msgspec import Struct, field

from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.skus import sku_rules
from reconciler.sync.parties.users import UserScope, user_scope
from reconciler.sync.party_prices.model import combination_of

# Raise it when the mapping itself changes what it makes of a record: a full sync is wanted then.
_VERSION = 2


class PartyPriceSettings(Struct, frozen=True):
    """What a DataSync says of price lists of the customers' own.

    Args:
        price_list: slug of the default list.
        by_rows: whether all rows are written; else a rule takes from the default list what does not differ.
        rules: the mapping of SKUs.
        catalogs: whose products flow; none: all.
        users: which users flow.
        kept: slugs that the manifest names: such a list is never deleted.
        currency: of the default list where there is none yet; None: not known.
    """

    price_list: str
    by_rows: bool = False
    rules: MappingRules = field(default_factory=MappingRules)
    catalogs: tuple[str, ...] = ()
    users: UserScope = field(default_factory=UserScope)
    kept: frozenset[str] = frozenset()
    currency: str | None = None

    def link(self, external_id: str, api_url: str) -> str:
        """Return where people find the buyer of a price list in the source."""
        combination = combination_of(external_id)
        buyer = external_id if combination is None else combination.buyer
        return f"{api_url.rstrip('/')}/buyers/{quote(buyer, safe='')}"


def party_price_settings(state: Mapping[str, Any]) -> PartyPriceSettings | None:
    """Return what a DataSync says of price lists of the customers' own; None: it wants none.

    Args:
        state: what it wants, in manifest terms, defaults in, references as live IDs.
    """
    pricing: Mapping[str, Any] = state.get("pricing") or {}
    if not pricing.get("partyPriceLists"):
        return None
    products: Mapping[str, Any] = state.get("products") or {}
    customers: Mapping[str, Any] = state.get("customers") or {}
    named = (slug for slugs in (customers.get("groupPriceLists") or {}).values() for slug in slugs)
    return PartyPriceSettings(
        price_list=pricing["priceList"],
        by_rows=pricing.get("partyPrices") == "rows",
        rules=sku_rules(state),
        catalogs=tuple(products.get("catalogs") or ()),
        users=user_scope(customers),
        kept=frozenset({pricing["priceList"], *named}),
        currency=state.get("currency"),
    )


def digest(settings: PartyPriceSettings) -> str:
    """Return a digest of what decides which records there are and what they become; another one wants a full sync."""
    said = {
        "version": _VERSION,
        "priceList": settings.price_list,
        "byRows": settings.by_rows,
        "expressions": {key: rule.text for key, rule in settings.rules.expressions.items()},
        "catalogs": sorted(settings.catalogs),
        "buyers": sorted(settings.users.buyers),
        "where": None if settings.users.where is None else settings.users.where.text,
        "email": None if settings.users.email is None else settings.users.email.text,
    }
    return blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()
