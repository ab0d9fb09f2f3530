"""What flows through a sync: drafts, what is wanted of a record, and what is wrong with it. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.kind.kind import Wire
from reconciler.sparklayer.records import Price, StockLevel


class Part(StrEnum):
    """What is compared and written of a product, each with a fingerprint of its own."""

    PRODUCT = "product"
    STOCK = "stock"
    PRICES = "prices"


class Mode(StrEnum):
    """How a run treats what the target should already hold."""

    INCREMENTAL = "incremental"
    """Only what may have changed is read; what differs from its fingerprint is written."""
    WALK = "walk"
    """As incremental, but everything is read: it finds what no stamp and no event tells of."""
    FULL = "full"
    """A full sync: everything is read; what differs from its fingerprint is written; the sync log begins anew."""
    VERIFY = "verify"
    """A full sync that reads the target too, where it can be; what differs from the target is written."""
    REWRITE = "rewrite"
    """A full sync that writes everything."""

    @property
    def walks(self) -> bool:
        """Whether the source is read as a whole."""
        return self is not Mode.INCREMENTAL

    @property
    def is_full(self) -> bool:
        """Whether it is a full sync to the sync log, which begins anew with it."""
        return self in (Mode.FULL, Mode.VERIFY, Mode.REWRITE)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A value that one record of a site may have and no other: `sku` or `slug`."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """What is wrong with a record.

    Args:
        external_id: the record's ID in the sync log: the product's, or `{ProductID}/{VariantID}`.
        part: what it keeps from going through.
        code: stable, e.g. `no-sku`; docs/sync.md lists them.
        message: what is wrong and what to do, for a merchant.
    """

    external_id: str
    part: Part
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Held:
    """What the target holds of a record as far as we wrote it.

    Args:
        variants: external IDs of its variants, those that were discontinued too.
        skus: SKU to the external IDs of the locations that have a level for it.
        priced: SKUs with prices.
        slug: the product's slug, which stays what it was.
        discontinued: the record as a whole is.
    """

    variants: frozenset[str] = frozenset()
    skus: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    priced: frozenset[str] = frozenset()
    slug: str | None = None
    discontinued: bool = False


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
