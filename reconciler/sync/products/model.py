"""Target state of a product, wanted and held, also as the ledger keeps it. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.kind.connection import Wire
from reconciler.sparklayer.records import Price, StockLevel
from reconciler.sync.problem import RecordProblem

FLAW = "(flaw)"
"""Member of a record that came and cannot be used; it holds a `BadRecord`, which no JSON can."""
NO_ID = "(no ID)"
"""Key of a product without a usable ID."""


class Part(StrEnum):
    """What is compared and written of a product, each with a fingerprint of its own."""

    PRODUCT = "product"
    STOCK = "stock"
    PRICES = "prices"


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A value that one record of a site may have and no other: `sku` or `slug`."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Held:
    """What the target holds of a record as far as we wrote it.

    Args:
        variants: external IDs of its variants, those that were discontinued too.
        skus: SKU to the external IDs of the locations that have a level for it.
        priced: SKUs with prices.
        slug: the product's slug, which stays what it was.
        discontinued: the record as a whole is.
        left_stock: SKUs whose levels were left as they were, for a problem: no fingerprint covers them.
        left_prices: the same of prices.
    """

    variants: frozenset[str] = frozenset()
    skus: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    priced: frozenset[str] = frozenset()
    slug: str | None = None
    discontinued: bool = False
    left_stock: frozenset[str] = frozenset()
    left_prices: frozenset[str] = frozenset()

    @property
    def printed_stock(self) -> frozenset[str]:
        """SKUs whose levels the fingerprint of the stock covers."""
        return frozenset(self.skus) - self.left_stock

    @property
    def printed_prices(self) -> frozenset[str]:
        """SKUs whose prices the fingerprint of the prices covers."""
        return self.priced - self.left_prices


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the target should hold of one record.

    Args:
        key: the record's ID in the source.
        product: canonical body of the product with its variants; None: it must not be written, or does not flow.
        stock: its levels; None: they must not be written, or do not flow.
        prices: its prices; None: they must not be written, or do not flow.
        gone_skus: SKUs that the target holds and the record has no longer: their stock and prices go.
        held: what the target holds once all of this is written.
        problems: what keeps something of it from going through.
        due: when the mapping changes by itself because a sale begins or ends, in the source's clock; None: never.
    """

    key: str
    product: Wire | None
    stock: tuple[StockLevel, ...] | None
    prices: tuple[Price, ...] | None
    gone_skus: tuple[str, ...] = ()
    held: Held = field(default_factory=Held)
    problems: tuple[RecordProblem, ...] = ()
    due: datetime | None = None


def held_to_json(held: Held) -> dict[str, Any]:
    """Return it as JSON data; what is empty is left out."""
    body = {
        "variants": sorted(held.variants),
        "skus": {sku: list(locations) for sku, locations in sorted(held.skus.items())},
        "priced": sorted(held.priced),
        "slug": held.slug,
        "discontinued": held.discontinued,
        "leftStock": sorted(held.left_stock),
        "leftPrices": sorted(held.left_prices),
    }
    return {name: value for name, value in body.items() if value}


def held_from_json(body: Mapping[str, Any]) -> Held:
    """Return what `held_to_json` made of it."""
    return Held(
        frozenset(body.get("variants", ())),
        {sku: tuple(locations) for sku, locations in body.get("skus", {}).items()},
        frozenset(body.get("priced", ())),
        body.get("slug"),
        bool(body.get("discontinued")),
        frozenset(body.get("leftStock", ())),
        frozenset(body.get("leftPrices", ())),
    )
