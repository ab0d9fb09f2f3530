"""Sink of price lists: makes, changes and deletes the lists of customers, and sends those of their rows that differ."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.errors import AnswerLost, ApiError, Conflict, NotFound
from reconciler.kind.connection import Wire, Writer
from reconciler.sparklayer.price_list_records import INTEGRATION, create_list, delete_list, read_list, update_list
from reconciler.sparklayer.prices import write_prices
from reconciler.sparklayer.reasons import why_failed, why_refused
from reconciler.sparklayer.records import Price
from reconciler.sync.datatype import Held, NotBegun, Written
from reconciler.sync.party_prices.model import Part, held_to_json
from reconciler.sync.party_prices.settings import PartyPriceSettings
from reconciler.sync.party_prices.state import ListState, noted_rows, row_print
from reconciler.sync.party_prices.target import ListTarget
from reconciler.sync.problem import RecordProblem
from reconciler.sync.run.attempts import RECORD_TRIES
from reconciler.sync.run.batcher import Batcher
from reconciler.sync.run.company import Company, Wait, a_moment
from reconciler.words import some

if TYPE_CHECKING:
    from reconciler.sync.run.breaker import Breaker

# More than the connection has under way; what waits here is not begun when the run is to stop.
_LISTS_AT_ONCE = 24


class ListSink(ListTarget):
    """Writes price lists to one site.

    Args:
        writer: the connection.
        settings: says which list is the default one.
        breaker: repeats requests that failed.
        stopping: whether nothing new is to be begun.
    """

    def __init__(
        self, writer: Writer, settings: PartyPriceSettings, breaker: Breaker, stopping: Callable[[], bool]
    ) -> None:
        super().__init__(writer, settings, breaker)
        self._writer = writer
        self._stopping = stopping
        self._lists = asyncio.Semaphore(_LISTS_AT_ONCE)
        self.company = Company()
        self._rows: Batcher[Price, str] = Batcher(self._send, side_by_side=1, company=self.company, apart=True)
        # Lists that this run made, also where what came after that failed.
        self._made: set[str] = set()
        self.counts: Counter[str] = Counter({part.value: 0 for part in Part})

    async def announce(self, states: Sequence[ListState]) -> Mapping[str, Held]:
        """Return for the lists that the site does not have that we make them: nobody else can tell after a crash."""
        asked = {state.key: state for state in states if state.body is not None and not state.before.made}
        there = await self._site.slugs() if asked else frozenset()
        noted: dict[str, Held] = {}
        for key, state in asked.items():
            slug = str(state.after.slug)
            if slug not in there:
                state.outcome.made = True
                noted[key] = held_to_json(replace(state.before, slug=slug, made=True))
        return noted

    async def write(self, state: ListState, parts: Collection[str], wait: Wait = a_moment) -> Written:
        """Write parts of a record, the list itself first."""
        if self._stopping():
            raise NotBegun
        if state.body is None:
            return await self._delete(state, parts)
        return await self._write(state, state.body, parts, wait)

    async def _write(self, state: ListState, body: Wire, parts: Collection[str], wait: Wait) -> Written:
        slug, exists = body["slug"], state.before.slug is not None
        if Part.LIST in parts:
            try:
                async with self._lists:
                    if self._stopping():
                        raise NotBegun
                    created = await self._write_list(state, body, exists=exists)
            except ApiError as error:
                if not error.is_about_record:
                    raise
                return Written(frozenset(), (_refused(state.key, Part.LIST, why_refused(error)),))
            if created is None:
                return _not_ours(state.key, slug)
            self.counts[Part.LIST.value] += 1
            exists = not created
        refused: Mapping[Price, str] = {}
        if Part.ROWS in parts:
            try:
                refused = await self._write_rows(state, wait, exists=exists)
            except NotFound:
                # Somebody deleted the list, or another one of the same batch: nothing is believed of it any more.
                created = await self._write_list(state, body, exists=True)
                if created is None:
                    return _not_ours(state.key, slug)
                refused = await self._write_rows(replace(state, known={}), wait, exists=not created)
        done = frozenset(parts) - ({Part.ROWS.value} if refused else frozenset())
        return Written(done, tuple(_rows_refused(state.key, refused)))

    def why_failed(self, error: ApiError) -> str:
        return why_failed(error)

    async def _delete(self, state: ListState, parts: Collection[str]) -> Written:
        slug = state.before.slug
        if slug is None:
            return Written(frozenset(parts), sent=False)
        try:
            async with self._lists:
                await self._breaker.repeat(lambda: delete_list(self._writer, slug), tries=RECORD_TRIES)
        except Conflict as error:
            words = f"the list stays, as the rule of another list names it: {why_refused(error)}"
            return Written(frozenset(), (_refused(state.key, Part.LIST, words),))
        return Written(frozenset(parts))

    async def _write_list(self, state: ListState, body: Wire, *, exists: bool) -> bool | None:
        """Write a list. Returns whether it was made, or None where somebody else keeps one of this slug."""
        created = await self._written_list(body, exists=exists)
        if created:
            self._made.add(body["slug"])
        state.outcome.made = created is not None and (state.before.made or body["slug"] in self._made)
        return created

    async def _written_list(self, body: Wire, *, exists: bool) -> bool | None:
        repeat = self._breaker.repeat
        if exists and await repeat(lambda: update_list(self._writer, body), tries=RECORD_TRIES):
            return False
        if await repeat(_Creation(self._writer, body), tries=RECORD_TRIES):
            return True
        slug = body["slug"]
        found = await repeat(lambda: read_list(self._writer, slug))
        if found is None or found["source"] != INTEGRATION:
            return None
        await repeat(lambda: update_list(self._writer, body), tries=RECORD_TRIES)
        return False

    async def _write_rows(self, state: ListState, wait: Wait, *, exists: bool) -> Mapping[Price, str]:
        """Send the rows that differ from what the list has; return those that were refused."""
        slug = str(state.after.slug)
        sent = await self._differing(state, slug, exists=exists)
        refused: Mapping[Price, str] = {}
        if sent:
            refused = await self._rows.add(sent, await wait())
            self.counts[Part.ROWS.value] += len(refused) < len(sent)
        return refused

    async def _differing(self, state: ListState, slug: str, *, exists: bool) -> list[Price]:
        wanted = {sku: row_print(tiers) for sku, tiers in state.tiers.items()}
        staying = state.after.skus
        there = noted_rows(state.before, state.known.get(Part.ROWS)) if exists else {}
        if there is None:
            try:
                prices = await self._prices(slug)
            except NotFound:
                prices = {}
            there = {sku: row_print(tiers) for sku, tiers in prices.items()}
            if Part.LIST not in state.known:
                # Nothing is believed: everything is sent.
                there = dict.fromkeys(there, "")
        rows = [Price(sku, slug, ()) for sku in sorted(there.keys() - staying)]
        return rows + [Price(sku, slug, state.tiers[sku]) for sku in sorted(wanted) if there.get(sku) != wanted[sku]]

    async def _send(self, rows: Sequence[Price]) -> Mapping[Price, str]:
        # A clash with others who write prices passes. Of ours, one is under way at a time.
        return await self._breaker.repeat(
            lambda: write_prices(self._writer, rows), tries=RECORD_TRIES, clashes_pass=True
        )


class _Creation:
    """Creates a list. One that is there after an answer was lost is ours."""

    def __init__(self, writer: Writer, body: Wire) -> None:
        self._writer, self._body = writer, body
        self._lost = False

    async def __call__(self) -> bool:
        try:
            return await create_list(self._writer, self._body) or self._lost
        except AnswerLost:
            self._lost = True
            raise


def _not_ours(key: str, slug: str) -> Written:
    words = f"another list has the slug {slug}, which no integration keeps. Rename or delete that one"
    return Written(frozenset(), (_refused(key, Part.LIST, words),))


def _refused(key: str, part: Part, words: str) -> RecordProblem:
    return RecordProblem(key, part, "refused", f"SparkLayer refused the price list: {words}")


def _rows_refused(key: str, refused: Mapping[Price, str]) -> list[RecordProblem]:
    if not refused:
        return []
    skus = some(sorted(price.sku for price in refused))
    words = f"SparkLayer refused prices of {skus}: {next(iter(refused.values()))}"
    return [RecordProblem(key, Part.ROWS, "refused", words)]
