"""Reader of what a SparkLayer site holds of products, their stock and prices; it cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import ApiError, TargetIncomplete, UnexpectedAnswer
from reconciler.kind.connection import Querier, Wire
from reconciler.ordercloud.readers.flaws import has_no_id
from reconciler.sparklayer.price_book import PriceBook, read_book
from reconciler.sparklayer.prices import price_list_currency
from reconciler.sparklayer.products import read_product
from reconciler.sparklayer.records import Price, StockLevel
from reconciler.sparklayer.stock import location_ids, read_stock
from reconciler.sync.datatype import Held, Observation
from reconciler.sync.products import fingerprint
from reconciler.sync.products.model import Part, Wanted, held_from_json
from reconciler.sync.products.resolve import removals
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.state import ProductState

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

# How often a price list is read that does not come whole, as it may be very long; and as often again where its
# connection breaks, or the API fails, while other requests go through.
_READS = 2
# To look at a few prices no more of a list is read. The lists of 2,000 products with 90 SKUs each are shorter.
_SAMPLE_BYTES = 32 * 1024 * 1024
_SAMPLE_SECONDS = 30
# Of a few products that are looked at, so many are read by their IDs; of the others the stock, which a request reads of
# many, as far as one does.
_BY_ID = 5
_SKUS_AT_ONCE = 500
_OF_DISCONTINUED = ("external_id", "variants")


class Skus(Struct, frozen=True):
    """SKUs of a record whose stock and whose prices are to be looked at.

    Args:
        stock: those whose levels are compared.
        prices: those whose prices are.
        former: those under which nothing should be any more, unless others have them by now.
    """

    stock: frozenset[str]
    prices: frozenset[str]
    former: frozenset[str] = frozenset()


class Returned(Struct, frozen=True):
    """What the site holds under former SKUs of a record: their locations, and those that have prices."""

    stock: Mapping[str, tuple[str, ...]]
    priced: frozenset[str]


class ProductTarget:
    """Reads what one site holds.

    Args:
        reader: the connection.
        settings: says which price list, which locations.
        breaker: repeats requests that failed.
    """

    def __init__(self, reader: Querier, settings: ProductSettings, breaker: Breaker) -> None:
        self._reader = reader
        self._breaker = breaker
        self._parts = settings.parts
        self._price_list = settings.price_list
        self._unread: str | None = None
        self._locations = frozenset(settings.locations.values()) | (
            {settings.default_location} if settings.default_location else frozenset()
        )

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
        currency = await self._breaker.repeat(lambda: price_list_currency(self._reader, listed))
        if currency is None:
            raise TargetIncomplete(
                f"the site has no price list {listed}",
                next_step="`reconciler apply` creates what the DataSync and the PriceList manifests declare.",
            )
        return currency

    async def _missing_locations(self) -> frozenset[str]:
        if not self._locations:
            return frozenset()
        return self._locations - await self._breaker.repeat(lambda: location_ids(self._reader))

    @property
    def remarks(self) -> Sequence[str]:
        """What a run has to say of a price list that it could not compare."""
        return () if self._unread is None else (self._unread,)

    async def whole(self, *, sample: bool = False) -> PriceBook | None:
        """Return the prices on the price list: the API has no read of single ones; None: they cannot be compared.

        Args:
            sample: only a few are looked at, so no list is read that is very long or takes very long.
        """
        listed = self._price_list
        if listed is None or Part.PRICES not in self._parts:
            return None
        if sample:
            return await self._short(listed)
        for _ in range(_READS):
            found = await self._read(listed)
            if isinstance(found, PriceBook):
                self._unread = None
                return found
            self._unread = f"{found.message}, so what the price list holds is not known: a verify writes all prices"
            if isinstance(found, UnexpectedAnswer) and found.is_too_large:
                break
        return None

    async def _short(self, listed: str) -> PriceBook | None:
        try:
            async with asyncio.timeout(_SAMPLE_SECONDS):
                found = await self._read(listed, _SAMPLE_BYTES)
        except TimeoutError:
            why = f"the price list {listed} was not read within {_SAMPLE_SECONDS} s"
        else:
            if isinstance(found, PriceBook):
                return found
            why = found.message
        self._unread = f"{why}, so this run did not look whether the prices that it knows are there"
        return None

    async def _read(self, listed: str, largest: int | None = None) -> PriceBook | ApiError:
        """Read a price list; what keeps it alone from being read, while other requests go through, is returned."""
        try:
            return await self._breaker.repeat(lambda: _read_or_unread(self._reader, listed, largest), tries=_READS)
        except ApiError as error:
            if not error.is_transient:
                raise
            return error

    async def observe(self, states: Sequence[ProductState], whole: PriceBook | None) -> Observation:
        """Read what the site holds of the products that should be in these states."""
        # Of a product that is to be discontinued nothing but its variants is written, and so compared.
        discontinued = frozenset(state.key for state in states if state.gone)
        records = {state.key: skus_of(state) for state in states}
        bodies = await self._bodies(records)
        return await self._observe(_with_theirs(records, bodies), bodies, whole, discontinued)

    async def observe_held(self, held: Mapping[str, Held], whole: PriceBook | None) -> Observation:
        """Read what the site holds of what we noted."""
        noted = {key: held_from_json(body) for key, body in held.items()}
        records = {key: Skus(one.printed_stock, one.printed_prices) for key, one in noted.items()}
        bodies = await self._bodies(list(records)[:_BY_ID])
        seen = self._looked_at(records, bodies)
        found = await self._observe(seen, bodies, whole)
        return replace(found, prints={key: found.prints.get(key, {}) for key in held})

    def _looked_at(self, records: Mapping[str, Skus], bodies: Collection[str]) -> dict[str, Skus]:
        """Return those of the records that are read by their IDs, and of the others as many as a request tells of."""
        found = {key: skus for key, skus in records.items() if key in bodies}
        room = _SKUS_AT_ONCE - sum(len(skus.stock) for skus in found.values())
        for key, skus in records.items():
            if key not in found and len(skus.stock) <= room:
                found[key] = skus
                room -= len(skus.stock)
        return found

    async def _observe(
        self,
        records: Mapping[str, Skus],
        bodies: Mapping[str, Wire | None],
        prices: PriceBook | None,
        discontinued: Collection[str] = (),
    ) -> Observation:
        levels: Mapping[str, tuple[StockLevel, ...]] = {}
        if Part.STOCK in self._parts:
            asked = (sku for skus in records.values() for sku in sorted(skus.stock | skus.former))
            levels = await self._levels(list(asked))
        prints: dict[str, dict[str, bytes]] = {key: {} for key in records}
        for key, skus in records.items():
            if (body := bodies.get(key)) is not None:
                compared = {name: body[name] for name in _OF_DISCONTINUED} if key in discontinued else body
                prints[key][Part.PRODUCT.value] = fingerprint.of_product(compared)
            if Part.STOCK in self._parts:
                prints[key][Part.STOCK.value] = self._stock_print(skus, levels)
            if prices is not None and self._price_list is not None:
                listed = [Price(sku, self._price_list, prices.get(sku)) for sku in skus.prices]
                prints[key][Part.PRICES.value] = fingerprint.of_prices(listed)
        missing = frozenset(key for key, body in bodies.items() if body is None)
        found = {key: self._returned(skus.former, levels, prices) for key, skus in records.items()}
        return Observation(prints, missing, {key: one for key, one in found.items() if one.stock or one.priced})

    def _stock_print(self, skus: Skus, levels: Mapping[str, tuple[StockLevel, ...]]) -> bytes:
        return fingerprint.of_stock(level for sku in skus.stock for level in self._ours(levels.get(sku, ())))

    def _returned(
        self, skus: frozenset[str], levels: Mapping[str, tuple[StockLevel, ...]], prices: PriceBook | None
    ) -> Returned:
        places = {sku: tuple(level.location for level in self._ours(levels.get(sku, ()))) for sku in sorted(skus)}
        priced = frozenset(sku for sku in skus if prices is not None and sku in prices)
        return Returned({sku: found for sku, found in places.items() if found}, priced)

    def _ours(self, levels: Iterable[StockLevel]) -> Iterable[StockLevel]:
        return (level for level in levels if level.location in self._locations)

    async def _bodies(self, keys: Collection[str]) -> dict[str, Wire | None]:
        if Part.PRODUCT not in self._parts:
            return {}
        # Nothing was ever written under what stands for a product without an ID, and not every path takes it.
        asked = [key for key in keys if not has_no_id(key)]
        reads = (self._breaker.repeat(partial(read_product, self._reader, key)) for key in asked)
        return {**dict.fromkeys(keys), **dict(zip(asked, await asyncio.gather(*reads), strict=True))}

    async def _levels(self, skus: Sequence[str]) -> dict[str, tuple[StockLevel, ...]]:
        return await self._breaker.repeat(lambda: read_stock(self._reader, skus))


async def _read_or_unread(reader: Querier, price_list: str, largest: int | None) -> PriceBook | UnexpectedAnswer:
    try:
        return await read_book(reader, price_list, largest)
    except UnexpectedAnswer as error:
        return error


def _with_theirs(records: Mapping[str, Skus], bodies: Mapping[str, Wire | None]) -> Mapping[str, Skus]:
    """Add the SKUs that a product has at the site and nobody noted: to a restored ledger they are former ones."""
    found = dict(records)
    for key, body in bodies.items():
        skus = records[key]
        if others := (_skus_in(body) - skus.stock - skus.prices):
            found[key] = replace(skus, former=skus.former | others)
    return found


def _skus_in(body: Wire | None) -> frozenset[str]:
    return frozenset(item["sku"] for item in (body or {}).get("variants", ()) if isinstance(item.get("sku"), str))


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
        own = external_ids(wanted).keys()
        stock |= own
        prices |= own
    return Skus(frozenset(stock), frozenset(prices), wanted.held.former.difference(stock, prices))


def external_ids(wanted: Wanted) -> dict[str, str]:
    """Return SKU to the external ID of its variant, as far as the product's body tells."""
    variants = (wanted.product or {}).get("variants", ())
    return {item["sku"]: item["external_id"] for item in variants if item.get("sku")}
