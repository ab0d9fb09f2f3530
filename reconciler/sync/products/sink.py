"""Sink of products: writes them with their stock and prices to a SparkLayer site, and reads what the site holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.errors import ApiError, NotFound
from reconciler.kind.connection import Wire, Writer
from reconciler.sparklayer.prices import write_prices
from reconciler.sparklayer.products import write_product
from reconciler.sparklayer.reasons import why_failed, why_refused
from reconciler.sparklayer.records import Price, StockLevel, Tier
from reconciler.sparklayer.stock import LOCATIONS, delete_stock, write_stock
from reconciler.sync.datatype import Held, NotBegun, Written
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products.model import Part, Wanted
from reconciler.sync.products.resolve import removals
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.state import ProductState
from reconciler.sync.products.target import ProductTarget, external_ids
from reconciler.sync.run.attempts import RECORD_TRIES
from reconciler.sync.run.batcher import Batcher
from reconciler.sync.run.breaker import ComesBackAt
from reconciler.sync.run.company import Company, Wait, a_moment

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

PROBE = LOCATIONS
"""What is read to see whether the site answers at all."""
# More than the connection has under way; what waits here is not begun when the run is to stop.
_PRODUCTS_AT_ONCE = 24
_WORDS = {Part.PRODUCT: "the product", Part.STOCK: "its stock", Part.PRICES: "its prices"}

_Prices = Mapping[str, tuple[Tier, ...]]
_Refused = list[tuple[Part, str | None, str]]


class ProductSink(ProductTarget):
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
        super().__init__(writer, settings, breaker)
        self._writer = writer
        self._stopping = stopping
        self._products = asyncio.Semaphore(_PRODUCTS_AT_ONCE)
        self.company = Company()
        self._stock: Batcher[StockLevel, str] = Batcher(self._send_stock, company=self.company, apart=True)
        self._gone: Batcher[str, str] = Batcher(self._send_gone, company=self.company, apart=True)
        self._prices: Batcher[Price, str] = Batcher(self._send_prices, side_by_side=1, company=self.company, apart=True)
        self.counts: Counter[str] = Counter({part.value: 0 for part in Part})

    async def announce(self, states: Sequence[ProductState]) -> Mapping[str, Held]:
        """Return what the site may hold of records once they are sent.

        Where a record is gone before anybody hears of its write, nothing else tells what has to be discontinued.
        """
        changed = (state for state in states if not state.gone and state.wanted.held != state.before)
        return {state.key: state.held(whole=False) for state in changed}

    async def write(self, state: ProductState, parts: Collection[str], wait: Wait = a_moment) -> Written:
        """Write parts of a record, the product first, then what goes in batches."""
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
        linger = await wait()
        rows = self._price_rows(wanted.prices, gone.prices, state.before.price_list) if Part.PRICES in parts else []
        # Both wait side by side, without a task for each.
        priced = self._prices.put(rows, linger)
        try:
            stock = await self._write_stock(wanted.stock, gone.stock, linger) if Part.STOCK in parts else []
            prices = await self._refused_prices(priced, rows, any_wanted=bool(wanted.prices))
        except ComesBackAt:
            # The run ends in order: what was sent of the record is answered first.
            await asyncio.wait({priced})
            if (other := priced.exception()) is not None:
                raise other from None
            raise
        except BaseException:
            priced.add_done_callback(_hear)
            raise
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

    async def _write_stock(self, levels: Sequence[StockLevel] | None, gone: Collection[str], linger: float) -> _Refused:
        await self._gone.add(sorted(gone), linger)
        refused = await self._stock.add(levels or (), linger)
        self.counts[Part.STOCK.value] += len(refused) < len(levels or ()) + len(gone)
        return [(Part.STOCK, level.sku, words) for level, words in refused.items()]

    def _price_rows(
        self, prices: Sequence[Price] | None, gone: Collection[str], gone_from: str | None
    ) -> Sequence[Price]:
        if self._price_list is None:
            return []
        old = gone_from or self._price_list
        return [*(Price(sku, old, ()) for sku in sorted(gone)), *(prices or ())]

    async def _refused_prices(
        self, priced: Awaitable[Mapping[Price, str]], rows: Sequence[Price], *, any_wanted: bool
    ) -> _Refused:
        try:
            refused = await priced
        except NotFound:
            if any_wanted:
                raise
            # With the list, its prices are gone.
            refused = {}
        self.counts[Part.PRICES.value] += len(refused) < len(rows)
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


def _problems(wanted: Wanted, refused: _Refused) -> Iterator[RecordProblem]:
    owners = external_ids(wanted)
    for part, sku, words in refused:
        external_id = wanted.key if sku is None else owners.get(sku, wanted.key)
        yield RecordProblem(external_id, part.value, "refused", f"SparkLayer refused {_WORDS[part]}: {words}")


def _hear(done: asyncio.Future[Mapping[Price, str]]) -> None:
    """Take note of what became of prices that nobody waits for any more."""
    if not done.cancelled():
        done.exception()
