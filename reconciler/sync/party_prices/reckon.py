"""Reckoning of price lists: how many customers need, with how many rows, in how many requests; and whether they fit."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import aclosing

from reconciler.kind.connection import ClockedReader, Querier
from reconciler.ordercloud.readers.flaws import ignored
from reconciler.ordercloud.readers.products import Parts, ProductReader
from reconciler.sparklayer.batches import BATCH
from reconciler.sparklayer.lists import count_price_lists, price_list_slugs
from reconciler.sparklayer.price_list_records import MOST_LISTS, RECOMMENDED_LISTS, has_list
from reconciler.sync.parties.combination import Combination
from reconciler.sync.party_prices.parties import Outline, read_combinations, read_flow, read_outline
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.reckoning import Reckoning
from reconciler.words import counted

_OUTLINES = Parts(variants=False, stock=False, prices=False)


async def reckon_lists(settings: PartyPriceSettings, source: ClockedReader, target: Querier) -> Reckoning:
    """Count the price lists that customers need, their rows, and the requests to write them.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer.

    Raises:
        ApiError: something could not be read.
    """
    outline = await read_outline(source, await read_flow(source, settings.users))
    by_buyer = await read_combinations(source, outline, sorted(outline.users))
    combinations = [each for found in by_buyer.values() for each in found]
    rows = await _rows(settings, source, outline, combinations)
    requests = len(combinations) + math.ceil(rows / BATCH)
    words = (
        f"customers need {counted(len(combinations), 'price list')} of their own with about {counted(rows, 'row')}: "
        f"about {counted(requests, 'request')} to write all of it"
    )
    missing = [slug for slug in sorted(settings.kept - {settings.price_list}) if not await has_list(target, slug)]
    return Reckoning((words, *(await _room(target, combinations)), *map(_unknown, missing)))


def _unknown(slug: str) -> str:
    return f"customers.groupPriceLists names {slug[:60]}, and the site has no such price list"


async def _rows(
    settings: PartyPriceSettings, source: ClockedReader, outline: Outline, combinations: Collection[Combination]
) -> int:
    """Count the rows of lists: those of every SKU that stands on them."""
    # In another currency there is no rule to take the default prices by.
    whole = sum(settings.by_rows or each.currency is not None for each in combinations)
    some = [] if settings.by_rows else [each for each in combinations if each.currency is None]
    products = [outline.assigned.products(each) for each in some]
    skus = await _skus(settings, source, None if whole else frozenset().union(*products))
    return whole * sum(skus.values()) + sum(skus.get(name, 0) for names in products for name in names)


async def _skus(
    settings: PartyPriceSettings, source: ClockedReader, products: frozenset[str] | None
) -> Mapping[str, int]:
    """Return how many SKUs products in scope have, by ID; None: all products."""
    if products is not None and not products:
        return {}
    reader = ProductReader(source, ignored)
    whole = products is None or bool(settings.catalogs)
    found = (
        reader.walk(catalogs=settings.catalogs, parts=_OUTLINES)
        if whole
        else reader.some(sorted(products or ()), parts=_OUTLINES)
    )
    async with aclosing(found) as stream:
        return {product["ID"]: product.get("VariantCount") or 1 async for product in stream}


async def _room(target: Querier, combinations: Collection[Combination]) -> Iterator[str]:
    """Say whether the site has room for so many lists beside those of others."""
    number = len(combinations)
    others = await count_price_lists(target)
    if number + others >= RECOMMENDED_LISTS:
        others = len(await price_list_slugs(target) - {each.slug for each in combinations})
    return _room_words(number, others)


def _room_words(number: int, others: int) -> Iterator[str]:
    """Say that there would be many price lists where there would; see `_room`."""
    if number + others < RECOMMENDED_LISTS:
        return
    words = f"with {others:,} that the site has from others they are {number + others:,} price lists"
    if number + others > MOST_LISTS:
        yield f"{words}, and a site takes {MOST_LISTS:,}: a run stops before it writes any"
    else:
        yield f"{words}: SparkLayer recommends {RECOMMENDED_LISTS:,} at most"
