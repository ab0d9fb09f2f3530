"""Sink of products: writes them with their stock and prices to a SparkLayer site, and reads what the site holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import ApiError, TargetIncomplete
from reconciler.kind.connection import Wire, Writer
from reconciler.sparklayer.prices import price_list_currency, read_prices, write_prices
from reconciler.sparklayer.products import read_product, write_product
from reconciler.sparklayer.reasons import why_failed, why_refused
from reconciler.sparklayer.records import Price, StockLevel, Tier
from reconciler.sparklayer.stock import LOCATIONS, delete_stock, location_ids, read_stock, write_stock
from reconciler.sync.datatype import Held, NotBegun, Observation, Written
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products import fingerprint
from reconciler.sync.products.model import Part, Wanted, held_from_json
from reconciler.sync.products.resolve import removals
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.state import ProductState
from reconciler.sync.run.attempts import RECORD_TRIES
from reconciler.sync.run.batcher import Batcher

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

PROBE = LOCATIONS
"""What is read to see whether the site answers at all."""
# More than the connection has under way; what waits here is not begun when the run is to stop.
_PRODUCTS_AT_ONCE = 24
_WORDS = {Part.PRODUCT: "the product", Part.STOCK: "its stock", Part.PRICES: "its prices"}

_Prices = Mapping[str, tuple[Tier, ...]]
_Refused = list[tuple[Part, str | None, str]]


@dataclass(frozen=True, slots=True)
class Skus:
    """SKUs of a record whose stock and whose prices are to be looked at."""

    stock: frozenset[str]
    prices: frozenset[str]


class ProductSink:
    """Writes products to one site.

    Args:
        writer: the connection.
        settings: says which price list, which locations.
        breaker: repeats requests that failed.
        stopping: whether nothing new is to be begun.
    """

    def __init__(
        self, writer: Writer, settings: ProductSettings, breaker: Breaker, stopping: Callable[[], bool]
    ) -> None:
        self._writer = writer
        self._breaker = breaker
        self._stopping = stopping
        self._products = asyncio.Semaphore(_PRODUCTS_AT_ONCE)
        self._parts = settings.parts
        self._price_list = settings.price_list
        self._locations = frozenset(settings.locations.values()) | (
            {settings.default_location} if settings.default_location else frozenset()
        )
        self._stock: Batcher[StockLevel, str] = Batcher(self._send_stock)
        self._gone: Batcher[str, str] = Batcher(self._send_gone)
        self._prices: Batcher[Price, str] = Batcher(self._send_prices, side_by_side=1)
        self.counts: Counter[str] = Counter({part.value: 0 for part in Part})

    # Writing

    async def write(self, state: ProductState, parts: Collection[str]) -> Written:
        """Write parts of a record, the product first."""
        if self._stopping():
            raise NotBegun
        wanted = state.wanted
        if Part.PRODUCT in parts and wanted.product is not None:
            try:
                async with self._products:
                    if self._stopping():
                        raise NotBegun
                    await self._write_product(wanted.key, wanted.product, exists=bool(state.before.variants))
            except ApiError as error:
                if not error.is_about_record:
                    raise
                # Stock and prices of what is not there would be nobody's.
                return Written(frozenset(), tuple(_problems(wanted, [(Part.PRODUCT, None, why_refused(error))])))
            self.counts[Part.PRODUCT.value] += 1
        gone = removals(state.before, wanted)
        stock, prices = await asyncio.gather(
            self._write_stock(wanted.stock, gone.stock) if Part.STOCK in parts else _nothing(),
            self._write_prices(wanted.prices, gone.prices) if Part.PRICES in parts else _nothing(),
        )
        refused = [*stock, *prices]
        failed = {part for part, _, _ in refused}
        sent = (
            (Part.PRODUCT in parts and wanted.product is not None)
            or (Part.STOCK in parts and bool(wanted.stock or gone.stock))
            or (Part.PRICES in parts and bool(wanted.prices or gone.prices))
        )
        return Written(frozenset(parts) - failed, tuple(_problems(wanted, refused)), sent)

    def why_failed(self, error: ApiError) -> str:
        return why_failed(error)

    async def _write_product(self, key: str, body: Wire, *, exists: bool) -> None:
        await self._breaker.repeat(lambda: write_product(self._writer, key, body, exists=exists), tries=RECORD_TRIES)

    async def _write_stock(self, levels: Sequence[StockLevel] | None, gone: Collection[str]) -> _Refused:
        await self._gone.add(sorted(gone))
        refused = await self._stock.add(levels or ())
        self.counts[Part.STOCK.value] += len(refused) < len(levels or ()) + len(gone)
        return [(Part.STOCK, level.sku, words) for level, words in refused.items()]

    async def _write_prices(self, prices: Sequence[Price] | None, gone: Collection[str]) -> _Refused:
        if self._price_list is None:
            return []
        sent = [*(Price(sku, self._price_list, ()) for sku in sorted(gone)), *(prices or ())]
        refused = await self._prices.add(sent)
        self.counts[Part.PRICES.value] += len(refused) < len(sent)
        return [(Part.PRICES, price.sku, words) for price, words in refused.items()]

    async def _send_stock(self, levels: Sequence[StockLevel]) -> Mapping[StockLevel, str]:
        return await self._breaker.repeat(lambda: write_stock(self._writer, levels), tries=RECORD_TRIES)

    async def _send_gone(self, skus: Sequence[str]) -> Mapping[str, str]:
        await self._breaker.repeat(lambda: delete_stock(self._writer, skus), tries=RECORD_TRIES)
        return {}

    async def _send_prices(self, prices: Sequence[Price]) -> Mapping[Price, str]:
        # A clash with others who write prices passes. Of ours, one is under way at a time.
        return await self._breaker.repeat(
            lambda: write_prices(self._writer, prices), tries=RECORD_TRIES, clashes_pass=True
        )

    # Reading

    async def facts(self) -> str | None:
        """Return the currency of the price list; None: prices do not flow."""
        missing = await self._missing_locations()
        if missing:
            raise TargetIncomplete(
                f"the site has no stock location {', '.join(sorted(missing))}",
                next_step="`reconciler apply` creates what the StockLocation manifests declare.",
            )
        if self._price_list is None:
            return None
        listed = self._price_list
        currency = await self._breaker.repeat(lambda: price_list_currency(self._writer, listed))
        if currency is None:
            raise TargetIncomplete(
                f"the site has no price list {listed}",
                next_step="`reconciler apply` creates what the DataSync and the PriceList manifests declare.",
            )
        return currency

    async def _missing_locations(self) -> frozenset[str]:
        if not self._locations:
            return frozenset()
        return self._locations - await self._breaker.repeat(lambda: location_ids(self._writer))

    async def whole(self) -> _Prices | None:
        """Return the prices on the price list by SKU: the API has no read of single ones."""
        if self._price_list is None or Part.PRICES not in self._parts:
            return None
        listed = self._price_list
        return await self._breaker.repeat(lambda: read_prices(self._writer, listed))

    async def observe(self, states: Sequence[ProductState], whole: _Prices | None) -> Observation:
        """Read what the site holds of the products that should be in these states."""
        return await self._observe({state.key: skus_of(state) for state in states}, whole)

    async def observe_held(self, held: Mapping[str, Held], whole: _Prices | None) -> Observation:
        """Read what the site holds of what we noted."""
        noted = {key: held_from_json(body) for key, body in held.items()}
        return await self._observe(
            {key: Skus(one.printed_stock, one.printed_prices) for key, one in noted.items()}, whole
        )

    async def _observe(self, records: Mapping[str, Skus], prices: _Prices | None) -> Observation:
        bodies = await self._bodies(records) if Part.PRODUCT in self._parts else {}
        levels: Mapping[str, tuple[StockLevel, ...]] = {}
        if Part.STOCK in self._parts:
            levels = await self._levels([sku for skus in records.values() for sku in sorted(skus.stock)])
        prints: dict[str, dict[str, bytes]] = {key: {} for key in records}
        for key, skus in records.items():
            if (body := bodies.get(key)) is not None:
                prints[key][Part.PRODUCT.value] = fingerprint.of_product(body)
            if Part.STOCK in self._parts:
                prints[key][Part.STOCK.value] = self._stock_print(skus, levels)
            if prices is not None and self._price_list is not None:
                listed = [Price(sku, self._price_list, prices[sku]) for sku in skus.prices if sku in prices]
                prints[key][Part.PRICES.value] = fingerprint.of_prices(listed)
        return Observation(prints, frozenset(key for key, body in bodies.items() if body is None))

    def _stock_print(self, skus: Skus, levels: Mapping[str, tuple[StockLevel, ...]]) -> bytes:
        held = (level for sku in skus.stock for level in levels.get(sku, ()))
        return fingerprint.of_stock(level for level in held if level.location in self._locations)

    async def _bodies(self, keys: Collection[str]) -> dict[str, Wire | None]:
        reads = (self._breaker.repeat(partial(read_product, self._writer, key)) for key in keys)
        return dict(zip(keys, await asyncio.gather(*reads), strict=True))

    async def _levels(self, skus: Sequence[str]) -> dict[str, tuple[StockLevel, ...]]:
        return await self._breaker.repeat(lambda: read_stock(self._writer, skus))


def skus_of(state: ProductState) -> Skus:
    """Return the SKUs whose stock and prices tell whether the target holds what is wanted of a record.

    Those of a record with problems may have some that are left as they are, whatever that is. Of a part that must not
    be written they are those that its last fingerprint covers.
    """
    wanted, before = state.wanted, state.before
    gone = removals(before, wanted)
    stock = before.printed_stock if wanted.stock is None else {level.sku for level in wanted.stock} | gone.stock
    prices = before.printed_prices if wanted.prices is None else {price.sku for price in wanted.prices} | gone.prices
    if not wanted.problems:
        own = _external_ids(wanted).keys()
        stock |= own
        prices |= own
    return Skus(frozenset(stock), frozenset(prices))


def _external_ids(wanted: Wanted) -> dict[str, str]:
    """SKU to the external ID of its variant, as far as the product's body tells."""
    variants = (wanted.product or {}).get("variants", ())
    return {item["sku"]: item["external_id"] for item in variants if item.get("sku")}


def _problems(wanted: Wanted, refused: _Refused) -> Iterator[RecordProblem]:
    owners = _external_ids(wanted)
    for part, sku, words in refused:
        external_id = wanted.key if sku is None else owners.get(sku, wanted.key)
        yield RecordProblem(external_id, part.value, "refused", f"SparkLayer refused {_WORDS[part]}: {words}")


async def _nothing() -> _Refused:
    return []
