"""Stock that is known already, and what lists alone tell of it, so that inventory records need not be read (inferred).

What is taken for true here and nowhere else:

- inferred: `Inventory.LastUpdated` of a product moves with every inventory record, and with the stock of its variants.
  `StockMemo.fits` leans on it for what no sum shows: stock that moves between places.
- inferred: a filter by a range of addresses (`InventoryRecords.AddressID=<a|>a`) finds the products with a record at
  another address than `a`. `_single_places` asks it a question first of which it knows the answer.
- documented: with inventory records, `Inventory.QuantityAvailable` of a product is their sum.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import Rejected
from reconciler.kind.connection import Params, Wire
from reconciler.ordercloud.readers.pages import Listing
from reconciler.ordercloud.readers.walk import Piece, walk
from reconciler.ordercloud.together import together

HAS_RECORDS = {"InventoryRecords.AddressID": "*"}
"""documented: the path; inferred: that it sees the records of variants too."""
_OF_PRODUCT = ""
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,90}")
# More addresses than these are not asked for one by one.
_MOST_PLACES = 20
# A place at which fewer products have all their stock is not worth its list.
_WORTH = 20

Levels = Mapping[str, Mapping[str, int]]
"""Quantity by address, by ID of the variant that has it; of the product itself under an empty ID."""


class StockMemo(Struct, frozen=True):
    """What the inventory records of a product said when they were read.

    Args:
        stamp: `Inventory.LastUpdated` as the product showed it then.
        tracked: the stock stands at the variants.
        levels: quantities; of several records at one address their sum.
    """

    stamp: str
    tracked: bool
    levels: Levels

    @property
    def only_place(self) -> str | None:
        """The address at which the product itself has all of its stock; None: there is no such one."""
        places = self.levels.get(_OF_PRODUCT, {})
        return next(iter(places)) if not self.tracked and len(places) == 1 else None

    def fits(self, product: Wire) -> bool:
        """Whether the stock of a product is as it was, by its stamp and, as far as they tell, by flags and sums."""
        inventory = inventory_of(product)
        quantity = sum(sum(places.values()) for places in self.levels.values())
        return (
            inventory.get("LastUpdated") == self.stamp
            and tracks_variants(product) == self.tracked
            and inventory.get("QuantityAvailable") == quantity
            and any(self.levels.values())
        )

    def of_variants(self, variants: Sequence[Wire]) -> list[Wire] | None:
        """Return variants with their inventory records; None where one is new, or shows another sum."""
        if any(not self._has(variant) for variant in variants):
            return None
        return [{**variant, "InventoryRecords": self._records(str(variant["ID"]))} for variant in variants]

    def of_product(self) -> list[Wire]:
        """Return the inventory records of the product itself."""
        return self._records(_OF_PRODUCT)

    def _has(self, variant: Wire) -> bool:
        places = self.levels.get(str(variant["ID"]))
        if places is None:
            return False
        quantity = inventory_of(variant).get("QuantityAvailable")
        return not places or quantity is None or quantity == sum(places.values())

    def _records(self, owner: str) -> list[Wire]:
        return [_record(address, quantity) for address, quantity in self.levels.get(owner, {}).items()]


def memo_of(product: Mapping[str, Any]) -> StockMemo | None:
    """Return what is to be known of the stock of a product that was read with it; None: it cannot be told in short."""
    wire = cast("Wire", product)
    stamp = inventory_of(wire).get("LastUpdated")
    tracked = tracks_variants(wire)
    owners: Mapping[str, Any] = {_OF_PRODUCT: product}
    if tracked:
        owners = {str(variant["ID"]): variant for variant in product.get("Variants") or ()}
    levels: dict[str, Mapping[str, int]] = {}
    for name, owner in owners.items():
        # Without records nothing was asked: then a variant has none that anybody knows of.
        places = _by_address(owner.get("InventoryRecords") or ())
        if places is None:
            return None
        levels[name] = places
    return StockMemo(stamp, tracked, levels) if isinstance(stamp, str) else None


def summed(product: Wire, address: str) -> list[Wire] | None:
    """Return the inventory records of a product that has all of its stock at one address; None: it shows no sum."""
    quantity = inventory_of(product).get("QuantityAvailable")
    return [_record(address, quantity)] if isinstance(quantity, int) and not isinstance(quantity, bool) else None


def tracks_variants(product: Wire) -> bool:
    """Whether the stock stands at the variants; without any, the flag says nothing."""
    return bool(product.get("VariantCount")) and bool(inventory_of(product).get("VariantLevelTracking"))


def inventory_of(owner: Wire) -> Wire:
    """Return the `Inventory` of a product or variant; empty where there is none."""
    inventory = owner.get("Inventory")
    return inventory if isinstance(inventory, dict) else {}


def _by_address(records: Iterable[Mapping[str, Any]]) -> dict[str, int] | None:
    """Return the sum of some records by address; None where one of them is not plain enough for that."""
    found: dict[str, int] = {}
    for record in records:
        address, quantity = record.get("AddressID"), record.get("QuantityAvailable") or 0
        if not isinstance(address, str) or not isinstance(quantity, int) or isinstance(quantity, bool):
            return None
        found[address] = found.get(address, 0) + quantity
    return found


def _record(address: str, quantity: int) -> Wire:
    return {"AddressID": address, "QuantityAvailable": quantity}


class KnownStock(Struct, frozen=True):
    """What somebody knows of the stock of products before it is read.

    Args:
        recall: returns the memos of products by ID, as far as there are any.
        skips: inventory records of what has not moved are not read.
        places: addresses that stock may be at.
    """

    recall: Callable[[Collection[str]], Awaitable[Mapping[str, StockMemo]]]
    skips: bool = False
    places: tuple[str, ...] = ()


class StockTold(Struct, frozen=True):
    """What lists tell of the stock of some products.

    Args:
        flagged: those that have inventory records.
        memos: of those of which the stock is known, and has not moved.
        single: the address of those that have all of it at one.
    """

    flagged: Collection[str] = frozenset()
    memos: Mapping[str, StockMemo] = {}
    single: Mapping[str, str] = {}


class StockLists:
    """Tells of the products of a walk who has inventory records, and of whom they need not be read.

    Args:
        listing: products that have some.
        known: what is known of their stock; None: nothing.
    """

    def __init__(self, listing: Listing, known: KnownStock | None) -> None:
        self._listing = listing
        self._known = known
        self._few: set[str] | None = None
        self._single: Mapping[str, Listing] = {}
        self._is_open = False

    async def _open(self) -> None:
        """Count the products that have records, and find out at which addresses many have all of theirs."""
        self._is_open = True
        first = await self._listing.page_within_cap(())
        if first is None:
            return
        if first.reaches_end:
            self._few = {str(item["ID"]) for item in first.items}
        elif self._known is not None and not self._known.skips:
            self._single = await _single_places(self._listing, self._known.places, first.total)

    async def of(self, piece: Piece) -> StockTold:
        """Return what lists tell of the products in a piece of their list, one piece after the other."""
        if not piece.items:
            return StockTold()
        if not self._is_open:
            await self._open()
        flagged = self._few if self._few is not None else await _ids_in(self._listing, piece)
        ours = [str(item["ID"]) for item in piece.items if str(item["ID"]) in flagged]
        if self._known is None or not ours:
            return StockTold(flagged)
        memos = await self._known.recall(ours)
        if self._known.skips:
            products = {str(item["ID"]): item for item in piece.items}
            return StockTold(flagged, {name: memo for name, memo in memos.items() if memo.fits(products[name])})
        others = await together(_ids_in(listing, piece) for listing in self._single.values())
        elsewhere = dict(zip(self._single, others, strict=True))
        single: dict[str, str] = {}
        for name, memo in memos.items():
            # What the records said is known, so that an address that differs in case alone is another one.
            address = memo.only_place
            if address is not None and name not in elsewhere.get(address, {name}):
                single[name] = address
        return StockTold(flagged, single=single)


async def _single_places(listing: Listing, places: Iterable[str], total: int) -> Mapping[str, Listing]:
    """Return by address, where many products have all of their stock at one, the list of those with some elsewhere.

    Args:
        listing: products that have inventory records.
        places: the addresses.
        total: how many products have some.
    """
    found: dict[str, Listing] = {}
    for address in [place for place in places if _PLAIN_ID.fullmatch(place)][:_MOST_PLACES]:
        elsewhere = _elsewhere(listing, address)
        try:
            first = await elsewhere.page_within_cap(())
            if first is None or total - first.total - first.total // 100 < _WORTH:
                continue
            # Nobody has a place of this name, so that everybody has stock at another one: else it does not filter so.
            everybody = await _elsewhere(listing, f"{address}-").page_within_cap(())
        except Rejected:
            return {}
        if everybody is not None and everybody.total == total:
            found[address] = elsewhere
    return found


def _elsewhere(listing: Listing, address: str) -> Listing:
    params: Params = {**listing.params, "InventoryRecords.AddressID": f"<{address}|>{address}"}
    return replace(listing, params=params)


async def _ids_in(listing: Listing, piece: Piece) -> set[str]:
    """Return the IDs of a list that lie within a piece of another."""
    async with aclosing(walk(listing, where=piece.where, searched=not piece.in_order)) as pieces:
        return {str(item["ID"]) async for found in pieces for item in found.items}
