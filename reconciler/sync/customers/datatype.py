"""The data type of customers: what the engine asks, and which module answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.kind.connection import ClockedReader, Querier, Writer
from reconciler.sync.customers.explain import explain_customer
from reconciler.sync.customers.mapper import SiteFacts, draft
from reconciler.sync.customers.model import PART, CustomerDraft, held_from_json, held_to_json
from reconciler.sync.customers.reckon import reckon_customers
from reconciler.sync.customers.record import key_of
from reconciler.sync.customers.resolve import CustomerState, deleted, held_names, lost, names_of, resolve
from reconciler.sync.customers.settings import CustomerSettings, customer_settings, digest
from reconciler.sync.customers.sink import CustomerSink
from reconciler.sync.customers.source import LISTS, ROLES, CustomerSource
from reconciler.sync.customers.target import PROBE, CustomerTarget
from reconciler.sync.datatype import Held, Name, SyncLog
from reconciler.sync.explanation import Explanation
from reconciler.sync.mapping.identity import address_of, customer_key
from reconciler.sync.problem import RecordProblem
from reconciler.sync.reckoning import Reckoning

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store
    from reconciler.sync.run.breaker import Breaker

DATA_TYPE = "customers"
INSIDE: Mapping[str, str] = MappingProxyType({PART: "all of it"})
"""What lists do not show of a customer."""


class Customers(Struct, frozen=True):
    """Data type of customers, bound to what one manifest says of them. It implements `sync.datatype.DataType`.

    Args:
        settings: what the manifest says.
    """

    settings: CustomerSettings

    name = DATA_TYPE
    noun = "customer"
    entries = ("customer or address", "customers and addresses")
    id_form = "BuyerID.UserID of a customer, or BuyerID.UserID.AddressID"
    # The rest of what the API takes is for prices of their own, whose problems go here, too.
    log = SyncLog(DATA_TYPE, most=4_000)
    lights = False
    keeps_gone = False
    reserved = frozenset[str]()
    parts = (PART,)
    flowing = (PART,)
    inside = INSIDE
    probe = PROBE

    @property
    def lists(self) -> Mapping[str, str]:
        # Which lists customers have, product assignments say.
        return LISTS if self.settings.lists_prefix is None else {**LISTS, "ProductReader": "products"}

    @property
    def roles(self) -> tuple[str, ...]:
        return ROLES if self.settings.lists_prefix is None else (*ROLES, "ProductReader")

    @property
    def ends(self) -> str:
        return "deleted" if self.settings.deletes else "deactivated"

    @property
    def walk_interval(self) -> timedelta | None:
        return self.settings.walk_interval

    @property
    def digest(self) -> str:
        return digest(self.settings)

    def remedy(self, code: str, external_ids: Collection[str]) -> str | None:  # noqa: ARG002 - they tell by themselves
        return None

    def link(self, external_id: str, api_url: str) -> str:
        return self.settings.link(external_id, api_url)

    def record_of(self, external_id: str) -> str | None:
        key = customer_key(external_id)
        if key is None:
            address = address_of(external_id)
            key = None if address is None else address[0]
        return None if key is None else key.external_id

    def source(self, reader: ClockedReader, breaker: Breaker | None) -> CustomerSource:
        return CustomerSource(reader, self.settings, breaker)

    def target(self, reader: Querier, breaker: Breaker) -> CustomerTarget:
        return CustomerTarget(reader, self.settings, breaker)

    def sink(self, writer: Writer, breaker: Breaker, stopping: Callable[[], bool]) -> CustomerSink:
        return CustomerSink(writer, self.settings, breaker, stopping)

    def key(self, record: Mapping[str, Any]) -> str:
        return key_of(record)

    def look(self, record: Mapping[str, Any]) -> bytes | None:  # noqa: ARG002 - no list shows all of it
        return None

    def told(self, record: Mapping[str, Any]) -> Mapping[str, str]:  # noqa: ARG002 - what is read of it does not lag
        return {}

    def map(self, record: Mapping[str, Any], now: datetime, facts: SiteFacts | None) -> CustomerDraft:  # noqa: ARG002
        return draft(record, self.settings, facts)

    def names(self, draft: CustomerDraft, held: Held) -> list[Name]:
        return names_of(draft, held_from_json(held))

    def resolve(self, draft: CustomerDraft, taken: Mapping[Name, str], held: Held) -> CustomerState:
        return resolve(draft, taken, held_from_json(held), self.settings.lists_prefix)

    def lost(self, held: Held) -> Held:
        return held_to_json(lost(held_from_json(held)))

    def returned(self, held: Held, found: Any) -> Held:  # noqa: ARG002 - nothing of a customer is kept under a name
        return held

    def held_names(self, held: Held) -> list[Name]:
        return held_names(held_from_json(held))

    def named(self, held: Held) -> str | None:  # noqa: ARG002 - nothing else refers to one
        return None

    def deleted(self, key: str, taken: Mapping[Name, str], held: Held, *, outside: bool) -> CustomerState:  # noqa: ARG002
        return deleted(key, held_from_json(held), deletes=self.settings.deletes, outside=outside)

    def not_listed(self, key: str) -> RecordProblem:
        words = "OrderCloud's list of users leaves this one out. It is synced by its ID."
        return RecordProblem(key, PART, "not-listed", words)

    async def reckon(self, source: ClockedReader, target: Querier, written: int) -> Reckoning:
        return await reckon_customers(self.settings, source, target, written)

    async def explain(
        self, source: ClockedReader, target: Querier, store: Store, key: str, now: datetime
    ) -> Explanation:
        return await explain_customer(self.settings, source, target, store, key, now)


def bind_customers(state: Mapping[str, Any]) -> Customers | None:
    """Return the data type as a DataSync binds it; None where customers do not flow.

    Args:
        state: what the DataSync wants, in manifest terms, defaults in, references as live IDs.
    """
    settings = customer_settings(state)
    return None if settings is None else Customers(settings)
