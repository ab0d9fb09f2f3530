"""Reading what it takes to explain one record. Nothing is written, and nothing claimed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reconciler.errors import NotFound
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.ledger.data.store import Levels
from reconciler.sparklayer.prices import price_list_currency, read_prices
from reconciler.sparklayer.products import read_product
from reconciler.sparklayer.records import StockLevel, Tier
from reconciler.sparklayer.stock import read_stock
from reconciler.sync.products.explain import Explanation, explanation
from reconciler.sync.products.mapper import draft
from reconciler.sync.products.model import Held, Name, Part, Wanted, held_from_json
from reconciler.sync.products.resolve import departed, settle
from reconciler.sync.products.source import ProductSource
from reconciler.sync.settings import SyncSettings


async def explain_record(
    settings: SyncSettings,
    source: HttpReader,
    target: HttpWriter,
    levels: Levels,
    key: str,
    now: datetime,
) -> Explanation:
    """Return what would become of one record if a run looked at it now.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer; a read of stock is a POST.
        levels: the ledger of this sync; only read.
        key: ID of the product.
        now: our clock.

    Raises:
        ApiError: something could not be read.
        LedgerError: the ledger could not be read.
    """
    listed = settings.price_list
    currency = None if listed is None else await price_list_currency(target, listed)
    products = ProductSource(source, settings)
    product = (await products.one(key)).record
    level = levels.levels([key]).get(key)
    held = Held() if level is None else held_from_json(level.held)
    prints = {} if level is None else {Part(part): value for part, value in level.prints.items()}
    if product is None:
        wanted = departed(key, held)
    else:
        drafted = draft(product, settings, now + products.clock_offset, currency)
        asked = [(name.kind, name.value) for name in drafted.names_for(held)]
        owners = {Name(*name): owner for name, owner in levels.owners(asked).items() if owner != key}
        wanted = settle(drafted, owners, held)
    skus = _skus(wanted, held)
    return explanation(
        product,
        wanted,
        await read_product(target, key) if Part.PRODUCT in settings.parts else None,
        await _stock(target, settings, skus),
        await _prices(target, settings, skus),
        prints,
        parts=settings.parts,
        held=held,
    )


def _skus(wanted: Wanted, held: Held) -> frozenset[str]:
    variants = (wanted.product or {}).get("variants", ())
    in_body = {variant["sku"] for variant in variants if variant.get("sku")}
    written = {level.sku for level in wanted.stock or ()} | {price.sku for price in wanted.prices or ()}
    return frozenset(in_body | written | set(held.skus) | held.priced)


async def _stock(
    target: HttpWriter, settings: SyncSettings, skus: frozenset[str]
) -> Mapping[str, tuple[StockLevel, ...]]:
    if Part.STOCK not in settings.parts or not skus:
        return {}
    return await read_stock(target, sorted(skus))


async def _prices(target: HttpWriter, settings: SyncSettings, skus: frozenset[str]) -> Mapping[str, tuple[Tier, ...]]:
    if settings.price_list is None or not skus:
        return {}
    try:
        # The API has no read of single SKUs.
        prices = await read_prices(target, settings.price_list)
    except NotFound:
        return {}
    return {sku: tiers for sku, tiers in prices.items() if sku in skus}
