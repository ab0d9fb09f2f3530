"""Explanation of one product: reads the record and the target, maps and compares. Writes and claims nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import ApiError, NoSuchRecord, NotFound, OutOfScope
from reconciler.kind.connection import ClockedReader, Json, Querier, Wire
from reconciler.ordercloud.readers.records import Product
from reconciler.sparklayer.price_book import read_prices, require_readable
from reconciler.sparklayer.prices import price_list_currency
from reconciler.sparklayer.products import DISCONTINUED, canonical_product, read_product
from reconciler.sparklayer.records import Price, StockLevel, Tier
from reconciler.sparklayer.stock import read_stock
from reconciler.sync.datatype import Reading
from reconciler.sync.explanation import Difference, Explanation, PartExplanation
from reconciler.sync.mapping.values import wire_number
from reconciler.sync.products.fingerprint import fingerprints
from reconciler.sync.products.mapper import draft
from reconciler.sync.products.model import Held, Name, Part, Wanted, held_from_json
from reconciler.sync.products.resolve import deleted, removals, settle
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.source import ProductSource, not_listed

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store


async def explain_record(
    settings: ProductSettings,
    source: ClockedReader,
    target: Querier,
    store: Store,
    key: str,
    now: datetime,
) -> Explanation:
    """Explain what a run would do with one record if it looked at it now.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer; a read of stock is a POST.
        store: what the ledger keeps of this sync; only read.
        key: ID of the product.
        now: our clock.

    Raises:
        NoSuchRecord: there is none, and there never was.
        OutOfScope: it exists, the manifest does not ask for it, and it was never synced.
        ApiError: something could not be read.
        LedgerError: the ledger could not be read.
    """
    listed = settings.price_list
    currency = None if listed is None else await price_list_currency(target, listed)
    products = ProductSource(source, settings)
    reading = await products.one(key)
    product = reading.record
    level = store.records.levels([key]).get(key)
    if level is None or not level.held:
        refuse(key, reading)
    if reading.stale and product is None:
        raise ApiError(
            f"OrderCloud has the product {key}, and cannot show it yet", next_step="Try it again in a minute."
        )
    held = Held() if level is None else held_from_json(level.held)
    prints = {} if level is None else {Part(part): value for part, value in level.prints.items()}
    if product is None or reading.outside:
        wanted = deleted(key, held)
    else:
        drafted = draft(product, settings, now + products.clock_offset, currency)
        asked = [(name.kind, name.value) for name in drafted.names_for(held)]
        owners = {Name(*name): owner for name, owner in store.names.owners(asked).items() if owner != key}
        wanted = settle(drafted, owners, held)
        if not reading.stale and not await products.is_listed(key):
            wanted = replace(wanted, problems=(*wanted.problems, not_listed(key)))
    skus = _skus(wanted, held)
    explained = explanation(
        product,
        wanted,
        await read_product(target, key) if Part.PRODUCT in settings.parts else None,
        await _stock(target, settings, skus),
        await _prices(target, settings, skus),
        prints,
        parts=settings.parts,
        held=held,
    )
    return replace(explained, outside=reading.outside)


def refuse(key: str, reading: Reading[Product]) -> None:
    """Refuse a record of which the target never had anything, where nothing will come of it.

    Raises:
        NoSuchRecord: there is none.
        OutOfScope: it exists, and the manifest does not ask for it.
    """
    if reading.is_gone:
        raise NoSuchRecord(
            f"OrderCloud has no product {key}, and none was ever synced under this ID",
            next_step="Look the ID up in the portal.",
        )
    if reading.outside:
        raise OutOfScope(
            f"the product {key} is in none of the catalogs of this data sync, and was never synced",
            next_step="Assign it to one of them, or change products.catalogs and apply.",
        )


def _skus(wanted: Wanted, held: Held) -> frozenset[str]:
    variants = (wanted.product or {}).get("variants", ())
    in_body = {variant["sku"] for variant in variants if variant.get("sku")}
    written = {level.sku for level in wanted.stock or ()} | {price.sku for price in wanted.prices or ()}
    return frozenset(in_body | written | set(held.skus) | held.priced)


async def _stock(
    target: Querier, settings: ProductSettings, skus: frozenset[str]
) -> Mapping[str, tuple[StockLevel, ...]]:
    if Part.STOCK not in settings.parts or not skus:
        return {}
    return await read_stock(target, sorted(skus))


async def _prices(target: Querier, settings: ProductSettings, skus: frozenset[str]) -> Mapping[str, tuple[Tier, ...]]:
    if settings.price_list is None or not skus:
        return {}
    try:
        # The API has no read of single SKUs.
        prices = await read_prices(target, settings.price_list, skus)
    except NotFound:
        return {}
    require_readable(prices, settings.price_list)
    return prices


def explanation(
    source: Mapping[str, Any] | None,
    wanted: Wanted,
    target_product: Wire | None,
    target_stock: Mapping[str, Iterable[StockLevel]],
    target_prices: Mapping[str, Iterable[Tier]],
    prints: Mapping[Part, bytes],
    *,
    parts: Iterable[Part] = tuple(Part),
    held: Held | None = None,
) -> Explanation:
    """Explain one record.

    Args:
        source: the record as it was read; None: it is gone.
        wanted: what the target should hold of it.
        target_product: what it holds of the product, as `read_product` returns it.
        target_stock: the levels that it holds, by SKU; only of the record's SKUs.
        target_prices: the prices that it holds on the price list, by SKU; only of the record's SKUs.
        prints: fingerprints of what was written last, from the ledger.
        parts: those that flow.
        held: what the ledger says that the target holds; for what would be removed.
    """
    now = fingerprints(wanted)
    gone = removals(held or Held(), wanted)
    compared = {
        Part.PRODUCT: _product(wanted, target_product),
        Part.STOCK: _stock_levels(wanted, target_stock, gone.stock),
        Part.PRICES: _price_tiers(wanted, target_prices, gone.prices),
    }
    flowing = set(parts)
    return Explanation(
        wanted.key,
        source,
        tuple(
            compared[part].explained(part, as_written=part not in now or prints.get(part) == now[part])
            for part in Part
            if part in flowing
        ),
        wanted.problems,
        wanted.due,
    )


class _Compared(Struct, frozen=True):
    """Values of one part by where they stand.

    Args:
        mapped: what the target should have; None: it must not be written.
        target: what it has.
        relevant: what of that is compared.
        sent: what a run would send.
        removed: what it would remove.
    """

    mapped: Mapping[str, Json] | None
    target: Mapping[str, Json]
    relevant: Mapping[str, Json]
    sent: Json
    removed: Iterable[str] = ()

    def explained(self, part: Part, *, as_written: bool) -> PartExplanation:
        return PartExplanation(
            part=part.value,
            mapped=self.mapped,
            target=self.target,
            differences=() if self.mapped is None else tuple(_differences(self.relevant, self.mapped)),
            as_written=as_written,
            sends=None if as_written else self.sent,
            removes=tuple(sorted(self.removed)),
        )


def _product(wanted: Wanted, found: Wire | None) -> _Compared:
    mapped = None if wanted.product is None else _of_product(canonical_product(wanted.product))
    target = {} if found is None else _of_product(found)
    relevant = target
    if found is not None and wanted.product is not None:
        relevant = _of_product(_comparable(found, wanted.product))
    return _Compared(mapped, target, relevant, wanted.product)


def _stock_levels(wanted: Wanted, found: Mapping[str, Iterable[StockLevel]], gone: Iterable[str]) -> _Compared:
    mapped = None if wanted.stock is None else _of_stock(wanted.stock)
    target = _of_stock(level for levels in found.values() for level in levels)
    return _Compared(mapped, target, target, mapped or None, gone)


def _price_tiers(wanted: Wanted, found: Mapping[str, Iterable[Tier]], gone: Iterable[str]) -> _Compared:
    listed = wanted.prices[0].price_list if wanted.prices else ""
    mapped = None if wanted.prices is None else _of_prices(wanted.prices)
    target = _of_prices(Price(sku, listed, tuple(tiers)) for sku, tiers in found.items())
    return _Compared(mapped, target, target, mapped or None, gone)


def _differences(target: Mapping[str, Json], mapped: Mapping[str, Json]) -> Iterator[Difference]:
    for where in dict.fromkeys((*mapped, *target)):
        if mapped.get(where) != target.get(where):
            yield Difference(where, target.get(where), mapped.get(where))


def _comparable(target: Wire, mapped: Wire) -> Wire:
    """Reduce a product to what is compared: a discontinued variant to its status, a deleted product to its variants."""
    gone = {variant["external_id"] for variant in mapped["variants"] if variant.get("status") == DISCONTINUED}
    variants = [
        {name: variant[name] for name in ("external_id", "status") if name in variant}
        if variant["external_id"] in gone
        else variant
        for variant in target.get("variants", ())
    ]
    return {**{name: value for name, value in target.items() if name in mapped}, "variants": variants}


def _of_product(body: Wire) -> dict[str, Json]:
    values = {name: value for name, value in body.items() if name not in ("variants", "external_id")}
    for variant in body.get("variants", ()):
        prefix = f"variants[{variant['external_id']}]"
        values |= {f"{prefix}.{name}": value for name, value in variant.items() if name != "external_id"}
    return values


def _of_stock(levels: Iterable[StockLevel]) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for level in sorted(levels, key=lambda level: (level.sku, level.location)):
        where = f"{level.sku} at {level.location}"
        values[where] = level.level
        if level.restock_date is not None:
            values[f"{where}, restock"] = level.restock_date.isoformat()
    return values


def _of_prices(prices: Iterable[Price]) -> dict[str, Json]:
    tiers = sorted((price.sku, tier.quantity, tier.price) for price in prices for tier in price.tiers)
    return {f"{sku} from {quantity}": wire_number(price) for sku, quantity, price in tiers}
