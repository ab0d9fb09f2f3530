"""The data type of products with their variants, stock and prices: what the engine asks, and which module answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.connection import ClockedReader, Querier, Writer
from reconciler.ordercloud.readers.records import Product
from reconciler.sync.datatype import Held, Name, SyncLog
from reconciler.sync.heard import Feed
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products.mapper import SKU, SLUG, Draft, draft
from reconciler.sync.products.model import Name as ProductName
from reconciler.sync.products.model import Part, Wanted, held_from_json, held_to_json
from reconciler.sync.products.remedy import remedy
from reconciler.sync.products.resolve import deleted, settle
from reconciler.sync.products.settings import ProductSettings, digest, product_settings
from reconciler.sync.products.sink import PROBE, ProductSink
from reconciler.sync.products.source import ProductSource, key_of, look_of, not_listed, roles_of, told_of
from reconciler.sync.products.state import ProductState, state_of
from reconciler.sync.products.target import ProductTarget, Returned

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store
    from reconciler.sync.explanation import Explanation
    from reconciler.sync.run.breaker import Breaker

DATA_TYPE = "products"
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,100}(/[A-Za-z0-9_-]{1,100})?")
INSIDE: Mapping[str, str] = MappingProxyType(
    {
        Part.PRODUCT.value: "the inside of variants",
        Part.STOCK.value: "stock that moves between places or variants",
        Part.PRICES.value: "surcharges of variants",
    }
)
"""What lists do not show of a product, its stock and its prices."""
_PRODUCT_SYNC, _STOCK_SYNC = ("ProductSync", ""), ("EntitySync", "inventoryRecords")
FEEDS: Mapping[str, Feed | None] = MappingProxyType(
    {
        Part.PRODUCT.value: Feed("product.updated", (_PRODUCT_SYNC,)),
        Part.STOCK.value: Feed("entitysync.inventoryrecord.updated", (_PRODUCT_SYNC, _STOCK_SYNC)),
        # Price schedules have no message; lists show them, and surcharges are variants'.
        Part.PRICES.value: None,
    }
)
"""Messages that tell of each part what lists do not show, of products without variants."""


class Products(Struct, frozen=True):
    """Data type of products, bound to what one manifest says of them. It implements `sync.datatype.DataType`.

    Args:
        settings: what the manifest says.
    """

    settings: ProductSettings

    name = DATA_TYPE
    entries = ("product or variant", "products and variants")
    ends = "discontinued"
    id_form = "the ID of a product, or ProductID/VariantID"
    log: ClassVar[SyncLog | None] = SyncLog(DATA_TYPE)
    walk_interval = None
    lights = True
    keeps_gone = False
    reserved = frozenset[str]()
    noun = "product"
    parts = tuple(part.value for part in Part)
    inside = INSIDE
    feeds = FEEDS
    hidden = "stock that moved though Inventory.LastUpdated did not"
    probe = PROBE

    @property
    def lists(self) -> Mapping[str, str]:
        return roles_of(self.settings)

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self.lists)

    @property
    def flowing(self) -> tuple[str, ...]:
        """Those of the parts that the manifest asks for."""
        return tuple(part.value for part in Part if part in self.settings.parts)

    @property
    def spares(self) -> bool:
        return self.settings.spares_stock

    @property
    def digest(self) -> str:
        return digest(self.settings)

    def remedy(self, code: str, external_ids: Collection[str]) -> str | None:
        return remedy(self.settings, code, external_ids)

    def link(self, external_id: str, api_url: str) -> str:
        return self.settings.link(external_id, api_url)

    def record_of(self, external_id: str) -> str | None:
        return external_id.partition("/")[0] if _EXTERNAL_ID.fullmatch(external_id) else None

    def source(self, reader: ClockedReader, breaker: Breaker | None) -> ProductSource:
        return ProductSource(reader, self.settings, breaker)

    def target(self, reader: Querier, breaker: Breaker) -> ProductTarget:
        return ProductTarget(reader, self.settings, breaker)

    def sink(self, writer: Writer, breaker: Breaker, stopping: Callable[[], bool]) -> ProductSink:
        return ProductSink(writer, self.settings, breaker, stopping)

    def key(self, record: Product) -> str:
        return key_of(record)

    def look(self, record: Product) -> bytes | None:
        return look_of(record)

    def is_silent(self, record: Product) -> bool:
        # Whether a change of a variant alone makes a message is not published.
        return bool(record.get("Variants"))

    def told(self, record: Product) -> Mapping[str, str]:
        return told_of(record)

    def map(self, record: Product, now: datetime, facts: str | None) -> Draft:
        return draft(record, self.settings, now, facts)

    def names(self, draft: Draft, held: Held) -> list[Name]:
        return _names(draft.names_for(held_from_json(held)))

    def resolve(self, draft: Draft, taken: Mapping[Name, str], held: Held) -> ProductState:
        noted = held_from_json(held).without_names_of_others(_skus(taken))
        before = noted.on_list(self.settings.price_list if Part.PRICES in self.settings.parts else None)
        wanted = settle(draft, {ProductName(*name): owner for name, owner in taken.items()}, before)
        nothing = wanted.product is None and not wanted.stock and not wanted.prices
        held_back = wanted.product is None if Part.PRODUCT in self.settings.parts else nothing and bool(wanted.problems)
        keeps = _names(draft.names_for(wanted.held)) if wanted.gone_skus else None
        moved = noted.price_list is not None and before.price_list != noted.price_list
        return state_of(wanted, before, keeps, held_back=held_back, moved=moved)

    def lost(self, held: Held) -> Held:
        # Stock and prices are kept by SKU: they may be there still.
        return held_to_json(replace(held_from_json(held), variants=frozenset(), slug=None, discontinued=False))

    def returned(self, held: Held, found: Returned) -> Held:
        return held_to_json(held_from_json(held).with_former(found.stock, found.priced))

    def held_names(self, held: Held) -> list[Name]:
        before = held_from_json(held)
        slug = [] if before.slug is None else [(SLUG, before.slug)]
        return [*slug, *((SKU, sku) for sku in sorted(before.skus.keys() | before.priced))]

    def named(self, held: Held) -> str | None:  # noqa: ARG002 - nothing else refers to a product
        return None

    def deleted(self, key: str, taken: Mapping[Name, str], held: Held, *, outside: bool) -> ProductState:  # noqa: ARG002 - what left the scope goes as well
        before = held_from_json(held).without_names_of_others(_skus(taken))
        wanted = deleted(key, before)
        return state_of(wanted, before, _slug(wanted), held_back=False)

    def not_listed(self, key: str) -> RecordProblem:
        return not_listed(key)

    async def explain(
        self, source: ClockedReader, target: Querier, store: Store, key: str, now: datetime
    ) -> Explanation:
        from reconciler.sync.products.explain import explain_record  # runs never ask

        return await explain_record(self.settings, source, target, store, key, now)


def bind_products(state: Mapping[str, Any]) -> Products | None:
    """Return the data type as a DataSync binds it; None where neither products, stock nor prices flow.

    Args:
        state: what the DataSync wants, in manifest terms, defaults in, references as live IDs.
    """
    settings = product_settings(state)
    return Products(settings) if settings.parts else None


class Stock(Products, frozen=True):
    """Data type of the stock, where SparkLayer pulls it beside the products.

    It has a place in the ledger of its own, as the two are pulled one after the other. Which product goes through
    decides here as there: stock of what is not there would be nobody's. What is wrong with it, the products tell.
    """

    name = "stock"
    entries = ("stock level", "stock levels")
    log = None
    noun = "product with stock"
    ends = "without stock"
    flowing = (Part.STOCK.value,)


class Prices(Products, frozen=True):
    """Data type of the prices, where SparkLayer pulls the products: it pulls no prices, so our runs send them.

    Like `Stock`, it has a place in the ledger of its own and goes by which product goes through.
    """

    name = "prices"
    entries = ("price", "prices")
    log = None
    noun = "product with prices"
    ends = "without prices"
    flowing = (Part.PRICES.value,)

    @property
    def _at_site(self) -> ProductSettings:
        return replace(self.settings, parts=frozenset({Part.PRICES}))

    def target(self, reader: Querier, breaker: Breaker) -> ProductTarget:
        return ProductTarget(reader, self._at_site, breaker)

    def sink(self, writer: Writer, breaker: Breaker, stopping: Callable[[], bool]) -> ProductSink:
        return ProductSink(writer, self._at_site, breaker, stopping)

    def resolve(self, draft: Draft, taken: Mapping[Name, str], held: Held) -> ProductState:
        return _prices_of(super().resolve(draft, taken, held))

    def deleted(self, key: str, taken: Mapping[Name, str], held: Held, *, outside: bool) -> ProductState:
        return _prices_of(super().deleted(key, taken, held, outside=outside))


def bind_prices(state: Mapping[str, Any]) -> Products | None:
    """Return the data type of the prices beside a pull; None where they do not flow."""
    settings = product_settings(state)
    return Prices(settings) if Part.PRICES in settings.parts else None


def bind_stock(state: Mapping[str, Any]) -> Products | None:
    """Return the data type of the stock that is pulled; None where it does not flow."""
    settings = product_settings(state)
    return Stock(settings) if Part.STOCK in settings.parts else None


def _prices_of(state: ProductState) -> ProductState:
    """Return the state of a product of which prices alone are ours to write."""
    prices = Part.PRICES.value
    prints = {part: value for part, value in state.prints.items() if part == prices}
    return replace(state, prints=prints, removes=state.removes & {prices})


def _names(names: Collection[ProductName]) -> list[Name]:
    return sorted((name.kind, name.value) for name in names)


def _skus(taken: Mapping[Name, str]) -> frozenset[str]:
    return frozenset(value for kind, value in taken if kind == SKU)


def _slug(wanted: Wanted) -> list[Name]:
    """What is gone keeps its slug in the target."""
    return [] if wanted.held.slug is None else [(SLUG, wanted.held.slug)]
