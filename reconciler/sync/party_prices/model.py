"""What a price list of customers' own is made from, and what the ledger keeps of it. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct, field

from reconciler.errors import LedgerError
from reconciler.sync.mapping.values import View
from reconciler.sync.parties.combination import Combination
from reconciler.sync.parties.schedules import PartySchedules

PREFIX = "prices:"
"""How the key of every record begins: no other data type has such external IDs."""
Rows: TypeAlias = Mapping[str, Mapping[str, str]]
"""Fingerprints of rows by product and SKU; an empty one is of a row of which only the SKU is known."""


class Part(StrEnum):
    """What is compared and written by itself."""

    LIST = "list"
    ROWS = "rows"


class Item(Struct, frozen=True):
    """One SKU of a product.

    Args:
        sku: of it.
        variant: what its options add to a price.
    """

    sku: str
    variant: View


class Ware(Struct, frozen=True):
    """What is needed of a product to price it.

    Args:
        product: its ID.
        default_id: ID of its default price schedule, for messages.
        default: that schedule; empty where it has none.
        items: its SKUs; none as long as variants were not read.
        look: fingerprint of what lists show of it.
    """

    product: str
    default_id: str
    default: Mapping[str, Any]
    items: tuple[Item, ...]
    look: bytes


class Shelf(Struct, frozen=True):
    """What is for sale, and the price schedules that parties have; the lists of one run share it.

    Args:
        wares: by product ID.
        unread: IDs of products that exist and could not be read: what lists have of them stays as it is.
        schedules: price schedules by ID, as far as they could be read.
        assigned: which party has which.
    """

    wares: Mapping[str, Ware] = {}
    unread: frozenset[str] = frozenset()
    schedules: Mapping[str, Mapping[str, Any]] = {}
    assigned: PartySchedules = field(default_factory=PartySchedules)


class PartyList(Struct, frozen=True):
    """Source record of a price list.

    Args:
        combination: of parties that it is for.
        buyer_name: name of the buyer; its ID where it has none.
        shelf: what is for sale.
        look: fingerprint of what lists show of all this; None: not known.
    """

    combination: Combination
    buyer_name: str
    shelf: Shelf
    look: bytes | None = None

    @property
    def key(self) -> str:
        """ID of the record, e.g. `prices:acme+vip`."""
        return PREFIX + self.combination.key


class ListHeld(Struct, frozen=True):
    """What the target holds of a price list.

    Args:
        slug: of the list; None: there is none.
        made: whether this data sync made it.
        rows: of the list.
    """

    slug: str | None = None
    made: bool = False
    rows: Rows = {}

    @property
    def skus(self) -> frozenset[str]:
        """The SKUs that have a row."""
        return frozenset(sku for found in self.rows.values() for sku in found)


def combination_of(key: str) -> Combination | None:
    """Return the combination of parties that a record is about; None where no record has such a key."""
    return Combination.of_key(key.removeprefix(PREFIX)) if key.startswith(PREFIX) else None


def held_to_json(held: ListHeld) -> dict[str, Any]:
    """Return it as JSON data; what is empty is left out."""
    body = {
        "slug": held.slug,
        "made": held.made,
        "rows": {product: dict(sorted(rows.items())) for product, rows in sorted(held.rows.items()) if rows},
    }
    return {name: value for name, value in body.items() if value}


def held_from_json(body: Mapping[str, Any]) -> ListHeld:
    """Return what `held_to_json` made of it.

    Raises:
        LedgerError: it did not make that.
    """
    slug, rows = body.get("slug"), body.get("rows", {})
    sound = slug is None or isinstance(slug, str)
    sound = sound and isinstance(rows, dict) and all(isinstance(each, dict) for each in rows.values())
    if not sound or not all(isinstance(value, str) for each in rows.values() for value in each.values()):
        raise LedgerError(
            "The ledger is damaged: what the target holds of a price list is not as reconciler writes it",
            next_step="Restore it from a backup, and see who else writes to it.",
        )
    return ListHeld(slug, bool(body.get("made")), rows)
