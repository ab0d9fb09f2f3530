"""The SparkLayer side of a run: what is there, and what is written, with the patience that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import Conflict, NotFound, Rejected
from reconciler.http.client import HttpWriter
from reconciler.kind.connection import Wire
from reconciler.sparklayer.faults import why_refused
from reconciler.sparklayer.kinds.data_sync.kind import DataSyncKind
from reconciler.sparklayer.prices import price_list_currency, read_prices, write_prices
from reconciler.sparklayer.products import read_product, write_product
from reconciler.sparklayer.records import Price, StockLevel, Tier
from reconciler.sparklayer.stock import LOCATIONS, delete_stock, location_ids, read_stock, write_stock
from reconciler.sync.products import fingerprint
from reconciler.sync.products.model import Held, Part, Wanted
from reconciler.sync.products.resolve import removals
from reconciler.sync.run.batcher import Batches
from reconciler.sync.run.breaker import Patience
from reconciler.sync.settings import SyncSettings

PROBE = LOCATIONS
"""What is read to see whether the site answers at all."""
REFUSALS = (Rejected, Conflict, NotFound)
# More than the connection has under way; what waits here is not begun when the run is to stop.
_PRODUCTS_AT_ONCE = 24
# Another status says that we may not, or that the path is wrong, whatever the record.
_ABOUT_THE_RECORD = (400, 404, 409, 413, 422)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the writes of one record.

    Args:
        done: parts that the target holds now.
        refused: what the API did not take: SKU, or None for the product itself, and its words, by part.
    """

    done: frozenset[Part]
    refused: tuple[tuple[Part, str | None, str], ...] = ()


@dataclass(slots=True)
class Counts:
    """Writes by part that went through."""

    product: int = 0
    stock: int = 0
    prices: int = 0


@dataclass(frozen=True, slots=True)
class Skus:
    """The SKUs of a record whose stock and whose prices are to be looked at."""

    stock: frozenset[str]
    prices: frozenset[str]


@dataclass(frozen=True, slots=True)
class Observation:
    """Fingerprints of what the target holds, by record and part."""

    prints: Mapping[str, Mapping[Part, bytes]]
    exists: frozenset[str]


class NotBegun(Exception):
    """Nothing of a record was sent, because the run is to stop."""


class Target:
    """Writes records to one site.

    Args:
        writer: the connection.
        settings: says which price list, which locations.
        patience: how failures are borne.
        stopping: whether nothing new is to be begun.
    """

    def __init__(
        self, writer: HttpWriter, settings: SyncSettings, patience: Patience, stopping: Callable[[], bool]
    ) -> None:
        self._writer = writer
        self._patience = patience
        self._stopping = stopping
        self._products = asyncio.Semaphore(_PRODUCTS_AT_ONCE)
        self._price_list = settings.price_list
        self._currency = settings.currency
        self._integration = settings.integration
        self._locations = frozenset(settings.locations.values()) | (
            {settings.default_location} if settings.default_location else frozenset()
        )
        self._stock: Batches[StockLevel] = Batches(self._send_stock)
        self._gone: Batches[str] = Batches(self._send_gone)
        self._prices: Batches[Price] = Batches(self._send_prices, side_by_side=1)
        self.counts = Counts()

    # Writing

    async def write(self, wanted: Wanted, parts: Collection[Part], before: Held) -> Written:
        """Let the site hold these parts of a record, the product first.

        Raises:
            NotBegun: the run is to stop.
            ApiError: the API failed at this record several times, while it worked for others.
            Outage: the API is away.
        """
        if self._stopping():
            raise NotBegun
        if Part.PRODUCT in parts and wanted.product is not None:
            try:
                async with self._products:
                    if self._stopping():
                        raise NotBegun
                    await self._write_product(wanted.key, wanted.product, exists=bool(before.variants))
            except REFUSALS as error:
                if error.status not in _ABOUT_THE_RECORD:
                    raise
                # Stock and prices of what is not there would be nobody's.
                return Written(frozenset(), ((Part.PRODUCT, None, why_refused(error)),))
            self.counts.product += 1
        gone = removals(before, wanted)
        stock, prices = await asyncio.gather(
            self._write_stock(wanted.stock, gone.stock) if Part.STOCK in parts else _nothing(),
            self._write_prices(wanted.prices, gone.prices) if Part.PRICES in parts else _nothing(),
        )
        refused = tuple(
            (part, sku, words) for part, found in ((Part.STOCK, stock), (Part.PRICES, prices)) for sku, words in found
        )
        failed = {part for part, _, _ in refused}
        return Written(frozenset(part for part in parts if part not in failed), refused)

    async def _write_product(self, key: str, body: Wire, *, exists: bool) -> None:
        await self._patience.bear(lambda: write_product(self._writer, key, body, exists=exists))

    async def _write_stock(self, levels: Sequence[StockLevel] | None, gone: Collection[str]) -> list[tuple[str, str]]:
        await self._gone.add(sorted(gone))
        refused = await self._stock.add(levels or ())
        self.counts.stock += len(refused) < len(levels or ()) + len(gone)
        return [(level.sku, words) for level, words in refused.items()]

    async def _write_prices(self, prices: Sequence[Price] | None, gone: Collection[str]) -> list[tuple[str, str]]:
        if self._price_list is None:
            return []
        sent = [*(Price(sku, self._price_list, ()) for sku in sorted(gone)), *(prices or ())]
        refused = await self._prices.add(sent)
        self.counts.prices += len(refused) < len(sent)
        return [(price.sku, words) for price, words in refused.items()]

    async def _send_stock(self, levels: Sequence[StockLevel]) -> Mapping[StockLevel, str]:
        return await self._patience.bear(lambda: write_stock(self._writer, levels))

    async def _send_gone(self, skus: Sequence[str]) -> Mapping[str, str]:
        await self._patience.bear(lambda: delete_stock(self._writer, skus))
        return {}

    async def _send_prices(self, prices: Sequence[Price]) -> Mapping[Price, str]:
        # A clash with others who write prices passes. Of ours, one is under way at a time.
        return await self._patience.bear(lambda: write_prices(self._writer, prices), Conflict)

    # Reading

    async def missing_locations(self) -> frozenset[str]:
        """Return the configured stock locations that the site does not have.

        Raises:
            ApiError: the read failed.
        """
        if not self._locations:
            return frozenset()
        return self._locations - await location_ids(self._writer)

    async def ensure_price_list(self) -> tuple[str | None, bool]:
        """Return the currency of the price list, and whether the list had to be made.

        No currency: prices do not flow, or there is no list and no currency to make one with.

        Raises:
            ApiError: the list could not be read or made.
        """
        if self._price_list is None:
            return None, False
        found = await price_list_currency(self._writer, self._price_list)
        if found is not None or self._currency is None:
            return found, False
        created = {"pricing": {"priceList": self._price_list}, "currency": self._currency}
        await DataSyncKind().create(self._writer, self._integration, created)
        return self._currency, True

    async def all_prices(self) -> dict[str, tuple[Tier, ...]]:
        """Return the prices on the price list by SKU.

        Raises:
            ApiError: the read failed.
        """
        return {} if self._price_list is None else await read_prices(self._writer, self._price_list)

    async def observe(
        self,
        records: Mapping[str, Skus],
        parts: Collection[Part],
        prices: Mapping[str, tuple[Tier, ...]] | None,
    ) -> Observation:
        """Read what the site holds of some records.

        Args:
            records: by key, the SKUs of each.
            parts: what to look at.
            prices: what `all_prices` returned; None: prices are not looked at.

        Raises:
            ApiError: a read failed.
        """
        bodies: dict[str, Wire | None] = {}
        if Part.PRODUCT in parts:
            found = await asyncio.gather(*(self._product(key) for key in records))
            bodies = dict(zip(records, found, strict=True))
        levels: dict[str, tuple[StockLevel, ...]] = {}
        if Part.STOCK in parts:
            levels = await self._levels([sku for skus in records.values() for sku in sorted(skus.stock)])
        prints: dict[str, dict[Part, bytes]] = {}
        for key, skus in records.items():
            seen: dict[Part, bytes] = {}
            body = bodies.get(key)
            if body is not None:
                seen[Part.PRODUCT] = fingerprint.of_product(body)
            if Part.STOCK in parts:
                held = (level for sku in skus.stock for level in levels.get(sku, ()))
                seen[Part.STOCK] = fingerprint.of_stock(level for level in held if level.location in self._locations)
            if Part.PRICES in parts and prices is not None and self._price_list is not None:
                listed = [Price(sku, self._price_list, prices[sku]) for sku in skus.prices if sku in prices]
                seen[Part.PRICES] = fingerprint.of_prices(listed)
            prints[key] = seen
        return Observation(prints, frozenset(key for key, body in bodies.items() if body is not None))

    async def _product(self, key: str) -> Wire | None:
        return await self._patience.bear(lambda: read_product(self._writer, key))

    async def _levels(self, skus: Sequence[str]) -> dict[str, tuple[StockLevel, ...]]:
        return await self._patience.bear(lambda: read_stock(self._writer, skus))


async def _nothing() -> list[tuple[str, str]]:
    return []
