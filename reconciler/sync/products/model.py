"""Target state of a product, wanted and held, also as the ledger keeps it. Plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.errors import LedgerError
from reconciler.kind.connection import Wire
from reconciler.sparklayer.records import Price, StockLevel
from reconciler.sync.problem import RecordProblem

FLAW = "(flaw)"
"""Member of a record that came and cannot be used; it holds a `BadRecord`, which no JSON can."""
NO_ID = "(no ID)"
"""Key of a product without a usable ID."""
_NO_TEXTS: frozenset[str] = frozenset()


class Part(StrEnum):
    """What is compared and written of a product, each with a fingerprint of its own."""

    PRODUCT = "product"
    STOCK = "stock"
    PRICES = "prices"


class Name(Struct, frozen=True, order=True):
    """A value that one record of a site may have and no other: `sku` or `slug`."""

    kind: str
    value: str


class Held(Struct, frozen=True):
    """What the target holds of a record as far as we wrote it.

    Args:
        variants: external IDs of its variants, those that were discontinued too.
        skus: SKU to the external IDs of the locations that have a level for it.
        priced: SKUs with prices.
        slug: the product's slug, which stays what it was.
        discontinued: the record as a whole is.
        left_stock: SKUs whose levels were left as they were, for a problem: no fingerprint covers them.
        left_prices: the same of prices.
        former: SKUs whose levels and prices were removed; a site that is restored has them again.
        price_list: the list that `priced` are on; None: not known, or none are.
        old_prices: lists that prices went to before, each with the SKUs that still have some there.
    """

    variants: frozenset[str] = frozenset()
    skus: Mapping[str, tuple[str, ...]] = {}
    priced: frozenset[str] = frozenset()
    slug: str | None = None
    discontinued: bool = False
    left_stock: frozenset[str] = frozenset()
    left_prices: frozenset[str] = frozenset()
    former: frozenset[str] = frozenset()
    price_list: str | None = None
    old_prices: Mapping[str, frozenset[str]] = {}

    @property
    def printed_stock(self) -> frozenset[str]:
        """SKUs whose levels the fingerprint of the stock covers."""
        return frozenset(self.skus) - self.left_stock

    @property
    def printed_prices(self) -> frozenset[str]:
        """SKUs whose prices the fingerprint of the prices covers."""
        return self.priced - self.left_prices

    def on_list(self, price_list: str | None) -> Held:
        """Return the same where prices go to a list from now on: what stands on another becomes old; None: they stay.

        Prices of which nobody noted the list are taken to be on this one.
        """
        if price_list is None or price_list == self.price_list:
            return self
        old = dict(self.old_prices)
        back = old.pop(price_list, frozenset())
        if self.price_list is None:
            return replace(self, price_list=price_list, priced=self.priced | back, old_prices=old)
        if self.priced:
            old[self.price_list] = old.get(self.price_list, frozenset()) | self.priced
        return replace(self, price_list=price_list, priced=back, left_prices=back, old_prices=old)

    def without_names_of_others(self, skus: Collection[str]) -> Held:
        """Return the same without SKUs that other records have: what is there under them is theirs."""
        if not (self.skus.keys() | self.priced | self.former).intersection(skus):
            return self
        return replace(
            self,
            skus={sku: locations for sku, locations in self.skus.items() if sku not in skus},
            priced=self.priced.difference(skus),
            former=self.former.difference(skus),
        )

    def with_former(self, stock: Mapping[str, tuple[str, ...]], priced: Collection[str]) -> Held:
        """Return the same where the target turned out to have levels and prices again that were removed."""
        return replace(
            self,
            skus={**self.skus, **stock},
            priced=self.priced.union(priced),
            former=self.former.difference(stock, priced),
        )


class Wanted(Struct, frozen=True):
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
        "former": sorted(held.former),
        "priceList": held.price_list if held.priced else None,
        "oldPrices": {slug: sorted(skus) for slug, skus in sorted(held.old_prices.items()) if skus},
    }
    return {name: value for name, value in body.items() if value}


def held_from_json(body: Mapping[str, Any]) -> Held:
    """Return what `held_to_json` made of it.

    Raises:
        LedgerError: it did not make that.
    """
    return Held(
        _texts(body, "variants"),
        {sku: tuple(locations) for sku, locations in _lists(body, "skus").items()},
        _texts(body, "priced"),
        _text(body, "slug"),
        bool(body.get("discontinued")),
        _texts(body, "leftStock"),
        _texts(body, "leftPrices"),
        _texts(body, "former"),
        _text(body, "priceList"),
        {slug: frozenset(skus) for slug, skus in _lists(body, "oldPrices").items()},
    )


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise _damaged()
    return value


def _texts(body: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(_lists({"": body[name]})[""]) if name in body else _NO_TEXTS


def _lists(body: Mapping[str, Any], name: str | None = None) -> Mapping[str, list[str]]:
    """Return lists of texts by name: the body's own, or those of one of its members."""
    found = body if name is None else body.get(name, {})
    if not isinstance(found, dict):
        raise _damaged()
    for value in found.values():
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise _damaged()
    return found


def _damaged() -> LedgerError:
    return LedgerError(
        "The ledger is damaged: what the target holds of a product is not as reconciler writes it",
        next_step="Restore it from a backup, and see who else writes to it.",
    )
