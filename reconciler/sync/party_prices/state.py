"""The state that the target should have of a price list, as the engine takes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.sparklayer.price_list_records import canonical_list
from reconciler.sparklayer.records import Tier
from reconciler.sync.datatype import Held, TargetState
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.mapping.values import plain
from reconciler.sync.party_prices.mapper import ListDraft
from reconciler.sync.party_prices.model import ListHeld, Part, Rows, held_to_json

_UNKNOWN = ""
_SIZE = 8


class Outcome(Struct):
    """What is found out about a list while it is written; a sink fills it in, and the ledger keeps it.

    Args:
        made: whether this data sync made it, or is about to; None: as before.
    """

    made: bool | None = None


class ListState(TargetState, frozen=True, kw_only=True):
    """State that the target should have of a price list.

    Args:
        body: of the list; None: it must not be written.
        tiers: prices by SKU that it should have, those that stay what they are left out.
        after: what it holds once it is written.
        before: what it holds.
        outcome: what a write tells.
    """

    body: Wire | None
    tiers: Mapping[str, tuple[Tier, ...]] = field(default_factory=dict)
    after: ListHeld
    before: ListHeld
    outcome: Outcome = field(default_factory=Outcome)

    def held(self, *, whole: bool) -> Held:
        held = self.after if whole else _either(self.before, self.after)
        return held_to_json(held if self.outcome.made is None else replace(held, made=self.outcome.made))


def list_print(body: Mapping[str, Any]) -> bytes:
    """Return the fingerprint of a price list without its prices."""
    return digest_of(canonical_list(body))


def row_print(tiers: tuple[Tier, ...]) -> str:
    """Return the fingerprint of the prices of a SKU."""
    return digest_of(sorted([tier.quantity, plain(tier.price)] for tier in tiers))[:_SIZE].hex()


def rows_print(rows: Rows) -> bytes:
    """Return the fingerprint of all rows of a list."""
    return digest_of({sku: value for found in rows.values() for sku, value in found.items()})


def noted_rows(held: ListHeld, believed: bytes | None) -> Mapping[str, str] | None:
    """Return the fingerprints of a list's rows by SKU as they were noted; None: they are not to be believed.

    Args:
        held: what the target holds.
        believed: the fingerprint of all rows, put in doubt before each write; None: in doubt.
    """
    if believed != rows_print(held.rows):
        return None
    return {sku: value for found in held.rows.values() for sku, value in found.items()}


def settled(draft: ListDraft, before: ListHeld) -> ListState:
    """Return the state of a price list.

    Args:
        draft: of it.
        before: what the target holds.
    """
    tiers = {sku: found for rows in draft.rows.values() for sku, found in rows.items()}
    rows: dict[str, Mapping[str, str]] = {
        product: {sku: row_print(found) for sku, found in prices.items()} for product, prices in draft.rows.items()
    }
    for product in draft.kept & before.rows.keys():
        # What another product has taken over by now is that one's.
        rows[product] = {sku: value for sku, value in before.rows[product].items() if sku not in tiers}
    after = ListHeld(draft.slug, before.made, {product: found for product, found in rows.items() if found})
    return ListState(
        key=draft.key,
        prints={Part.LIST: list_print(draft.body), Part.ROWS: rows_print(after.rows)},
        removes=frozenset({Part.ROWS.value} if before.skus - after.skus else ()),
        problems=draft.problems,
        due=draft.due,
        body=draft.body,
        tiers=tiers,
        after=after,
        before=before,
    )


def deleted(key: str, before: ListHeld, *, kept: bool) -> ListState:
    """Return the state of a price list that nobody needs any more: gone, where this data sync made it.

    Args:
        key: of the record.
        before: what the target holds.
        kept: whether a manifest names it.
    """
    goes = before.made and not kept
    return ListState(
        key=key,
        prints={},
        # With the list its rows go: nothing is believed of either any more.
        removes=frozenset(part.value for part in Part) if goes else frozenset(),
        gone=True,
        body=None,
        # One that is kept stays ours: it goes once no manifest names it, or is taken up again.
        after=before if before.made and kept else ListHeld(),
        before=before,
    )


def _either(before: ListHeld, after: ListHeld) -> ListHeld:
    """What the target may hold where only some of it was written."""
    rows: dict[str, dict[str, str]] = {}
    for product in {*before.rows, *after.rows}:
        old, new = before.rows.get(product, {}), after.rows.get(product, {})
        rows[product] = {sku: new[sku] if old.get(sku) == new.get(sku) else _UNKNOWN for sku in {*old, *new}}
    return ListHeld(after.slug or before.slug, before.made, rows)
