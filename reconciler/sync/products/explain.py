"""What becomes of one record: what it is mapped to, where the target differs, what a run would send. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.kind.connection import Json, Wire
from reconciler.sparklayer.products import DISCONTINUED, canonical_product
from reconciler.sparklayer.records import Price, StockLevel, Tier
from reconciler.sync.mapping.values import wire_number
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products.fingerprint import fingerprints
from reconciler.sync.products.model import Held, Part, Wanted
from reconciler.sync.products.resolve import removals


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that the target has otherwise.

    Args:
        where: e.g. `variants[chair/oak].sku`, `CHAIR-OAK at warehouse-1`, `CHAIR-OAK from 10`.
        target: what it has; None: nothing.
        mapped: what it should have; None: nothing.
    """

    where: str
    target: Json
    mapped: Json


@dataclass(frozen=True, slots=True)
class PartExplanation:
    """What becomes of one part of a record.

    Args:
        part: which.
        mapped: every value that the target should have, by where it stands; None: the part must not be written.
        target: every value that it has.
        differences: where the two are not the same; none where the part must not be written.
        as_written: whether it is what was written last, by the ledger, so that a run that trusts it sends nothing.
        sends: what a run would send; None: nothing.
        removes: SKUs whose stock or prices a run would remove.
    """

    part: Part
    mapped: Mapping[str, Json] | None
    target: Mapping[str, Json]
    differences: tuple[Difference, ...]
    as_written: bool
    sends: Json = None
    removes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of one record.

    Args:
        key: ID of the product.
        source: the record as it was read; None: it is gone.
        parts: those that flow.
        problems: what keeps something of it from going through.
        due: when the mapping changes by itself, in the source's clock; None: never.
    """

    key: str
    source: Mapping[str, Any] | None = field(repr=False)
    parts: tuple[PartExplanation, ...]
    problems: tuple[RecordProblem, ...]
    due: datetime | None


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
    listed = wanted.prices[0].price_list if wanted.prices else ""
    found: dict[Part, PartExplanation] = {}
    mapped: Mapping[Part, Mapping[str, Json] | None] = {
        Part.PRODUCT: None if wanted.product is None else _of_product(canonical_product(wanted.product)),
        Part.STOCK: None if wanted.stock is None else _of_stock(wanted.stock),
        Part.PRICES: None if wanted.prices is None else _of_prices(wanted.prices),
    }
    target: Mapping[Part, Mapping[str, Json]] = {
        Part.PRODUCT: {} if target_product is None else _of_product(target_product),
        Part.STOCK: _of_stock(level for levels in target_stock.values() for level in levels),
        Part.PRICES: _of_prices(Price(sku, listed, tuple(tiers)) for sku, tiers in target_prices.items()),
    }
    compared = dict(target)
    if target_product is not None and wanted.product is not None:
        compared[Part.PRODUCT] = _of_product(_compared(target_product, wanted.product))
    sent: Mapping[Part, Json] = {
        Part.PRODUCT: wanted.product,
        Part.STOCK: mapped[Part.STOCK] or None,
        Part.PRICES: mapped[Part.PRICES] or None,
    }
    removed = {Part.PRODUCT: (), Part.STOCK: tuple(sorted(gone.stock)), Part.PRICES: tuple(sorted(gone.prices))}
    for part in Part:
        as_written = part not in now or prints.get(part) == now[part]
        values = mapped[part]
        found[part] = PartExplanation(
            part=part,
            mapped=values,
            target=target[part],
            differences=() if values is None else tuple(_differences(compared[part], values)),
            as_written=as_written,
            sends=None if as_written else sent[part],
            removes=removed[part],
        )
    flowing = set(parts)
    return Explanation(
        wanted.key, source, tuple(found[part] for part in Part if part in flowing), wanted.problems, wanted.due
    )


def _differences(target: Mapping[str, Json], mapped: Mapping[str, Json]) -> Iterator[Difference]:
    for where in dict.fromkeys((*mapped, *target)):
        if mapped.get(where) != target.get(where):
            yield Difference(where, target.get(where), mapped.get(where))


def _compared(target: Wire, mapped: Wire) -> Wire:
    """Return of a product what is compared: of a discontinued variant that it is, of a product that is gone no more."""
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
