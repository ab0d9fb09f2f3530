"""The settings of a DataSync that are about customers; and their digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from msgspec import Struct, field

from reconciler.sparklayer.kinds.data_sync.expressions import Expression
from reconciler.sparklayer.price_list_records import SLUG_PREFIX
from reconciler.sync.mapping.identity import address_of, customer_key
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.parties.users import UserScope
from reconciler.words import parse_duration

# Raise it when the mapping itself changes what it makes of a record: a full sync is wanted then.
_VERSION = 1


class CustomerSettings(Struct, frozen=True):
    """What a DataSync says of customers.

    Args:
        buyers: patterns of buyer IDs whose users flow; none: all.
        where: only those flow for whom it is true; None: all.
        rules: the mapping.
        groups: user group ID, or `{buyerID}.{groupID}`, to the slug of a customer group.
        own_lists: price schedules of parties become price lists of the customers' own.
        deletes: a customer whose user is gone is deleted, not deactivated.
        overwrites_unread: a customer that cannot be read is replaced by what we map, and loses the rest.
        walk_interval: how often all are read; None: as the DataSync says.
        record_url: template of links to records; None: the API's own URL.
    """

    buyers: tuple[str, ...] = ()
    where: Expression | None = None
    rules: MappingRules = field(default_factory=MappingRules)
    groups: Mapping[str, str] = {}
    own_lists: bool = False
    deletes: bool = False
    overwrites_unread: bool = False
    walk_interval: timedelta | None = None
    record_url: str | None = None

    @property
    def scope(self) -> UserScope:
        """Which users flow."""
        return UserScope(self.buyers, self.where, self.rules.expressions.get("email"))

    @property
    def lists_prefix(self) -> str | None:
        """How the slugs of price lists begin that are ours; None: the mapping names all of them, or none are."""
        return SLUG_PREFIX if self.own_lists and "priceLists" not in self.rules.expressions else None

    @property
    def maps_parents(self) -> bool:
        """Whether customers may have one above them."""
        return "parentCustomerID" in self.rules.expressions

    def link(self, external_id: str, api_url: str) -> str:
        """Return where people find a user or an address in the source.

        Args:
            external_id: of a customer or of an address.
            api_url: base URL of the source's API.
        """
        address = address_of(external_id)
        key = address[0] if address is not None else customer_key(external_id)
        if key is None:
            return f"{api_url.rstrip('/')}/buyerusers"
        if self.record_url is not None:
            return self.record_url.replace("{ID}", quote(key.user, safe=""))
        buyer = f"{api_url.rstrip('/')}/buyers/{quote(key.buyer, safe='')}"
        if address is not None:
            return f"{buyer}/addresses/{quote(address[1], safe='')}"
        return f"{buyer}/users/{quote(key.user, safe='')}"


def customer_settings(state: Mapping[str, Any]) -> CustomerSettings | None:
    """Return what a DataSync says of customers; None: they do not flow.

    Args:
        state: what it wants, in manifest terms, defaults in, references as live IDs.
    """
    section: Mapping[str, Any] | None = state.get("customers")
    if section is None:
        return None
    pricing: Mapping[str, Any] = state.get("pricing") or {}
    where, interval = section.get("where"), section.get("walkInterval")
    return CustomerSettings(
        buyers=tuple(section.get("buyers") or ()),
        where=None if where is None else Expression(where),
        rules=MappingRules({key: Expression(text) for key, text in (section.get("mapping") or {}).items()}),
        groups=dict(section.get("groups") or {}),
        own_lists=bool(pricing.get("partyPriceLists")),
        deletes=section.get("onDelete") == "delete",
        overwrites_unread=bool(section.get("overwriteUnread")),
        walk_interval=None if interval is None else parse_duration(interval),
        record_url=section.get("recordUrl"),
    )


def digest(settings: CustomerSettings) -> str:
    """Return a digest of what decides which records there are and what they become; another one wants a full sync."""
    said = {
        "version": _VERSION,
        "buyers": sorted(settings.buyers),
        "where": None if settings.where is None else settings.where.text,
        "expressions": {key: rule.text for key, rule in settings.rules.expressions.items()},
        "groups": dict(settings.groups),
        "ownLists": settings.own_lists,
        "overwritesUnread": settings.overwrites_unread,
    }
    return blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()
