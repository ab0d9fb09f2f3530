"""Reader of what price lists are made from: products with their SKUs, and price schedules."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import NotFound, SourceIncomplete
from reconciler.kind.connection import Reader
from reconciler.ordercloud.readers.assignments import assignments
from reconciler.ordercloud.readers.flaws import BadRecord, id_flaw
from reconciler.ordercloud.readers.prices import PriceBook
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.ordercloud.readers.records import Freshness, Product
from reconciler.ordercloud.together import together
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.mapping.fields import Unfit, items_of
from reconciler.sync.mapping.prices import schedule_id, schedule_of
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.skus import sku_of
from reconciler.sync.mapping.values import View, objects
from reconciler.sync.parties.schedules import PartySchedules
from reconciler.sync.party_prices.model import Item, Shelf, Ware
from reconciler.sync.party_prices.settings import PartyPriceSettings

_IN_CATALOG = "catalogs/productassignments"
# What is read of each product by itself, and what moves without any price.
_NO_PRICE = frozenset({"Variants", "InventoryRecords", "Inventory"})


class _Read(Struct):
    """Products that were read: that can be used, that cannot be read, that do not exist; whether these are all.

    Once they are, `shelf` has them.
    """

    wares: dict[str, Ware] = {}
    unread: set[str] = set()
    gone: set[str] = set()
    is_whole: bool = False
    shelf: Shelf | None = None

    @property
    def known(self) -> set[str]:
        """IDs of all of them."""
        return self.unread | self.gone | self.wares.keys()


class ShelfReader:
    """Reads the products that lists need, and the price schedules of parties. What was read whole serves all of a run.

    Args:
        reader: the connection.
        settings: say which catalogs, and the mapping of SKUs.
    """

    def __init__(self, reader: Reader, settings: PartyPriceSettings) -> None:
        self._reader = reader
        self._settings = settings
        self._kept = _Read()
        self._inside: set[str] | None = None
        self._schedules: dict[str, Mapping[str, Any] | None] = {}

    async def read(self, products: Collection[str] | None, assigned: PartySchedules, *, variants: bool) -> Shelf:
        """Read products and the price schedules of parties.

        Args:
            products: their IDs; None: all that are in scope.
            assigned: which party has which schedule.
            variants: whether SKUs are needed; each product with variants costs a request.

        Raises:
            SourceIncomplete: a catalog of the scope does not exist, or is empty.
            ApiError: a request failed.
        """
        found = self._kept if variants else _Read()
        if products is None and found.shelf is not None and found.shelf.assigned is assigned:
            return found.shelf
        flawed: list[BadRecord] = []
        parts = Parts(variants=variants, stock=False, prices=True)
        reader = ProductReader(self._reader, flawed.append)
        if products is None and not found.is_whole:
            await self._take(reader.walk(catalogs=self._settings.catalogs, parts=parts), found, variants=variants)
            found.is_whole = True
        # Lists come from a search index, and leave some products out: those that parties have prices of are asked for.
        names = _all(assigned) if products is None else products
        wanted = await self._in_scope({name for name in names if id_flaw(name) is None}) - found.known
        if products is not None:
            await self._take(reader.some(sorted(wanted), parts=parts), found, variants=variants)
        found.unread.update(record.id for record in flawed if record.has_id)
        missing = sorted(wanted - found.known)
        reads = await together(reader.one(each, parts=parts) for each in missing)
        for name, reading in zip(missing, reads, strict=True):
            if reading.record is not None:
                found.wares[name] = self._ware(reading.record, variants=variants)
            elif reading.freshness is Freshness.CURRENT:
                found.gone.add(name)
            else:
                found.unread.add(name)
        schedules = await self._of(assigned, products)
        shelf = Shelf(dict(found.wares), frozenset(found.unread), schedules, assigned)
        found.shelf = shelf if products is None else None
        return shelf

    async def _take(self, products: AsyncGenerator[Product, None], found: _Read, *, variants: bool) -> None:
        async with aclosing(products):
            async for product in products:
                found.wares[str(product["ID"])] = self._ware(product, variants=variants)

    def _ware(self, product: Product, *, variants: bool) -> Ware:
        view = View(str(product["ID"]), dict(product))
        look = digest_of({name: value for name, value in product.items() if name not in _NO_PRICE})
        items = tuple(_items(view, self._settings.rules)) if variants else ()
        return Ware(view.external_id, schedule_id(view), schedule_of(view), items, look)

    async def _in_scope(self, products: set[str]) -> set[str]:
        """Those of the products that are in a catalog of the scope, by the system itself."""
        if not self._settings.catalogs or not products:
            return products
        if self._inside is None:
            self._inside = await self._in_catalogs()
        return products & self._inside

    async def _in_catalogs(self) -> set[str]:
        inside: set[str] = set()
        for catalog in self._settings.catalogs:
            try:
                rows = await assignments(self._reader, _IN_CATALOG, {"catalogID": catalog})
            except NotFound:
                rows = []
            if not rows:
                raise SourceIncomplete(
                    f"OrderCloud's catalog {catalog} has no products, or does not exist, and the data sync is about "
                    "its products: no price list was changed",
                    next_step="Correct products.catalogs, or assign products to the catalog.",
                )
            inside.update(str(row.get("ProductID")) for row in rows)
        return inside

    async def _of(self, assigned: PartySchedules, products: Collection[str] | None) -> Mapping[str, Mapping[str, Any]]:
        """The price schedules that parties have for products, as far as they can be read; None: for all products."""
        names = {
            name
            for found in assigned.by_party.values()
            for product, each in found.items()
            if products is None or product in products
            for name in each
        }
        asked = sorted(name for name in names - self._schedules.keys() if id_flaw(name) is None)
        read = await PriceBook(self._reader).of(asked)
        self._schedules.update((name, read.get(name)) for name in asked)
        return {name: schedule for name in names if (schedule := self._schedules.get(name)) is not None}


def _all(assigned: PartySchedules) -> set[str]:
    return {product for found in assigned.by_party.values() for product in found}


def _items(product: View, rules: MappingRules) -> list[Item]:
    """The SKUs of a product, the first variant of each; what has none is told of the product itself."""
    if rules.expressions:
        rules = rules.for_record(len(objects(product.data.get("Variants"))))
    found: dict[str, Item] = {}
    for item in items_of(product):
        try:
            sku = sku_of(item, rules)
        except Unfit:
            continue
        found.setdefault(sku, Item(sku, replace(item.own, data={"Specs": item.own.data.get("Specs")})))
    return list(found.values())
