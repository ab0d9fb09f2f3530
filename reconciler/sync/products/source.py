"""Source of products: reads all of OrderCloud's, those whose stock changed, or some by ID."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from reconciler.errors import UnexpectedAnswer
from reconciler.kind.connection import ClockedReader, Reader
from reconciler.ordercloud.readers.flaws import BadRecord
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.ordercloud.readers.records import Freshness, Product
from reconciler.sync.datatype import Census, Reading
from reconciler.sync.mapping.values import mapping, text_or_none
from reconciler.sync.products.model import FLAW, NO_ID, Part
from reconciler.sync.products.settings import ProductSettings

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

ROLES: Mapping[str, str] = {"ProductReader": "products", "PriceScheduleReader": "priceschedules"}
"""What the API asks for to read products with variants, stock and prices (documented), and a list of each."""
_CHUNK = 100


class ProductSource:
    """Reads what a DataSync needs of the products.

    Args:
        reader: the connection.
        settings: says which catalogs and which parts.
        breaker: repeats requests that failed; None: only the transport does.
    """

    def __init__(self, reader: ClockedReader, settings: ProductSettings, breaker: Breaker | None = None) -> None:
        self._connection = reader
        self._reader: Reader = reader if breaker is None else breaker.reader(reader)
        self._products = ProductReader(self._reader)
        self._catalogs = tuple(settings.catalogs)
        self._knows_stock = Part.STOCK in settings.parts
        # Variants are always read: they carry the SKUs that stock and prices are written under.
        self._parts = Parts(stock=self._knows_stock, prices=True)

    @property
    def clock_offset(self) -> timedelta:
        return self._connection.clock_offset or timedelta()

    def time_at(self, moment: float) -> datetime | None:
        return self._connection.api_time(moment)

    @property
    def changes_are_of_all(self) -> bool:
        # The list of changed stock knows nothing of catalogs; what is new in them comes with the next walk.
        return bool(self._catalogs)

    async def census(self) -> Census:
        # A product that is in two catalogs is counted twice.
        counts = {catalog: await self._count(catalog) for catalog in self._catalogs or (None,)}
        return Census(
            sum(counts.values()),
            tuple(
                f"the catalog {catalog} has no products, or does not exist"
                for catalog, count in counts.items()
                if catalog is not None and not count
            ),
        )

    async def _count(self, catalog: str | None) -> int:
        about = {"catalogID": catalog} if catalog else {}
        page = await self._reader.get("products", {"pageSize": 1, **about})
        try:
            return int(page["Meta"]["TotalCount"])
        except (TypeError, KeyError, ValueError):
            raise UnexpectedAnswer("GET products: no list with a total count", request="GET products") from None

    async def everything(self) -> AsyncGenerator[list[Product], None]:
        flawed = Flawed()
        walk = ProductReader(self._reader, flawed.add).walk(catalogs=self._catalogs, parts=self._parts)
        async with aclosing(_chunks(walk, flawed)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def changed_since(self, moment: datetime) -> AsyncGenerator[list[Product], None]:
        if not self._knows_stock:
            return
        flawed = Flawed()
        changed = ProductReader(self._reader, flawed.add).stock_changed_since(moment, parts=self._parts)
        async with aclosing(_chunks(changed, flawed)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def some(self, keys: Iterable[str]) -> list[Product]:
        flawed = Flawed()
        async with aclosing(ProductReader(self._reader, flawed.add).some(keys, parts=self._parts)) as products:
            return [product async for product in products] + flawed.take()

    async def one(self, key: str) -> Reading[Product]:
        reading = await self._products.one(key, parts=self._parts)
        return Reading(reading.record, reading.freshness is Freshness.STALE)

    async def is_gone(self, key: str) -> bool:
        reading = await self._products.one(key, parts=Parts(stock=False, prices=False))
        return reading.record is None and reading.freshness is Freshness.CURRENT


def key_of(product: Product) -> str:
    """Return the ID of a product."""
    return text_or_none(mapping(product).get("ID")) or NO_ID


class Flawed:
    """Takes the records of one stream that cannot be used, each once: the mapper tells what is wrong with them."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._waiting: list[Product] = []

    def add(self, record: BadRecord) -> None:
        """Take a record. One that has no ID has its place in the ledger under what stands for it."""
        if record.key not in self._seen:
            self._seen.add(record.key)
            self._waiting.append(cast("Product", {"ID": record.key, "Name": record.label, FLAW: record}))

    def take(self) -> list[Product]:
        """Return those that came since this was asked last, in place of the products."""
        taken, self._waiting = self._waiting, []
        return taken


async def _chunks(products: AsyncGenerator[Product, None], flawed: Flawed) -> AsyncGenerator[list[Product], None]:
    chunk: list[Product] = []
    async with aclosing(products):
        async for product in products:
            chunk.append(product)
            if len(chunk) >= _CHUNK:
                yield chunk + flawed.take()
                chunk = []
    chunk += flawed.take()
    if chunk:
        yield chunk
