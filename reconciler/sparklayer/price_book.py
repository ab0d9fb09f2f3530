"""Prices that a list shows, read row by row: of a whole list in little memory, or of some SKUs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import Json, RowReader, Wire
from reconciler.sparklayer.lists import path_segment
from reconciler.sparklayer.records import Tier

LISTS = "api/v1/price-lists"
# The one place of what is inferred: the path of a read with its rows of `{sku, quantity, price}`, which public clients
# use.
_READ = "pricing"

UNREADABLE = Tier(0, Decimal(0))
"""Stands for a row that cannot be read. No price that is written is like it."""
# No price has as many digits before or behind its point, and to write one of a million takes as many bytes.
_MOST_DIGITS = 40
_BUCKETS = 1 << 14
_LINE, _FIELD = b"\n", b"\t"


class PriceBook:
    """Prices of a list by SKU, as lines of text in buckets: some 25 bytes for a SKU of ten characters.

    Two rows of one SKU and quantity are two tiers, as they are where a list changes while it is read.
    """

    def __init__(self) -> None:
        self._buckets = [bytearray() for _ in range(_BUCKETS)]

    def take(self, rows: Sequence[Wire]) -> None:
        """Take rows of the list."""
        for sku, tier in _tiers(rows):
            price = b"" if tier is UNREADABLE else str(tier.price).encode()
            quantity = str(tier.quantity).encode()
            self._buckets[_bucket(sku)] += _FIELD.join((_begin(sku), quantity, price))

    def __contains__(self, sku: str) -> bool:
        """Whether a SKU has prices."""
        return _begin(sku) + _FIELD in self._buckets[_bucket(sku)]

    def get(self, sku: str) -> tuple[Tier, ...]:
        """Return the prices of a SKU, by quantity; none where it has none."""
        bucket, begin = self._buckets[_bucket(sku)], _begin(sku) + _FIELD
        found, place = list[Tier](), bucket.find(begin)
        while place >= 0:
            end = bucket.find(_LINE, place + 1)
            quantity, _, price = bucket[place + len(begin) : end if end >= 0 else None].decode().partition("\t")
            found.append(Tier(int(quantity), Decimal(price)) if price else UNREADABLE)
            place = bucket.find(begin, place + len(begin))
        return tuple(sorted(found))


class _Kept:
    """Prices by SKU, of some or all."""

    def __init__(self, skus: Collection[str] | None) -> None:
        self._skus = skus
        self.tiers: dict[str, list[Tier]] = {}

    def take(self, rows: Sequence[Wire]) -> None:
        for sku, tier in _tiers(rows):
            if self._skus is None or sku in self._skus:
                self.tiers.setdefault(sku, []).append(tier)


async def read_book(reader: RowReader, price_list: str, largest: int | None = None) -> PriceBook:
    """Return the prices of every SKU that has some on a list. Lists made of rules may show none.

    Args:
        reader: the connection.
        price_list: slug of the list.
        largest: bytes that the list may have, where that is less than the bound of every list.

    Raises:
        NotFound: there is no such list.
        ApiError: the read failed.
    """
    return await reader.rows(list_rows(price_list), PriceBook, largest)


async def read_prices(
    reader: RowReader, price_list: str, skus: Collection[str] | None = None
) -> dict[str, tuple[Tier, ...]]:
    """Return the prices of SKUs that have some on a list, by quantity; of a few SKUs, the list may be of any length.

    Args:
        reader: the connection.
        price_list: slug of the list.
        skus: which; None: all.

    Raises:
        NotFound: there is no such list.
        ApiError: the read failed.
    """
    kept = await reader.rows(list_rows(price_list), lambda: _Kept(skus))
    return {sku: tuple(sorted(tiers)) for sku, tiers in kept.tiers.items()}


def require_readable(prices: Mapping[str, Sequence[Tier]], price_list: str) -> None:
    """Raise UnexpectedAnswer where a price could not be read."""
    if any(UNREADABLE in tiers for tiers in prices.values()):
        request = f"GET {list_rows(price_list)}"
        raise UnexpectedAnswer(f"{request}: a price cannot be read", request=request)


def list_rows(price_list: str) -> str:
    """Return the path of the rows of a price list."""
    return f"{LISTS}/{path_segment(price_list)}/{_READ}"


def _tiers(rows: Sequence[Wire]) -> Iterator[tuple[str, Tier]]:
    for row in rows:
        sku = row.get("sku")
        if isinstance(sku, str) and row.get("price") is not None:
            yield sku, _tier(row)


def _tier(row: Wire) -> Tier:
    quantity: Json = row.get("quantity")
    try:
        tier = Tier(1 if quantity is None else int(quantity), Decimal(str(row["price"])))
    except (TypeError, ValueError, OverflowError, InvalidOperation):
        return UNREADABLE
    readable = tier.price.is_finite() and abs(tier.price.adjusted()) < _MOST_DIGITS
    return tier if readable and tier != UNREADABLE else UNREADABLE


def _bucket(sku: str) -> int:
    return hash(sku) % _BUCKETS


def _begin(sku: str) -> bytes:
    # Without line breaks and tabs, and with half characters.
    return _LINE + sku.encode("unicode_escape")
