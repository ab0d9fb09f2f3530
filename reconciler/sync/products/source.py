"""Source of products: reads all of OrderCloud's, those whose stock changed, or some by ID."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import asdict

from reconciler.clock import utc_now
from reconciler.kind.connection import ClockedReader, Reader
from reconciler.ordercloud.readers.flaws import BadRecord, has_no_id, ignored
from reconciler.ordercloud.readers.pages import Listing, by_ids
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.ordercloud.readers.records import Freshness, Product
from reconciler.ordercloud.readers.spans import Span, spans
from reconciler.ordercloud.readers.stock import KnownStock
from reconciler.ordercloud.together import together
from reconciler.sync.datatype import Census, Reading
from reconciler.sync.mapping.values import mapping, text_or_none
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products.fingerprint import of_list
from reconciler.sync.products.model import FLAW, NO_ID, Part
from reconciler.sync.products.scope import ROLES as SCOPE_ROLES
from reconciler.sync.products.scope import Scope
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.stock_memory import StockMemory
from reconciler.sync.told import digest_of, digests

if TYPE_CHECKING:
    from reconciler.sync.run.abilities import Memos
    from reconciler.sync.run.breaker import Breaker

_ROLES: Mapping[str, str] = {"ProductReader": "products", "PriceScheduleReader": "priceschedules"}
"""What the API asks for to read products with variants, stock and prices (documented), and a list of each."""
_CHUNK = 100
TOLD = ("Name", "Description", "Active", "QuantityMultiplier", "DefaultPriceScheduleID", "xp")
"""Members of a product that a message tells, and that a read must bear out."""


def roles_of(settings: ProductSettings) -> Mapping[str, str]:
    """Return the roles that the API asks for, each with a list that it opens."""
    return {**_ROLES, **(SCOPE_ROLES if settings.catalogs else {})}


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
        self._scope = Scope(self._reader, settings.catalogs)
        self._knows_stock = Part.STOCK in settings.parts
        # Variants are always read: they carry the SKUs that stock and prices are written under.
        self._parts = Parts(stock=self._knows_stock, prices=True)
        self._spares = settings.spares_stock
        self._places = tuple(settings.locations)
        self._stock: StockMemory | None = None
        self._known: KnownStock | None = None
        self._nameless: list[Product] = []

    @property
    def clock_offset(self) -> timedelta:
        return self._connection.clock_offset or timedelta()

    def time_at(self, moment: float) -> datetime | None:
        return self._connection.api_time(moment)

    @property
    def remarks(self) -> Sequence[str]:
        """That a stamp proves nothing, where a run found that out."""
        if self._stock is None or (product := self._stock.disproved_by) is None:
            return ()
        words = f"the stock of {product} moved, and Inventory.LastUpdated of the product did not"
        return (f"{words}: from now on every walk reads all stock",)

    def remember(self, memos: Memos, *, skips: bool) -> None:
        """Keep what is read of stock, and use what is kept, where no expression of the manifest sees more of it."""
        if self._spares:
            self._stock = StockMemory(memos, lambda: utc_now() + self.clock_offset)
            self._known = KnownStock(self._stock.recall, skips, self._places)

    async def census(self) -> Census:
        return Census(await self._scope.total())

    def everything(self) -> AsyncGenerator[list[Product], None]:
        return self._walk(None)

    def ranges(self, keys: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return spans of IDs; none where several catalogs are read, one after the other."""
        return [] if len(self._scope.catalogs) > 1 else [asdict(span) for span in spans(keys)]

    def everything_in(self, bounds: Mapping[str, Any]) -> AsyncGenerator[list[Product], None]:
        """Yield the products of a span in chunks."""
        return self._walk(Span(**bounds))

    async def _walk(self, within: Span | None) -> AsyncGenerator[list[Product], None]:
        flawed = Flawed()
        walk = ProductReader(self._reader, flawed.add).walk(
            catalogs=self._scope.catalogs, parts=self._parts, known=self._known, within=within
        )
        async with aclosing(_chunks(walk, flawed)) as chunks:
            async for chunk in chunks:
                await self._keep(chunk)
                yield chunk

    async def listed(self) -> AsyncGenerator[dict[str, bytes], None]:
        flawed = Flawed()
        parts = Parts(variants=False, stock=False, prices=True)
        walk = ProductReader(self._reader, flawed.add).walk(catalogs=self._scope.catalogs, parts=parts)
        async with aclosing(_chunks(walk, flawed)) as chunks:
            async for chunk in chunks:
                looks = {key_of(product): _look(product) for product in chunk}
                self._nameless += [product for product in chunk if looks[key_of(product)] is None]
                yield {key: look for key, look in looks.items() if look is not None}

    def nameless(self) -> list[Product]:
        found, self._nameless = self._nameless, []
        return found

    async def changed_since(self, moment: datetime) -> AsyncGenerator[list[Product], None]:
        if not self._knows_stock:
            return
        flawed = Flawed(named=True)
        changed = ProductReader(self._reader, flawed.add).stock_changed_since(
            moment, catalogs=self._scope.catalogs, parts=self._parts
        )
        async with aclosing(_chunks(changed, flawed)) as chunks:
            async for chunk in chunks:
                await self._keep(chunk)
                yield chunk

    async def some(self, keys: Iterable[str]) -> list[Product]:
        flawed = Flawed(named=True)
        async with aclosing(ProductReader(self._reader, flawed.add).some(keys, parts=self._parts)) as products:
            found = [product async for product in products] + flawed.take()
        await self._keep(found)
        inside = await together(self._scope.has(key_of(product)) for product in found)
        return [product for product, is_inside in zip(found, inside, strict=True) if is_inside]

    async def one(self, key: str) -> Reading[Product]:
        if has_no_id(key):
            return Reading(None)
        flawed = Flawed()
        reading = await ProductReader(self._reader, flawed.add).one(key, parts=self._parts)
        record = reading.record or next(iter(flawed.take()), None)
        stale = reading.freshness is Freshness.STALE
        if record is None and not stale:
            return Reading(None)
        if record is not None:
            await self._keep([record])
        if not await self._scope.has(key):
            return Reading(record, outside=True)
        return Reading(record, stale)

    async def _keep(self, products: Sequence[Product]) -> None:
        if self._stock is not None:
            await self._stock.keep(products)

    async def is_listed(self, key: str) -> bool:
        """Whether lists have a product that exists; OrderCloud leaves some out."""
        return bool(await by_ids(Listing(self._reader, "products", {}, report=ignored), [key]))


def not_listed(key: str) -> RecordProblem:
    """Return what a merchant is told of a product that lists leave out; see docs/sync.md."""
    # documented: a product whose xp types clash is in no list, and answers by its ID.
    message = (
        "OrderCloud's lists leave the product out, or show another ID for it. "
        "They leave it out where a value in its xp has another type than that of "
        "other products: give it the same type. It is synced by its ID."
    )
    return RecordProblem(key, Part.PRODUCT, "not-listed", message)


def key_of(product: Product) -> str:
    """Return the ID of a product."""
    return text_or_none(mapping(product).get("ID")) or NO_ID


def look_of(product: Product) -> bytes | None:
    """Return the fingerprint of what lists show of a product that was read as a whole; None: not known."""
    return None if FLAW in product else of_list(product)


def told_of(product: Product) -> dict[str, str]:
    """Return digests of what messages tell of a product and of its inventory records."""
    found = digests(mapping(product), TOLD)
    for part in (product, *(product.get("Variants") or ())):
        for record in part.get("InventoryRecords") or ():
            fields = mapping(record)
            if (quantity := fields.get("QuantityAvailable")) is not None:
                found[stock_name(str(fields.get("ID")))] = digest_of(quantity)
    return found


def stock_name(record: str) -> str:
    """Return by which name the quantity of an inventory record is told."""
    return f"InventoryRecords/{record}"


def _look(product: Product) -> bytes | None:
    """Return the fingerprint of what lists show; None for a product that cannot be asked for by its ID."""
    flaw = mapping(product).get(FLAW)
    if not isinstance(flaw, BadRecord):
        return of_list(product)
    return of_list({FLAW: flaw.reason}) if flaw.has_id else None


class Flawed:
    """Takes the records of one stream that cannot be used, each once: the mapper tells what is wrong with them.

    Args:
        named: whether those without an ID are left out: a walk tells of them, and what is no walk could not tell
            that they are gone.
    """

    def __init__(self, *, named: bool = False) -> None:
        self._named = named
        self._seen: set[str] = set()
        self._waiting: list[Product] = []

    def add(self, record: BadRecord) -> None:
        """Take a record. One that has no ID has its place in the ledger under what stands for it."""
        if record.key not in self._seen and (record.has_id or not self._named):
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
