"""Combinations of parties that have prices of their own, and what a price list of one is called. Pure."""

from __future__ import annotations

import json
from base64 import b32encode
from hashlib import blake2b

from msgspec import Struct

from reconciler.sparklayer.price_list_records import SLUG_CHARACTERS, SLUG_PREFIX

_BYTES = 17


class Combination(Struct, frozen=True):
    """What decides the prices of a user: one price list is made for each that customers really have.

    Args:
        buyer: ID of the buyer.
        groups: IDs of those of the user's groups that have prices of their own, sorted, each once.
        currency: of the prices, in capitals; None: that of the default price list.
    """

    buyer: str
    groups: tuple[str, ...] = ()
    currency: str | None = None

    @property
    def key(self) -> str:
        """Its ID among records, e.g. `acme+gold+vip` or `acme@EUR`: no OrderCloud ID has such characters."""
        parties = "+".join((self.buyer, *self.groups))
        return parties if self.currency is None else f"{parties}@{self.currency}"

    @property
    def slug(self) -> str:
        """Slug of its price list: 29 characters, from IDs alone, so that it survives a new name and cannot collide."""
        said = json.dumps([self.buyer, list(self.groups), self.currency], ensure_ascii=True).encode()
        digest = b32encode(blake2b(said, digest_size=_BYTES).digest()).decode().lower()
        return SLUG_PREFIX + digest[:SLUG_CHARACTERS]

    @classmethod
    def of_key(cls, key: str) -> Combination | None:
        """Return the combination that has this key; None where none can have it."""
        parties, at, currency = key.partition("@")
        buyer, *groups = parties.split("+")
        if not buyer or not all(groups) or groups != sorted(set(groups)):
            return None
        if at and (not currency or currency != currency.upper()):
            return None
        return cls(buyer, tuple(groups), currency or None)
