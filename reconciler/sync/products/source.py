"""The products of OrderCloud as a run reads them: all, those whose stock changed, or some by ID."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import cast

from reconciler.errors import UnexpectedAnswer
from reconciler.http.client import HttpReader
from reconciler.ordercloud.readers.flaws import BadRecord
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.ordercloud.readers.records import Freshness, Product, Reading
from reconciler.sync.products.model import FLAW, Part
from reconciler.sync.settings import SyncSettings

ROLES = ("ProductReader", "PriceScheduleReader")
"""What the source's API asks for to read products with their variants, stock and prices (documented)."""
_CHUNK = 100


class ProductSource:
    """Reads what a DataSync needs of the products.

    Args:
        reader: the connection.
        settings: says which catalogs and which parts.
    """

    def __init__(self, reader: HttpReader, settings: SyncSettings) -> None:
        self._reader = reader
        self._products = ProductReader(reader)
        self._catalogs = tuple(settings.catalogs)
        # Variants are always read: they carry the SKUs that stock and prices are written under.
        self._parts = Parts(stock=Part.STOCK in settings.parts, prices=True)

    @property
    def clock_offset(self) -> timedelta:
        """How much the source's clock is ahead of ours, by its last answer."""
        return self._reader.clock_offset or timedelta()

    async def counts(self) -> dict[str | None, int]:
        """Return how many products a walk will read, by catalog; None stands for all products.

        Raises:
            ApiError: the read failed.
        """
        found: dict[str | None, int] = {}
        for catalog in self._catalogs or (None,):
            about = {"catalogID": catalog} if catalog else {}
            page = await self._reader.get("products", {"pageSize": 1, **about})
            try:
                found[catalog] = int(page["Meta"]["TotalCount"])
            except (TypeError, KeyError, ValueError):
                raise UnexpectedAnswer("GET products: no list with a total count", request="GET products") from None
        return found

    async def everything(self) -> AsyncGenerator[list[Product], None]:
        """Yield all products in chunks. Close it where you do not read it to its end.

        Raises:
            ApiError: a request failed; what was not read yet is not known.
        """
        flawed = Flawed()
        walk = ProductReader(self._reader, flawed.add).walk(catalogs=self._catalogs, parts=self._parts)
        async with aclosing(_chunks(walk, flawed)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def stock_changed_since(self, moment: datetime) -> AsyncGenerator[list[Product], None]:
        """Yield the products whose stock changed at or after a moment of the source's clock, in chunks.

        Raises:
            ApiError: a request failed.
        """
        flawed = Flawed()
        changed = ProductReader(self._reader, flawed.add).stock_changed_since(moment, parts=self._parts)
        async with aclosing(_chunks(changed, flawed)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def some(self, ids: Iterable[str]) -> list[Product]:
        """Return the products with these IDs, as far as the search index knows them.

        Raises:
            ApiError: a request failed.
        """
        flawed = Flawed()
        async with aclosing(ProductReader(self._reader, flawed.add).some(ids, parts=self._parts)) as products:
            return [product async for product in products] + flawed.take()

    async def one(self, product_id: str) -> Reading[Product]:
        """Read a product by ID, and say how far to trust that; see `ProductReader.one`.

        Raises:
            ApiError: a request failed.
        """
        return await self._products.one(product_id, parts=self._parts)

    async def is_gone(self, product_id: str) -> bool:
        """Whether the system itself, and not its search index, says that a product does not exist.

        Raises:
            ApiError: a request failed.
        """
        reading = await self._products.one(product_id, parts=Parts(stock=False, prices=False))
        return reading.record is None and reading.freshness is Freshness.CURRENT


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


def ids_of(products: Sequence[Product]) -> list[str]:
    """Return the IDs of products."""
    return [product["ID"] for product in products]
