"""Reader of what price lists are made from: products with their SKUs, and price schedules."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from reconciler.errors import NotFound, SourceIncomplete
from reconciler.kind.connection import Reader
from reconciler.ordercloud.readers.assignments import assignments
from reconciler.ordercloud.readers.flaws import BadRecord, id_flaw
from reconciler.ordercloud.readers.prices import PriceBook
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.ordercloud.readers.records import Freshness, Product
from reconciler.ordercloud.together import together
from reconciler.sparklayer.kinds.data_sync.expressions import MOST_WORK
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.mapping.fields import Unfit, items_of
from reconciler.sync.mapping.prices import schedule_id, schedule_of
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.skus import sku_of
from reconciler.sync.mapping.values import View
from reconciler.sync.parties.schedules import PartySchedules
from reconciler.sync.party_prices.model import Item, Shelf, Ware
from reconciler.sync.party_prices.settings import PartyPriceSettings

_IN_CATALOG = "catalogs/productassignments"
# What is read of each product by itself, and what moves without any price.
_NO_PRICE = frozenset({"Variants", "InventoryRecords", "Inventory"})
_WORK_PER_RECORD, _WORK_PER_VARIANT = 2 * MOST_WORK, 2_000


class ShelfReader:
    """Reads the products that lists need, and the price schedules of parties.

    Args:
        reader: the connection.
        settings: say which catalogs, and the mapping of SKUs.
    """

    def __init__(self, reader: Reader, settings: PartyPriceSettings) -> None:
        self._reader = reader
        self._settings = settings

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
        parts = Parts(variants=variants, stock=False, prices=True)
        flawed: list[BadRecord] = []
        reader = ProductReader(self._reader, flawed.append)
        wares: dict[str, Ware] = {}
        if products is None:
            await self._take(reader.walk(catalogs=self._settings.catalogs, parts=parts), wares, variants=variants)
        # Lists come from a search index, and leave some products out: those that parties have prices of are asked for.
        wanted = await self._in_scope(
            {name for name in (_all(assigned) if products is None else products) if id_flaw(name) is None}
        )
        if products is not None:
            await self._take(reader.some(sorted(wanted), parts=parts), wares, variants=variants)
        unread = {record.id for record in flawed if record.has_id}
        missing = sorted(wanted - wares.keys() - unread)
        for name, reading in zip(
            missing, await together(reader.one(each, parts=parts) for each in missing), strict=True
        ):
            if reading.record is not None:
                wares[name] = self._ware(reading.record, variants=variants)
            elif reading.freshness is not Freshness.CURRENT:
                unread.add(name)
        return Shelf(wares, frozenset(unread), await self._schedules(assigned), assigned)

    async def _take(self, products: AsyncGenerator[Product, None], wares: dict[str, Ware], *, variants: bool) -> None:
        async with aclosing(products):
            async for product in products:
                wares[str(product["ID"])] = self._ware(product, variants=variants)

    def _ware(self, product: Product, *, variants: bool) -> Ware:
        view = View(str(product["ID"]), dict(product))
        look = digest_of({name: value for name, value in product.items() if name not in _NO_PRICE})
        items = tuple(_items(view, self._settings.rules)) if variants else ()
        return Ware(view.external_id, schedule_id(view), schedule_of(view), items, look)

    async def _in_scope(self, products: set[str]) -> set[str]:
        """Those of the products that are in a catalog of the scope, by the system itself."""
        if not self._settings.catalogs or not products:
            return products
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
        return products & inside

    async def _schedules(self, assigned: PartySchedules) -> Mapping[str, Mapping[str, Any]]:
        names = {name for found in assigned.by_party.values() for each in found.values() for name in each}
        asked = sorted(name for name in names if id_flaw(name) is None)
        return {name: dict(schedule) for name, schedule in (await PriceBook(self._reader).of(asked)).items()}


def _all(assigned: PartySchedules) -> set[str]:
    return {product for found in assigned.by_party.values() for product in found}


def _items(product: View, rules: MappingRules) -> list[Item]:
    """The SKUs of a product, the first variant of each; what has none is told of the product itself."""
    if rules.expressions:
        variants = product.data.get("Variants")
        count = len(variants) if isinstance(variants, list) else 0
        rules = rules.within(_WORK_PER_RECORD + _WORK_PER_VARIANT * count)
    found: dict[str, Item] = {}
    for item in items_of(product):
        try:
            sku = sku_of(item, rules)
        except Unfit:
            continue
        found.setdefault(sku, Item(sku, replace(item.own, data={"Specs": item.own.data.get("Specs")})))
    return list(found.values())
