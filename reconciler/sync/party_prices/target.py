"""Reader of what a SparkLayer site holds of the customers' own price lists; it cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.errors import NotFound, TargetIncomplete
from reconciler.kind.connection import Querier, Wire
from reconciler.ordercloud.together import together
from reconciler.sparklayer.lists import count_price_lists, price_list_slugs
from reconciler.sparklayer.price_book import read_prices
from reconciler.sparklayer.price_list_records import ListInfo, list_info, read_list
from reconciler.sparklayer.records import Tier
from reconciler.sync.datatype import Held, Observation
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.party_prices.model import Part, held_from_json
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.party_prices.state import ListState, list_print, row_print

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker


class Found(Struct, frozen=True):
    """What a site holds of one list: its body, and its prices by SKU."""

    body: Wire
    prices: Mapping[str, tuple[Tier, ...]]


class SiteLists:
    """The price lists that a site has, whoever made them; read when they are asked for, once.

    Args:
        reader: the connection.
        breaker: repeats requests that failed.
    """

    def __init__(self, reader: Querier, breaker: Breaker) -> None:
        self._reader = reader
        self._breaker = breaker
        self._lock = asyncio.Lock()
        self._total: int | None = None
        self._slugs: frozenset[str] | None = None

    async def total(self) -> int:
        """Return how many there are; raises ApiError."""
        async with self._lock:
            if self._total is None:
                self._total = await self._breaker.repeat(lambda: count_price_lists(self._reader))
            return self._total

    async def slugs(self) -> frozenset[str]:
        """Return their slugs; raises ApiError."""
        async with self._lock:
            if self._slugs is None:
                self._slugs = await self._breaker.repeat(lambda: price_list_slugs(self._reader))
            return self._slugs


class ListFacts(Struct, frozen=True):
    """What has to be known of a site.

    Args:
        default: what the default price list says of its prices.
        lists: all that it has.
    """

    default: ListInfo
    lists: SiteLists


class ListTarget:
    """Reads what one site holds.

    Args:
        reader: the connection.
        settings: says which list is the default one.
        breaker: repeats requests that failed.
    """

    def __init__(self, reader: Querier, settings: PartyPriceSettings, breaker: Breaker) -> None:
        self._reader = reader
        self._settings = settings
        self._breaker = breaker
        self._site = SiteLists(reader, breaker)

    async def facts(self) -> ListFacts:
        """Return what has to be known of the site."""
        default = await self._breaker.repeat(lambda: read_facts(self._reader, self._settings))
        return ListFacts(default, self._site)

    async def whole(self, *, sample: bool = False) -> None:
        """Return nothing: each list is read by itself."""

    async def observe(self, states: Sequence[ListState], whole: None) -> Observation:
        """Read what the site holds of the lists that should be in these states."""
        return await self._observe({state.key: state.after.slug or state.before.slug for state in states})

    async def observe_held(self, held: Mapping[str, Held], whole: None) -> Observation:
        """Read what the site holds of what we noted."""
        return await self._observe({key: held_from_json(body).slug for key, body in held.items()})

    async def _observe(self, slugs: Mapping[str, str | None]) -> Observation:
        found = dict(zip(slugs, await together(self._found(slug) for slug in slugs.values()), strict=True))
        prints = {
            key: {} if one is None else {Part.LIST.value: list_print(one.body), Part.ROWS.value: _rows(one.prices)}
            for key, one in found.items()
        }
        return Observation(prints, frozenset(key for key, one in found.items() if one is None))

    async def _found(self, slug: str | None) -> Found | None:
        if slug is None:
            return None
        body = await self._breaker.repeat(lambda: read_list(self._reader, slug))
        if body is None:
            return None
        try:
            return Found(body, await self._prices(slug))
        except NotFound:
            return None

    async def _prices(self, slug: str) -> Mapping[str, tuple[Tier, ...]]:
        return await self._breaker.repeat(lambda: read_prices(self._reader, slug))


async def read_facts(reader: Querier, settings: PartyPriceSettings) -> ListInfo:
    """Read what the default price list says of its prices.

    Raises:
        TargetIncomplete: the site has no such list.
        ApiError: it could not be read.
    """
    found = await list_info(reader, settings.price_list)
    if found is None:
        raise TargetIncomplete(
            f"the site has no price list {settings.price_list}",
            next_step="`reconciler apply` creates what the DataSync and the PriceList manifests declare.",
        )
    return found


def _rows(prices: Mapping[str, tuple[Tier, ...]]) -> bytes:
    return digest_of({sku: row_print(tiers) for sku, tiers in prices.items()})
