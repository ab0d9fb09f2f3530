"""Products, each with its variants, stock and prices, in as few requests as the API allows (docs/readers.md)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, TypeVar, cast

from msgspec import Struct

from reconciler.errors import NotFound, UnexpectedAnswer
from reconciler.kind.connection import Params, Reader, Wire
from reconciler.ordercloud.lists import one_object, path_segment
from reconciler.ordercloud.readers.flaws import BadRecord, Report, bad_record, flaw_of, id_flaw, ignored
from reconciler.ordercloud.readers.pages import Listing, by_ids, id_chunks, instant, one_record
from reconciler.ordercloud.readers.prices import PriceBook, party_prices
from reconciler.ordercloud.readers.records import Freshness, PartyPriceSchedule, PriceSchedule, Product, Reading
from reconciler.ordercloud.readers.spans import Span, walk_span
from reconciler.ordercloud.readers.stock import (
    HAS_RECORDS,
    KnownStock,
    StockLists,
    StockMemo,
    StockTold,
    inventory_of,
    summed,
    tracks_variants,
)
from reconciler.ordercloud.readers.streams import both, found_or_none, mapped, read_ahead
from reconciler.ordercloud.readers.walk import list_of, walk
from reconciler.ordercloud.together import together

ValueT = TypeVar("ValueT")
_PATH = "products"
# Products whose parts may be under way; the connection's own cap holds besides.
_AHEAD = 64
# How often variants are listed anew because one of them went while its stock was read.
_ATTEMPTS = 5


class Parts(Struct, frozen=True):
    """Parts of a product to read. What is left out costs no request, and its members are not there.

    Args:
        variants: `Variants`.
        stock: `InventoryRecords` of products and, with `variants`, of variants. The sums are always there.
        prices: `DefaultPriceSchedule`.
        party_prices: `PartyPriceSchedules`. A walk keeps all assignments that name a price in memory.
    """

    variants: bool = True
    stock: bool = True
    prices: bool = True
    party_prices: bool = False


ALL_PARTS = Parts()


class _Outline(Struct, frozen=True):
    """A product of a list, and what lists say of its parts; `memo` and `only_at`: what is known of its stock."""

    product: Wire
    has_records: bool
    schedules: Mapping[str, PriceSchedule]
    assigned: Sequence[PartyPriceSchedule] = ()
    memo: StockMemo | None = None
    only_at: str | None = None

    @property
    def known_records(self) -> list[Wire] | None:
        """Inventory records of the product itself, where they are known; None: they are to be read."""
        if self.memo is not None:
            return self.memo.of_product()
        return None if self.only_at is None else summed(self.product, self.only_at)


class ProductReader:
    """Reads products with their parts.

    Args:
        reader: the connection; its rate and its cap on requests in flight hold for all streams together.
        report: is told of every product of a stream that cannot be used: one without an ID, or with half a character
            or another type than is documented anywhere in it. None: each is an error that ends the stream.
    """

    def __init__(self, reader: Reader, report: Report | None = None) -> None:
        self._reader = reader
        self._report = report

    async def walk(
        self,
        *,
        catalogs: Sequence[str] = (),
        parts: Parts = ALL_PARTS,
        filters: Params | None = None,
        known: KnownStock | None = None,
        within: Span | None = None,
    ) -> AsyncGenerator[Product, None]:
        """Read all products. Close it (`contextlib.aclosing`) where you do not read it to its end.

        Every product that is there from beginning to end comes exactly once; one that comes or goes meanwhile, once or
        not at all; one that turns out to be deleted when its parts are read, not at all.

        Args:
            catalogs: only products assigned to one of these; none: all products. With several, the IDs of all
                products that came are kept in memory.
            parts: what to read of each.
            filters: further filters of the products list, e.g. `{"Active": "true"}`.
            known: what is known of their stock: records that are not read for that come as address and quantity.
            within: only those in this span of IDs.

        Raises:
            ApiError: a request failed: what was not read yet is not known.
        """
        assigned = await party_prices(self._reader) if parts.party_prices else {}
        seen: set[str] = set()
        for catalog in catalogs or (None,):
            params = {**(filters or {}), **({"catalogID": catalog} if catalog else {})}
            outlines = self._outlines(params, parts, assigned, known, within)
            async with aclosing(mapped(read_ahead(outlines), self._filler(parts), _AHEAD)) as products:
                async for product in products:
                    if product is None or product["ID"] in seen:
                        continue
                    if len(catalogs) > 1:
                        seen.add(product["ID"])
                    if self._is_sound(product):
                        yield product

    def stock_changed_since(
        self, moment: datetime, *, catalogs: Sequence[str] = (), parts: Parts = ALL_PARTS
    ) -> AsyncGenerator[Product, None]:
        """Read the products whose stock changed at or after a moment (timezone-aware), by `Inventory.LastUpdated`.

        inferred: that a changed inventory record of the product, or stock of a variant, moves that date as well.
        """
        return self.walk(catalogs=catalogs, parts=parts, filters={"Inventory.LastUpdated": f"!<{instant(moment)}"})

    async def some(self, ids: Iterable[str], *, parts: Parts = ALL_PARTS) -> AsyncGenerator[Product, None]:
        """Read the products with these IDs, a hundred per request. One that does not come may still exist: ask `one`.

        Raises:
            ApiError: a request failed.
        """
        outlines = self._outlines_of(ids, parts)
        async with aclosing(mapped(read_ahead(outlines), self._filler(parts), _AHEAD)) as products:
            async for product in products:
                if product is not None and self._is_sound(product):
                    yield product

    async def one(self, product_id: str, *, parts: Parts = ALL_PARTS) -> Reading[Product]:
        """Read a product by ID, with its freshness: products come from the search index, their parts do not.

        Returns:
            CURRENT without a record: it does not exist. STALE without a record: it exists and cannot be read yet.
            CACHED without a record: it cannot be used, and was reported. With a record: STALE where its parts
            contradict it, else CACHED; the parts themselves are always current.

        Raises:
            ApiError: a request failed.
        """
        path = _path(product_id)
        bad: list[BadRecord] = []
        report = self._report and bad.append
        product, (variants, records) = await both(
            found_or_none(self._by_id(path)),
            both(
                found_or_none(self._variants(path, stock=parts.stock, report=report)),
                found_or_none(self._list(f"{path}/inventoryrecords", parts.stock, report)),
            ),
        )
        if variants is None or records is None:
            return Reading(None, Freshness.CURRENT)
        if product is None:
            return Reading(None, Freshness.STALE)
        if self._report is not None and (reason := id_flaw(product.get("ID"))) is not None:
            self._report(bad_record(_PATH, {**product, "ID": product_id}, f"asked for by its ID: {reason}"))
            return Reading(None, Freshness.CACHED)
        if bad and self._report is not None:
            self._report(_bad_parts(product, bad))
            return Reading(None, Freshness.CACHED)
        assigned = await party_prices(self._reader, product_id) if parts.party_prices else {}
        schedules = await PriceBook(self._reader).of(_schedule_ids([product], assigned, parts))
        outline = _Outline(product, True, schedules, assigned.get(product_id, ()))
        stale = _contradicts(product, variants, records, parts)
        record = _assembled(outline, parts, variants, records)
        if self._report is not None:
            if not self._is_sound(record):
                return Reading(None, Freshness.CACHED)
        elif (reason := flaw_of(record, Product)) is not None:
            raise UnexpectedAnswer(f"GET {path}: the product cannot be used: {reason}", request=f"GET {path}")
        return Reading(record, Freshness.STALE if stale else Freshness.CACHED)

    # Outlines: what lists tell

    async def _outlines(
        self,
        params: Params,
        parts: Parts,
        assigned: Mapping[str, list[PartyPriceSchedule]],
        known: KnownStock | None,
        within: Span | None,
    ) -> AsyncGenerator[_Outline, None]:
        listing = Listing(self._reader, _PATH, params, report=self._report)
        with_records = Listing(self._reader, _PATH, {**params, **HAS_RECORDS}, report=self._report and ignored)
        stock = StockLists(with_records, known)
        book: PriceBook | None = None
        pages = walk(listing, searched=True) if within is None else walk_span(listing, within)
        async with aclosing(read_ahead(pages)) as pieces:
            async for piece in pieces:
                if book is None:
                    book = PriceBook(self._reader)
                    if parts.prices:
                        await book.open(piece.total)
                told, schedules = await both(
                    stock.of(piece) if parts.stock else _at_once(StockTold()),
                    book.of(_schedule_ids(piece.items, assigned, parts)),
                )
                for product in piece.items:
                    name = str(product["ID"])
                    yield _Outline(
                        product,
                        name in told.flagged,
                        schedules,
                        assigned.get(name, ()),
                        told.memos.get(name),
                        told.single.get(name),
                    )

    async def _outlines_of(self, ids: Iterable[str], parts: Parts) -> AsyncGenerator[_Outline, None]:
        book = PriceBook(self._reader)
        listing = Listing(self._reader, _PATH, {}, report=self._report)
        with_records = Listing(self._reader, _PATH, HAS_RECORDS, report=self._report and ignored)
        for chunk in id_chunks(ids):
            products, with_stock = await both(
                by_ids(listing, chunk), by_ids(with_records, chunk if parts.stock else ())
            )
            assigned: dict[str, list[PartyPriceSchedule]] = {}
            if parts.party_prices:
                for found in await together(party_prices(self._reader, str(item["ID"])) for item in products):
                    assigned |= found
            flagged = {str(item["ID"]) for item in with_stock}
            schedules = await book.of(_schedule_ids(products, assigned, parts))
            for product in products:
                name = str(product["ID"])
                # Filters do not care for case, IDs do.
                if name in chunk:
                    yield _Outline(product, name in flagged, schedules, assigned.get(name, ()))

    # Parts: what has to be asked of each product

    def _filler(self, parts: Parts) -> Callable[[_Outline], Coroutine[Any, Any, Product | None]]:
        async def filled(outline: _Outline) -> Product | None:
            """The product with its parts; None where it is deleted meanwhile."""
            product = outline.product
            path = _path(str(product["ID"]))
            tracked = tracks_variants(product)
            with_variants = parts.variants and bool(product.get("VariantCount"))
            stock = parts.stock and outline.has_records
            if not (with_variants or (stock and not tracked)):
                return _assembled(outline, parts, [], [])
            bad: list[BadRecord] = []
            report = self._report and bad.append
            try:
                if not with_variants:
                    variants, records = [], await self._records(path, outline, report)
                elif tracked or not stock:
                    variants, records = await self._variants(path, stock=stock, report=report, memo=outline.memo), []
                else:
                    variants, records = await both(
                        self._variants(path, stock=False, report=report),
                        self._records(path, outline, report),
                    )
            except NotFound:
                return None
            if bad and self._report is not None:
                self._report(_bad_parts(product, bad))
                return None
            return _assembled(outline, parts, variants, records)

        return filled

    async def _by_id(self, path: str) -> Wire:
        """The product itself; what is wrong with it is left to the caller where somebody is told of it."""
        try:
            return await (one_record if self._report is None else one_object)(self._reader, path)
        except UnexpectedAnswer as error:
            if self._report is None or not isinstance(error.answer, dict):
                raise
            return error.answer

    async def _records(self, path: str, outline: _Outline, report: Report | None) -> list[Wire]:
        """The inventory records of the product itself; nothing is read where they are known."""
        known = outline.known_records
        return await self._list(f"{path}/inventoryrecords", True, report) if known is None else known

    async def _variants(
        self, path: str, *, stock: bool, report: Report | None = None, memo: StockMemo | None = None
    ) -> list[Wire]:
        """The variants of a product, with their inventory records where those are asked for.

        Raises:
            NotFound: the product does not exist.
        """
        for _ in range(_ATTEMPTS):
            variants = await self._list(f"{path}/variants", True, report)
            if not stock:
                return variants
            if memo is not None and (known := memo.of_variants(variants)) is not None:
                return known
            paths = [f"{path}/variants/{path_segment(str(variant['ID']))}" for variant in variants]
            try:
                found = await together(self._list(f"{variant}/inventoryrecords", True, report) for variant in paths)
            except NotFound:
                # A variant went, or the product with it: the list of variants knows.
                continue
            return [{**variant, "InventoryRecords": records} for variant, records in zip(variants, found, strict=True)]
        raise UnexpectedAnswer(
            f"GET {path}/variants: variants are listed whose stock cannot be found",
            request=f"GET {path}/variants",
            next_step="Run it again: the variants changed while they were read.",
        )

    async def _list(self, path: str, wanted: bool, report: Report | None = None) -> list[Wire]:
        """A short list as a whole; nothing, and no request, where it is not wanted."""
        if not wanted:
            return []
        # Where the stock is, not the address of that place: it would come with every record.
        params: Params = {"includeAddress": "false"} if path.endswith("inventoryrecords") else {}
        return await list_of(Listing(self._reader, path, params, report=report))

    def _is_sound(self, product: Product) -> bool:
        """Whether a product with its parts can be used, as far as anybody wants to know; it is reported where not."""
        if self._report is None or (reason := flaw_of(product, Product)) is None:
            return True
        self._report(bad_record(_PATH, cast("Wire", product), reason))
        return False


def _bad_parts(product: Wire, bad: Sequence[BadRecord]) -> BadRecord:
    part = bad[0].path.rpartition("/")[2]
    return bad_record(_PATH, product, f"one of its {part} cannot be used: {bad[0].reason}")


def _path(product_id: str) -> str:
    return f"{_PATH}/{path_segment(product_id)}"


async def _at_once(value: ValueT) -> ValueT:
    """A value where a read is expected."""
    return value


def _schedule_ids(
    products: Iterable[Wire], assigned: Mapping[str, list[PartyPriceSchedule]], parts: Parts
) -> Iterator[str | None]:
    for product in products:
        if parts.prices:
            yield _schedule_id(product)
        for assignment in assigned.get(str(product["ID"]), ()):
            yield _schedule_id(assignment, "PriceScheduleID")


def _schedule_id(holder: Mapping[str, Any], member: str = "DefaultPriceScheduleID") -> str | None:
    """The ID of a price schedule, where it is one that can be asked for."""
    name = holder.get(member)
    return name if isinstance(name, str) and id_flaw(name) is None else None


def _assembled(outline: _Outline, parts: Parts, variants: list[Wire], records: list[Wire]) -> Product:
    product = dict(outline.product)
    if parts.variants:
        product["Variants"] = variants
    if parts.stock:
        product["InventoryRecords"] = records
    if parts.prices:
        product["DefaultPriceSchedule"] = outline.schedules.get(_schedule_id(product) or "")
    if parts.party_prices:
        product["PartyPriceSchedules"] = [
            {**assignment, "PriceSchedule": outline.schedules.get(_schedule_id(assignment, "PriceScheduleID") or "")}
            for assignment in outline.assigned
        ]
    return cast("Product", product)


def _contradicts(product: Wire, variants: list[Wire], records: list[Wire], parts: Parts) -> bool:
    """Whether counts and sums that a product shows are not those of its parts."""
    if product.get("VariantCount") != len(variants):
        return True
    if tracks_variants(product):
        records = [record for variant in variants for record in variant.get("InventoryRecords", ())]
    quantities = [record.get("QuantityAvailable") or 0 for record in records]
    quantity = sum(each for each in quantities if isinstance(each, int | float))
    return parts.stock and bool(records) and quantity != inventory_of(product).get("QuantityAvailable")
