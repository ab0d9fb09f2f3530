"""Source of price lists: which combinations of parties users have, and what each is charged by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.errors import TargetIncomplete
from reconciler.kind.connection import ClockedReader, Reader
from reconciler.ordercloud.readers.streams import mapped
from reconciler.ordercloud.together import together
from reconciler.sparklayer.price_list_records import MOST_LISTS
from reconciler.sync.datatype import Census, Reading
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.parties.combination import Combination
from reconciler.sync.parties.schedules import PartySchedules
from reconciler.sync.party_prices.model import PartyList, Shelf, combination_of
from reconciler.sync.party_prices.parties import (
    Flow,
    Outline,
    Parties,
    read_buyer,
    read_combinations,
    read_flow,
    read_outline,
)
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.party_prices.shelf import ShelfReader
from reconciler.sync.party_prices.target import ListFacts, SiteLists

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

_ROLES: Mapping[str, str] = {
    "ProductReader": "products",
    "PriceScheduleReader": "priceschedules",
    "BuyerReader": "buyers",
    "BuyerUserReader": "buyers",
    "UserGroupReader": "buyers",
}
"""What the API asks for (documented), and a list of each."""
_CHUNK = 20
# Buyers that are read together, and how many of such batches at once.
_FIRST_BATCH = 4
_BATCH = 64
_BATCHES_AHEAD = 3
# Up to so many buyers are asked for one by one.
_FEW = 20


def roles_of(settings: PartyPriceSettings) -> Mapping[str, str]:
    """Return the roles that the API asks for, each with a list that it opens."""
    return {**_ROLES, **({"CatalogReader": "catalogs"} if settings.catalogs else {})}


class ListSource:
    """Reads what a DataSync needs for the price lists of customers. What one run read serves all of the run.

    Args:
        reader: the connection.
        settings: says which buyers and which products.
        breaker: repeats requests that failed; None: only the transport does.
    """

    def __init__(self, reader: ClockedReader, settings: PartyPriceSettings, breaker: Breaker | None = None) -> None:
        self._connection = reader
        self._reader: Reader = reader if breaker is None else breaker.reader(reader)
        self._settings = settings
        self._shelves = ShelfReader(self._reader, settings)
        self._lock = asyncio.Lock()
        self._site: SiteLists | None = None
        self._read_flow: Flow | None = None
        self._all: Parties | None = None
        self._some: dict[str, Parties] = {}
        self._prints: dict[str, str] = {}
        self._shelf_print: tuple[Shelf, str] | None = None

    def learn(self, facts: ListFacts | None) -> None:
        """Take what is known of the site; None: nothing is."""
        self._site = None if facts is None else facts.lists

    @property
    def clock_offset(self) -> timedelta:
        return self._connection.clock_offset or timedelta()

    def time_at(self, moment: float) -> datetime | None:
        return self._connection.api_time(moment)

    async def census(self) -> Census:
        # The clock, and whether the scope can be read; how many lists there are, only a walk finds out.
        await self._reader.get("products/assignments", {"pageSize": 1})
        return Census(0)

    async def everything(self) -> AsyncGenerator[list[PartyList], None]:
        outline = await read_outline(self._reader, await self._flow())
        if outline.most_lists + await self._others(outline.most_lists) > MOST_LISTS:
            # Whether they are too many has to be known before the first is written.
            self._all = await self._counted(outline)
        whole = self._settings.by_rows or outline.in_other_currencies
        found: dict[str, frozenset[Combination]] = {}

        async def read(buyers: Collection[str]) -> list[PartyList]:
            some = await self._combined(outline, buyers)
            found.update(some.combinations)
            combinations = _ordered(some)
            async with self._lock:
                needed = None if whole else self._needed(some, combinations)
                shelf = await self._shelves.read(needed, outline.assigned, variants=True)
            return self._records(some, combinations, shelf)

        # Who is in which group, and what lists need of products, is read while others are written.
        async with aclosing(mapped(_batches(sorted(outline.users)), read, _BATCHES_AHEAD)) as batches:
            async for records in batches:
                for start in range(0, len(records), _CHUNK):
                    yield records[start : start + _CHUNK]
        self._all = Parties(outline.assigned, outline.names, found)

    async def listed(self) -> AsyncGenerator[Mapping[str, bytes], None]:
        parties = await self._parties()
        combinations = _ordered(parties)
        shelf = await self._shelves.read(self._needed(parties, combinations), parties.assigned, variants=False)
        records = self._records(parties, combinations, shelf)
        for start in range(0, len(records), _CHUNK):
            some = records[start : start + _CHUNK]
            yield {record.key: look for record in some if (look := record.look) is not None}

    async def changed_since(self, moment: datetime) -> AsyncGenerator[list[PartyList], None]:
        # Nothing of this has a modified stamp.
        return
        yield []

    async def some(self, keys: Iterable[str]) -> list[PartyList]:
        wanted = [found for found in map(combination_of, keys) if found is not None]
        async with self._lock:
            parties = await self._parties_of({each.buyer for each in wanted})
            there = [each for each in wanted if each in parties.combinations.get(each.buyer, ())]
            if not there:
                return []
            shelf = await self._shelves.read(self._needed(parties, there), parties.assigned, variants=True)
            return self._records(parties, there, shelf)

    async def one(self, key: str) -> Reading[PartyList]:
        found = await self.some([key])
        return Reading(found[0] if found else None)

    async def _flow(self) -> Flow:
        """Which users flow, read once."""
        if self._read_flow is None:
            self._read_flow = await read_flow(self._reader, self._settings.users)
        return self._read_flow

    async def _parties(self) -> Parties:
        """All of them, read once."""
        if self._all is None:
            self._all = await self._counted(await read_outline(self._reader, await self._flow()))
        return self._all

    async def _counted(self, outline: Outline) -> Parties:
        """All combinations.

        Raises:
            TargetIncomplete: they would make more lists than a site takes.
        """
        found: dict[str, frozenset[Combination]] = {}
        async for buyers in _batches(sorted(outline.users)):
            found |= await read_combinations(self._reader, outline, buyers)
        slugs = frozenset(each.slug for some in found.values() for each in some)
        number, others = len(slugs), await self._others(len(slugs))
        if number + others > MOST_LISTS and self._site is not None:
            # Those of before are among them.
            others = len(await self._site.slugs() - slugs)
        if number + others > MOST_LISTS:
            beside = f" beside the {others:,} that the site has" if others else ""
            raise TargetIncomplete(
                f"customers would need {number:,} price lists of their own{beside}, and a site takes {MOST_LISTS:,}: "
                "nothing was written",
                next_step="Narrow customers.buyers, or assign price schedules to fewer user groups.",
            )
        return Parties(outline.assigned, outline.names, found)

    async def _combined(self, outline: Outline, buyers: Collection[str]) -> Parties:
        """The combinations of some buyers, read where they are not known."""
        if self._all is None:
            found = await read_combinations(self._reader, outline, buyers)
        else:
            found = {buyer: self._all.combinations[buyer] for buyer in buyers}
        return Parties(outline.assigned, outline.names, found)

    async def _others(self, number: int) -> int:
        """How many price lists the site has at most beside so many of ours."""
        return 0 if self._site is None or not number else await self._site.total()

    async def _parties_of(self, buyers: Collection[str]) -> Parties:
        if self._all is not None or len(buyers) > _FEW:
            return await self._parties()
        missing = sorted(set(buyers) - self._some.keys())
        flow = await self._flow()
        reads = await together(read_buyer(self._reader, flow, buyer) for buyer in missing)
        self._some.update(zip(missing, reads, strict=True))
        found = [self._some[buyer] for buyer in sorted(buyers)]
        by_party = {party: each for one in found for party, each in one.assigned.by_party.items()}
        names = {buyer: name for one in found for buyer, name in one.names.items()}
        combinations = {buyer: each for one in found for buyer, each in one.combinations.items()}
        return Parties(PartySchedules(by_party), names, combinations)

    def _needed(self, parties: Parties, combinations: Iterable[Combination]) -> frozenset[str] | None:
        """IDs of the products that these lists need; None: all."""
        found: set[str] = set()
        for combination in combinations:
            if self._needs_all(combination):
                return None
            found |= parties.assigned.products(combination)
        return frozenset(found)

    def _needs_all(self, combination: Combination) -> bool:
        # In another currency there is no rule to take the default prices by.
        return self._settings.by_rows or combination.currency is not None

    def _records(self, parties: Parties, combinations: Iterable[Combination], shelf: Shelf) -> list[PartyList]:
        self._prints.update(
            (name, digest_of(schedule).hex()) for name, schedule in shelf.schedules.items() if name not in self._prints
        )
        return [
            PartyList(each, parties.names.get(each.buyer, each.buyer), shelf, self._look(parties, each, shelf))
            for each in combinations
        ]

    def _look(self, parties: Parties, combination: Combination, shelf: Shelf) -> bytes:
        """The fingerprint of what lists show of all that a price list is made of."""
        shown: list[object] = [parties.names.get(combination.buyer), combination.key]
        for product in sorted(parties.assigned.products(combination)):
            assigned = parties.assigned.assigned(combination, product)
            each = [[*row, self._prints.get(row[1])] for row in (assigned.schedules if assigned is not None else ())]
            ware = shelf.wares.get(product)
            shown.append([product, None if ware is None else ware.look.hex(), each, product in shelf.unread])
        if self._needs_all(combination):
            shown.append(self._print_of(shelf))
        return digest_of(shown)

    def _print_of(self, shelf: Shelf) -> str:
        """The fingerprint of all products; many lists share it."""
        if self._shelf_print is None or self._shelf_print[0] is not shelf:
            wares = sorted([ware.product, ware.look.hex()] for ware in shelf.wares.values())
            self._shelf_print = shelf, digest_of(wares).hex()
        return self._shelf_print[1]


def _ordered(parties: Parties) -> list[Combination]:
    found = (combination for each in parties.combinations.values() for combination in each)
    return sorted(found, key=lambda combination: combination.key)


async def _batches(buyers: list[str]) -> AsyncGenerator[list[str], None]:
    """Yield buyers in batches, the first ones small: what is read of them is waited for."""
    start, size = 0, _FIRST_BATCH
    while start < len(buyers):
        yield buyers[start : start + size]
        start, size = start + size, min(2 * size, _BATCH)
