"""Target state of a product: its draft, resolved against others' names; of a deleted one, all discontinued. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from reconciler.kind.connection import Wire
from reconciler.sparklayer.records import Price, StockLevel
from reconciler.sync.problem import RecordProblem
from reconciler.sync.products.mapper import SKU, SLUG, Draft, VariantDraft, duplicate_sku
from reconciler.sync.products.model import Held, Name, Part, Wanted
from reconciler.sync.products.variants import discontinued


class Removals(Struct, frozen=True):
    """SKUs of a record whose stock or prices the target holds and should hold no longer."""

    stock: frozenset[str]
    prices: frozenset[str]


def settle(draft: Draft, taken: Mapping[Name, str], held: Held) -> Wanted:
    """Return what the target should hold of a record.

    Args:
        draft: of the record.
        taken: names that it asked for and others have, and the keys of those.
        held: what the target holds of it.
    """
    if not draft.is_whole:
        return Wanted(draft.key, None, None, None, held=held, problems=draft.problems)
    others = {name: owner for name, owner in taken.items() if owner != draft.key}
    problems = list(draft.problems)
    good = [variant for variant in draft.variants if _goes_through(variant, others, draft, problems)]
    held_back = False
    product: Wire | None = None
    if Part.PRODUCT in draft.parts:
        product = _product(draft, good, others, held, problems)
        held_back = product is None
    in_target = held.skus.keys() | held.priced
    # Stock and prices of what is not there would be nobody's.
    writable = [item for item in good if not held_back or (held.variants and item.sku in in_target)]
    skus = {variant.sku for variant in draft.variants}
    gone = tuple(sorted(in_target - skus)) if not held_back else ()
    stock, skus_after = _stock(draft, writable, gone, held)
    prices, priced_after = _prices(draft, writable, gone, held)
    if held_back and not writable:
        stock = prices = None
    return Wanted(
        key=draft.key,
        product=product,
        stock=stock,
        prices=prices,
        gone_skus=gone,
        held=Held(
            variants=_ids(product) if product is not None else held.variants,
            skus=skus_after,
            priced=priced_after,
            slug=product["slug"] if product is not None else held.slug,
            discontinued=held.discontinued and held_back,
            left_stock=_left(skus_after, held.left_stock, None if stock is None else {one.sku for one in stock}),
            left_prices=_left(priced_after, held.left_prices, None if prices is None else {one.sku for one in prices}),
            former=held.former.union(gone).difference(skus_after, priced_after),
            price_list=held.price_list,
            old_prices=held.old_prices,
        ),
        problems=tuple(dict.fromkeys(problems)),
        due=draft.due,
    )


def deleted(key: str, held: Held) -> Wanted:
    """Return what the target should hold of a record that is gone: no variant on sale, and its SKUs free for others."""
    product: Wire | None = None
    if held.variants:
        product = {"external_id": key, "variants": [discontinued(variant) for variant in sorted(held.variants)]}
    return Wanted(
        key=key,
        product=product,
        stock=() if held.skus else None,
        prices=() if held.priced else None,
        gone_skus=tuple(sorted(held.skus.keys() | held.priced)),
        held=Held(
            variants=held.variants,
            slug=held.slug,
            discontinued=True,
            former=held.former.union(held.skus, held.priced),
            old_prices=held.old_prices,
        ),
    )


def removals(before: Held, wanted: Wanted) -> Removals:
    """Return the SKUs whose stock or prices have to be removed. One that has a problem is not among them.

    Args:
        before: what the target holds.
        wanted: what it should hold.
    """
    return Removals(frozenset(before.skus.keys() - wanted.held.skus.keys()), before.priced - wanted.held.priced)


def _goes_through(
    variant: VariantDraft, others: Mapping[Name, str], draft: Draft, problems: list[RecordProblem]
) -> bool:
    if variant.sku is None or variant.body is None:
        return False
    owner = others.get(Name(SKU, variant.sku))
    if owner is None:
        return True
    part = next(part for part in Part if part in draft.parts)
    message = duplicate_sku(variant.sku, f"product {owner}")
    problems.append(RecordProblem(variant.external_id, part, "duplicate-sku", message))
    return False


def _product(
    draft: Draft,
    good: Iterable[VariantDraft],
    others: Mapping[Name, str],
    held: Held,
    problems: list[RecordProblem],
) -> Wire | None:
    """The body of the product; None where it must not be written."""
    slug = draft.slug_after(held)
    owner = others.get(Name(SLUG, slug)) if slug is not None else None
    if owner is not None:
        message = (
            f"The slug {slug} is already used by product {owner}. Rename one of them, or map slug to something unique."
        )
        problems.append(RecordProblem(draft.key, Part.PRODUCT, "duplicate-slug", message))
        slug = None
    bodies = {variant.external_id: variant.body for variant in good if variant.body is not None}
    bad = {variant.external_id for variant in draft.variants} - bodies.keys()
    if draft.title is None or slug is None or not bodies or bad & held.variants:
        return None
    vanished = {external_id: discontinued(external_id) for external_id in held.variants - bodies.keys()}
    variants = bodies | vanished
    return {
        "external_id": draft.key,
        "title": draft.title,
        "slug": slug,
        "variants": [variants[external_id] for external_id in sorted(variants)],
    }


def _stock(
    draft: Draft, writable: Iterable[VariantDraft], gone: Iterable[str], held: Held
) -> tuple[tuple[StockLevel, ...] | None, Mapping[str, tuple[str, ...]]]:
    """The levels to write, and the locations that have a level afterwards, by SKU."""
    if Part.STOCK not in draft.parts:
        return None, held.skus
    after = {sku: locations for sku, locations in held.skus.items() if sku not in set(gone)}
    levels: list[StockLevel] = []
    untouched = False
    for variant in writable:
        if variant.sku is None or variant.stock is None:
            untouched = True
            continue
        after.pop(variant.sku, None)
        if variant.stock:
            locations = {level.location for level in variant.stock}
            emptied = [place for place in held.skus.get(variant.sku, ()) if place not in locations]
            levels += [*variant.stock, *(StockLevel(variant.sku, place, 0) for place in emptied)]
            after[variant.sku] = tuple(sorted((*locations, *emptied)))
    if untouched and not levels and not gone:
        return None, after
    return tuple(sorted(levels, key=lambda level: (level.sku, level.location))), after


def _prices(
    draft: Draft, writable: Iterable[VariantDraft], gone: Iterable[str], held: Held
) -> tuple[tuple[Price, ...] | None, frozenset[str]]:
    """The prices to write, and the SKUs that have prices afterwards."""
    if Part.PRICES not in draft.parts:
        return None, held.priced
    after = set(held.priced).difference(gone)
    prices: list[Price] = []
    untouched = False
    for variant in writable:
        if variant.price is None:
            untouched = True
        elif variant.price.tiers:
            prices.append(variant.price)
            after.add(variant.price.sku)
        else:
            after.discard(variant.price.sku)
    if untouched and not prices and not gone:
        return None, frozenset(after)
    return tuple(sorted(prices)), frozenset(after)


def _left(after: Collection[str], left: frozenset[str], written: Collection[str] | None) -> frozenset[str]:
    """The SKUs of a part that no fingerprint covers; where the part is not written, those that none covered before."""
    return frozenset(left.intersection(after) if written is None else set(after).difference(written))


def _ids(product: Wire) -> frozenset[str]:
    return frozenset(variant["external_id"] for variant in product["variants"])
