"""Mapper of products: from a source record to a draft of its target state, as docs/sync.md says. Pure.

A draft knows nothing of other records and of the target; `resolve` brings those in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.ordercloud.readers.flaws import BadRecord
from reconciler.ordercloud.readers.records import Product
from reconciler.sparklayer.records import Price, StockLevel
from reconciler.sync.mapping.fields import Context, Item, Unfit, check, items_of, mapped
from reconciler.sync.mapping.limits import reserved, too_long
from reconciler.sync.mapping.prices import Pricing, currency_of, pricing_of, schedule_id, schedule_of, with_markups
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.skus import sku_of
from reconciler.sync.mapping.values import View, mapping, objects, text, text_or_none
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products.model import FLAW, NO_ID, Held, Name, Part
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.stock import Stock, levels_of, own_stock, restock_date, shared_stock
from reconciler.sync.products.variants import body_of

ValueT = TypeVar("ValueT")
SKU = "sku"
SLUG = "slug"
_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")


class VariantDraft(Struct, frozen=True):
    """What the target should hold of one variant, as far as its own record tells.

    Args:
        external_id: of the variant.
        sku: None: it has none that can be used.
        body: of the variant; None: it cannot go through.
        stock: its levels; None: they must not be written.
        price: what it costs, without tiers where it costs nothing; None: it must not be written.
    """

    external_id: str
    sku: str | None
    body: Wire | None
    stock: tuple[StockLevel, ...] | None = None
    price: Price | None = None


class Draft(Struct, frozen=True):
    """What the target should hold of one record, as far as the record itself tells.

    Args:
        key: ID of the product.
        parts: what flows.
        title: of the product; None: it cannot go through.
        slug: from the ID, or from the mapping; None: it cannot go through.
        slug_is_mapped: whether it follows the record; else it stays what it was.
        variants: in the API's order.
        problems: of the record by itself.
        due: when the mapping changes by itself; None: never.
        is_whole: whether anything can be told of the record; else all that the target holds of it stays as it is.
    """

    key: str
    parts: frozenset[Part]
    title: str | None
    slug: str | None
    slug_is_mapped: bool
    variants: tuple[VariantDraft, ...]
    problems: tuple[RecordProblem, ...]
    due: datetime | None
    is_whole: bool = True

    @property
    def names(self) -> frozenset[Name]:
        """What the record needs for itself."""
        names = {Name(SKU, variant.sku) for variant in self.variants if variant.sku is not None}
        if Part.PRODUCT in self.parts and self.slug is not None:
            names.add(Name(SLUG, self.slug))
        return frozenset(names)

    def slug_after(self, held: Held) -> str | None:
        """Return the slug that the record gets: the one it has, unless the mapping says otherwise."""
        return self.slug if self.slug_is_mapped or held.slug is None else held.slug

    def names_for(self, held: Held) -> frozenset[Name]:
        """Return what the record needs for itself, and what it has until the target holds it no more."""
        names = {name for name in self.names if name.kind != SLUG}
        names |= {Name(SKU, sku) for sku in (*held.skus, *held.priced)}
        if Part.PRODUCT in self.parts:
            names |= {Name(SLUG, slug) for slug in (self.slug_after(held), held.slug) if slug is not None}
        return frozenset(names)


def draft(source: Product, settings: ProductSettings, now: datetime, list_currency: str | None) -> Draft:
    """Return what the target should hold of a record, and what is wrong with it. Never raises on a record.

    Args:
        source: the product with its parts, as it was read.
        settings: of the DataSync.
        now: the source's clock (timezone-aware).
        list_currency: of the price list; None: there is no such list.
    """
    data = mapping(source)
    key = text_or_none(data.get("ID")) or NO_ID
    product = View(key, data)
    if settings.rules.expressions:
        settings = replace(settings, rules=settings.rules.for_record(len(objects(data.get("Variants")))))
    slug_is_mapped = "slug" in settings.rules.expressions
    if (fault := _flaw(data) or _bad_id(key)) is not None:
        problem = RecordProblem(key, _first_part(settings), *fault)
        return Draft(key, settings.parts, None, None, slug_is_mapped, (), (problem,), None, is_whole=False)
    problems: list[RecordProblem] = []
    title = slug = None
    if Part.PRODUCT in settings.parts:
        title = _attempt(lambda: _title(product, settings.rules), Part.PRODUCT, problems)
        slug = _attempt(lambda: _slug(product, settings.rules), Part.PRODUCT, problems)
    pricing = None
    if Part.PRICES in settings.parts:
        pricing = _attempt(
            lambda: pricing_of(
                product.external_id, schedule_id(product), schedule_of(product), now, list_currency or settings.currency
            ),
            Part.PRICES,
            problems,
        )
    shared = shared_stock(product, settings) if Part.STOCK in settings.parts else None
    variants = _Variants(settings, product, list_currency, shared, pricing, problems).drafts()
    return Draft(
        key=key,
        parts=settings.parts,
        title=title,
        slug=slug,
        slug_is_mapped=slug_is_mapped,
        variants=tuple(variants),
        problems=tuple(dict.fromkeys(problems)),
        due=pricing.due if pricing is not None else None,
    )


def slugged(name: str) -> str:
    """Return a text as a slug: lower case, one `-` for every run of what is no letter or digit of ASCII."""
    return _NOT_IN_SLUGS.sub("-", name.lower()).strip("-")


class _Variants:
    """Makes the drafts of a product's variants.

    Args:
        settings: of the DataSync.
        product: whose variants.
        list_currency: of the price list.
        shared: the stock that all of them have; None: each has its own, or stock does not flow.
        pricing: what the product costs; None: prices must not be written, or do not flow.
        problems: takes what is found.
    """

    def __init__(
        self,
        settings: ProductSettings,
        product: View,
        list_currency: str | None,
        shared: Stock | None,
        pricing: Pricing | None,
        problems: list[RecordProblem],
    ) -> None:
        self._settings = settings
        self._product = product
        self._shared = shared
        self._pricing = pricing
        self._problems = problems
        self._part = _first_part(settings)
        schedule = schedule_of(product)
        currency = list_currency or settings.currency or currency_of(schedule)
        self._context = Context(settings.rules, schedule, currency)
        if shared is not None:
            problems.extend(shared.problems)

    def drafts(self) -> Iterable[VariantDraft]:
        owners: dict[str, str] = {}
        ids: set[str] = set()
        for item in items_of(self._product):
            yield self._draft(item, owners, ids)

    def _draft(self, item: Item, owners: dict[str, str], ids: set[str]) -> VariantDraft:
        part = self._part
        fault = _bad_variant_id(item, ids)
        if fault is not None:
            self._problems.append(RecordProblem(item.external_id.rstrip("/"), part, *fault))
            return VariantDraft(item.external_id, None, None)
        ids.add(item.external_id)
        sku = _attempt(lambda: sku_of(item, self._settings.rules), part, self._problems)
        if sku is None:
            return VariantDraft(item.external_id, None, None)
        if sku in owners:
            message = duplicate_sku(sku, f"the variant {owners[sku].rpartition('/')[2]} of this product")
            self._problems.append(RecordProblem(item.external_id, part, "duplicate-sku", message))
            return VariantDraft(item.external_id, None, None)
        owners[sku] = item.external_id
        return VariantDraft(
            item.external_id, sku, self._body(item, sku), self._levels(item, sku), self._price(item, sku)
        )

    def _body(self, item: Item, sku: str) -> Wire | None:
        if Part.PRODUCT not in self._settings.parts:
            return {"external_id": item.external_id, "sku": sku}
        body, faults = body_of(item, sku, self._context)
        self._problems.extend(fault.problem(Part.PRODUCT) for fault in faults)
        return None if faults else body

    def _levels(self, item: Item, sku: str) -> tuple[StockLevel, ...] | None:
        if Part.STOCK not in self._settings.parts:
            return None
        stock = self._shared
        if stock is None:
            stock = own_stock(item.own, self._settings)
            self._problems.extend(stock.problems)
        if not stock.by_location:
            return levels_of(sku, stock, None)
        restock, found = restock_date(item, self._settings.rules)
        self._problems.extend(found)
        return levels_of(sku, stock, restock)

    def _price(self, item: Item, sku: str) -> Price | None:
        if self._pricing is None or self._settings.price_list is None:
            return None
        pricing = self._pricing
        tiers = _attempt(lambda: with_markups(pricing, item.own), Part.PRICES, self._problems)
        return None if tiers is None else Price(sku, self._settings.price_list, tiers)


def duplicate_sku(sku: str, owner: str) -> str:
    """Return what a merchant reads of a SKU that something else has."""
    return f"The SKU {sku} is already used by {owner}. Give one of them another SKU."


def _title(product: View, rules: MappingRules) -> str:
    expression = rules.expressions.get("title")
    if expression is None:
        title = text_or_none(product.data.get("Name"))
    else:
        found = mapped(expression, "title", (product,), text, "text")
        title = found.value if found is not None else None
    if title is None:
        raise Unfit(product.external_id, "no-name", "The product has no name. Give it one in OrderCloud.")
    check(product.external_id, too_long("title", title))
    return title


def _slug(product: View, rules: MappingRules) -> str:
    expression = rules.expressions.get("slug")
    name = product.external_id
    if expression is not None:
        found = mapped(expression, "slug", (product,), text, "text")
        name = found.value if found is not None else name
    slug = slugged(name)
    if not slug:
        message = f"No slug can be made from {name[:60]}. Map slug to something with letters or digits."
        raise Unfit(product.external_id, "no-slug", message)
    check(product.external_id, too_long("slug", slug))
    return slug


def _flaw(data: Mapping[str, Any]) -> tuple[str, str] | None:
    flaw = data.get(FLAW)
    if not isinstance(flaw, BadRecord):
        return None
    message = f"OrderCloud's answer on the product cannot be used: {flaw.reason}. Correct it in OrderCloud."
    return "bad-record" if flaw.has_id else "no-id", message


def _bad_id(key: str) -> tuple[str, str] | None:
    if key == NO_ID:
        return "no-id", "The record has no usable ID."
    fault = reserved("product", key)
    return ("over-limit", fault) if fault is not None else None


def _bad_variant_id(item: Item, ids: Iterable[str]) -> tuple[str, str] | None:
    if item.external_id.endswith("/"):
        return "no-id", f"Variant {item.position} of the product has no usable ID."
    if item.external_id in ids:
        return "no-id", f"Variant {item.position} of the product has the ID of another one."
    fault = reserved("variant", item.external_id)
    return ("over-limit", fault) if fault is not None else None


def _first_part(settings: ProductSettings) -> Part:
    """The part that a variant's problem is told of: the first that flows."""
    return next(part for part in Part if part in settings.parts)


def _attempt(make: Callable[[], ValueT], part: Part, problems: list[RecordProblem]) -> ValueT | None:
    """The value, or None and a problem of the part."""
    try:
        return make()
    except Unfit as fault:
        problems.append(fault.problem(part))
        return None
