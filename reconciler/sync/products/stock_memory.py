"""Memory of stock: what inventory records said, kept in the ledger while `Inventory.LastUpdated` proves that it stays.

The stamp is an index's, and what it stands for was inferred (ordercloud/readers/stock.py). So a memo is kept only of a
stamp that is older than the index lags, and what is read is held against it: where stock moved and its stamp did not,
and no lag explains that, the stamp proves nothing at this shop.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.ledger.data.inbox_model import LAG
from reconciler.ordercloud.readers.records import Product
from reconciler.ordercloud.readers.stock import StockMemo, memo_of
from reconciler.sync.mapping.values import Misfit, mapping, moment
from reconciler.sync.products.model import FLAW

if TYPE_CHECKING:
    from reconciler.sync.run.abilities import Memos


# More than are on their way in a walk: three stretches of its list.
_MOST_RECALLED = 10_000


class Note(Struct, frozen=True):
    """What the ledger keeps of the stock of a product.

    Args:
        memo: what was read.
        moved_at: when it was first found otherwise than before, though the stamp is the same; None: it was not.
    """

    memo: StockMemo
    moved_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        moved = {} if self.moved_at is None else {"movedAt": self.moved_at.isoformat()}
        return {"stamp": self.memo.stamp, "tracked": self.memo.tracked, "levels": self.memo.levels, **moved}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Note | None:
        """Return a note from JSON data; None where it is none of ours."""
        stamp, tracked, levels = data.get("stamp"), data.get("tracked"), data.get("levels")
        if not (isinstance(stamp, str) and isinstance(tracked, bool) and isinstance(levels, dict)):
            return None
        if not all(map(_are_quantities, levels.values())):
            return None
        return cls(StockMemo(stamp, tracked, levels), _when(data.get("movedAt")))


def _are_quantities(places: Any) -> bool:
    return isinstance(places, dict) and all(isinstance(quantity, int) for quantity in places.values())


def noted(known: Note | None, memo: StockMemo, now: datetime) -> Note | None:
    """Return what is to be kept of the stock of a product that was read; None: nothing. Pure.

    Args:
        known: what was kept of it before.
        memo: what was read.
        now: the source's clock.
    """
    if known is not None and known.memo.stamp == memo.stamp:
        moved_at = known.moved_at or (now if next(_moved(known.memo, memo), None) else None)
        return Note(memo, moved_at)
    # What moves again within the lag may have the same stamp, or be shown with one that is older.
    return Note(memo) if _is_old(memo.stamp, now) else None


def disproves(known: Note | None, product: Product, memo: StockMemo, now: datetime) -> bool:
    """Whether stock moved although its stamp is the same, and that cannot be the lag of an index. Pure.

    Args:
        known: what was kept of it before.
        product: as it was read.
        memo: of its stock.
        now: the source's clock.
    """
    if known is None or known.memo.stamp != memo.stamp:
        return False
    if known.moved_at is not None and now - known.moved_at > LAG:
        return True
    moved = set(_moved(known.memo, memo))
    owners = {"": product, **{str(variant["ID"]): variant for variant in product.get("Variants") or ()}}
    return any(
        (owner, record.get("AddressID")) in moved and _is_old(mapping(record).get("LastUpdated"), now)
        for owner, of_owner in owners.items()
        for record in of_owner.get("InventoryRecords") or ()
    )


def _moved(before: StockMemo, after: StockMemo) -> Iterator[tuple[str, str]]:
    """Yield owner and address of each quantity that is another; variants that came or went are no stock that moved."""
    if before.tracked != after.tracked:
        return
    for owner in before.levels.keys() & after.levels.keys():
        old, new = before.levels[owner], after.levels[owner]
        yield from ((owner, address) for address in old.keys() | new.keys() if old.get(address) != new.get(address))


def _is_old(stamp: Any, now: datetime) -> bool:
    stamped = _when(stamp)
    return stamped is not None and now - stamped > LAG


def _when(stamp: Any) -> datetime | None:
    try:
        return moment(stamp)
    except Misfit:
        return None


class StockMemory:
    """Keeps what was read of stock, and finds out where the stamp proves nothing.

    Args:
        memos: keeps it in the ledger.
        now: the source's clock.
    """

    def __init__(self, memos: Memos, now: Callable[[], datetime]) -> None:
        self._memos = memos
        self._now = now
        # Of products that are being read.
        self._recalled: dict[str, Note] = {}
        self.disproved_by: str | None = None
        """A product whose stock moved under an old stamp."""

    async def recall(self, keys: Collection[str]) -> dict[str, StockMemo]:
        """Return what is known of the stock of products; what is in question is not."""
        found = await self._notes(keys)
        if len(self._recalled) > _MOST_RECALLED:
            # Of those that never came, e.g. as they came by another catalog before; the ledger has them all.
            self._recalled.clear()
        self._recalled.update(found)
        return {key: note.memo for key, note in found.items() if note.moved_at is None}

    async def keep(self, products: Iterable[Product]) -> None:
        """Note the stock of products that were read with it."""
        memos: dict[str, tuple[Product, StockMemo]] = {}
        for product in products:
            memo = None if FLAW in product else memo_of(product)
            if memo is not None and (any(memo.levels.values()) or product["ID"] in self._recalled):
                memos[product["ID"]] = product, memo
        known = await self._notes([key for key in memos if key not in self._recalled])
        known.update({key: self._recalled.pop(key) for key in memos if key in self._recalled})
        now = self._now()
        news: dict[str, Note] = {}
        for key, (product, memo) in memos.items():
            before = known.get(key)
            if self.disproved_by is None and disproves(before, product, memo, now):
                self.disproved_by = key
                await self._memos.distrust(key)
            note = noted(before, memo, now)
            if note is not None and note != before:
                news[key] = note
        if news:
            await self._memos.keep({key: note.to_json() for key, note in news.items()})

    async def _notes(self, keys: Collection[str]) -> dict[str, Note]:
        if not keys:
            return {}
        kept = await self._memos.recall(keys)
        notes = ((key, Note.from_json(memo)) for key, memo in kept.items())
        return {key: note for key, note in notes if note is not None}
