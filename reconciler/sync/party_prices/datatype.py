"""The data type of price lists of the customers' own: what the engine asks, and which module answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.kind.connection import ClockedReader, Querier, Writer
from reconciler.sparklayer.price_list_records import ListInfo
from reconciler.sparklayer.stock import LOCATIONS
from reconciler.sync.datatype import Held, Name, SyncLog
from reconciler.sync.explanation import Explanation
from reconciler.sync.party_prices.explain import explain_record
from reconciler.sync.party_prices.mapper import ListDraft, draft
from reconciler.sync.party_prices.model import PREFIX, Part, PartyList, combination_of, held_from_json
from reconciler.sync.party_prices.reckon import reckon_lists
from reconciler.sync.party_prices.settings import PartyPriceSettings, digest, party_price_settings
from reconciler.sync.party_prices.sink import ListSink
from reconciler.sync.party_prices.source import ListSource, roles_of
from reconciler.sync.party_prices.state import ListState, deleted, settled
from reconciler.sync.party_prices.target import ListFacts, ListTarget
from reconciler.sync.problem import RecordProblem
from reconciler.sync.reckoning import Reckoning
from reconciler.words import parse_duration

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store
    from reconciler.sync.run.breaker import Breaker

DATA_TYPE = "party-prices"
INSIDE: Mapping[str, str] = MappingProxyType(
    dict.fromkeys((part.value for part in Part), "SKUs and surcharges of variants")
)
"""What lists do not show."""
LOG = SyncLog("customers", owned=False, most=1_000)
_PARTIES = re.compile(r"[A-Za-z0-9_-]{1,100}(\+[A-Za-z0-9_-]{1,100})*(@[A-Z]{1,100})?")


class PartyPrices(Struct, frozen=True):
    """Data type of price lists, bound to what one manifest says of them. It implements `sync.datatype.DataType`.

    Args:
        settings: what the manifest says.
        walk_interval: how often everything is read; None: as the DataSync says.
    """

    settings: PartyPriceSettings
    walk_interval: timedelta | None = None

    name = DATA_TYPE
    noun = "price list"
    entries = ("price list", "price lists")
    ends = "deleted"
    id_form = f"{PREFIX}BuyerID, or {PREFIX}BuyerID+UserGroupID"
    log = LOG
    lights = True
    keeps_gone = False
    parts = tuple(part.value for part in Part)
    flowing = parts
    inside = INSIDE
    probe = LOCATIONS

    @property
    def lists(self) -> Mapping[str, str]:
        return roles_of(self.settings)

    @property
    def roles(self) -> tuple[str, ...]:
        # Whom API clients stand for, as far as that may be read.
        return (*self.lists, "ApiClientReader")

    @property
    def digest(self) -> str:
        return digest(self.settings)

    def remedy(self, code: str, external_ids: Collection[str]) -> str | None:
        if code == "no-price-breaks":
            return (
                "Set pricing.partyPrices to `rows` in the DataSync: then a list has no price where OrderCloud has none."
            )
        return None

    def link(self, external_id: str, api_url: str) -> str:
        return self.settings.link(external_id, api_url)

    def record_of(self, external_id: str) -> str | None:
        known = _PARTIES.fullmatch(external_id.removeprefix(PREFIX)) and combination_of(external_id)
        return external_id if known else None

    def source(self, reader: ClockedReader, breaker: Breaker | None) -> ListSource:
        return ListSource(reader, self.settings, breaker)

    def target(self, reader: Querier, breaker: Breaker) -> ListTarget:
        return ListTarget(reader, self.settings, breaker)

    def sink(self, writer: Writer, breaker: Breaker, stopping: Callable[[], bool]) -> ListSink:
        return ListSink(writer, self.settings, breaker, stopping)

    def key(self, record: PartyList) -> str:
        return record.key

    def look(self, record: PartyList) -> bytes | None:
        return record.look

    def told(self, record: PartyList) -> Mapping[str, str]:
        return {}

    def map(self, record: PartyList, now: datetime, facts: ListFacts | None) -> ListDraft:
        # A rehearsal may find no default list yet: apply makes it in the currency of the DataSync.
        default = ListInfo(self.settings.currency or "") if facts is None else facts.default
        return draft(record, self.settings, now, default)

    def names(self, draft: ListDraft, held: Held) -> list[Name]:
        return []

    def resolve(self, draft: ListDraft, taken: Mapping[Name, str], held: Held) -> ListState:
        return settled(draft, held_from_json(held))

    def lost(self, held: Held) -> Held:
        return {}

    def returned(self, held: Held, found: Any) -> Held:
        return held

    def held_names(self, held: Held) -> list[Name]:
        return []

    def named(self, held: Held) -> str | None:
        return held_from_json(held).slug

    def deleted(self, key: str, taken: Mapping[Name, str], held: Held, *, outside: bool) -> ListState:
        before = held_from_json(held)
        return deleted(key, before, kept=before.slug in self.settings.kept)

    @property
    def reserved(self) -> frozenset[str]:
        return self.settings.kept

    def not_listed(self, key: str) -> RecordProblem:
        message = "OrderCloud's lists leave the buyer or its users out. The price list is synced all the same."
        return RecordProblem(key, Part.LIST, "not-listed", message)

    async def reckon(self, source: ClockedReader, target: Querier, written: int) -> Reckoning:
        return await reckon_lists(self.settings, source, target)

    async def explain(
        self, source: ClockedReader, target: Querier, store: Store, key: str, now: datetime
    ) -> Explanation:
        return await explain_record(self.settings, source, target, store, key, now)


def bind_party_prices(state: Mapping[str, Any]) -> PartyPrices | None:
    """Return the data type as a DataSync binds it; None where customers get no price lists of their own.

    Args:
        state: what the DataSync wants, in manifest terms, defaults in, references as live IDs.
    """
    settings = party_price_settings(state)
    if settings is None:
        return None
    interval = (state.get("customers") or {}).get("walkInterval")
    return PartyPrices(settings, None if interval is None else parse_duration(interval))
