"""The data type of orders that were placed through SparkLayer: what the engine asks, and which module answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.kind.connection import ClockedReader, Querier, Writer
from reconciler.ordercloud.readers.records import Order
from reconciler.sparklayer.stock import LOCATIONS
from reconciler.sync.datatype import NEVER, Held, Name, SyncLog
from reconciler.sync.explanation import Explanation
from reconciler.sync.mapping.values import mapping
from reconciler.sync.orders.explain import explain_record
from reconciler.sync.orders.mapper import draft
from reconciler.sync.orders.model import CART, PART, Draft, held_from_json
from reconciler.sync.orders.settings import OrderSettings, digest, order_settings
from reconciler.sync.orders.sink import OrderSink
from reconciler.sync.orders.source import ROLES, OrderSource, key_of, look_of, not_listed
from reconciler.sync.orders.state import OrderState, deleted, resolve
from reconciler.sync.orders.target import OrderTarget
from reconciler.sync.problem import RecordProblem
from reconciler.sync.told import digests

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store
    from reconciler.sync.run.breaker import Breaker

DATA_TYPE = "orders"
TOLD = ("Status", "Total")
"""Members of an order that a message tells, and that a read must bear out."""
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,100}(/[A-Za-z0-9_-]{1,100})?")


class Orders(Struct, frozen=True):
    """Data type of orders, bound to what one manifest says of them. It implements `sync.datatype.DataType`.

    Args:
        settings: what the manifest says.
    """

    settings: OrderSettings

    name = DATA_TYPE
    # documented for Ignite only: that there is a log of purchases.
    log = SyncLog("purchases", sure=False)
    # OrderCloud knows when an order changed; what it may not count as a change is looked at by `due`.
    walk_interval = NEVER
    lights = True
    keeps_gone = True
    reserved = frozenset[str]()
    noun = "order"
    entries = ("order or line", "orders and lines")
    ends = "left as it is"
    id_form = "the ID of an order, or OrderID/LineItemID"
    parts = (PART,)
    flowing = (PART,)
    inside = MappingProxyType({PART: "shipments and returns"})
    roles = tuple(ROLES)
    lists = ROLES
    probe = LOCATIONS

    @property
    def digest(self) -> str:
        return digest(self.settings)

    def remedy(self, code: str, external_ids: Collection[str]) -> str | None:  # noqa: ARG002 - no one thing mends many
        return None

    def link(self, external_id: str, api_url: str) -> str:
        return self.settings.link(external_id, api_url)

    def record_of(self, external_id: str) -> str | None:
        return external_id.partition("/")[0] if _EXTERNAL_ID.fullmatch(external_id) else None

    def source(self, reader: ClockedReader, breaker: Breaker | None) -> OrderSource:
        return OrderSource(reader, self.settings, breaker)

    def target(self, reader: Querier, breaker: Breaker) -> OrderTarget:
        return OrderTarget(reader, breaker)

    def sink(self, writer: Writer, breaker: Breaker, stopping: Callable[[], bool]) -> OrderSink:
        return OrderSink(writer, breaker, stopping)

    def key(self, record: Order) -> str:
        return key_of(record)

    def look(self, record: Order) -> bytes | None:
        return look_of(record)

    def told(self, record: Order) -> Mapping[str, str]:
        return digests(mapping(record), TOLD)

    def map(self, record: Order, now: datetime, facts: frozenset[str]) -> Draft:
        return draft(record, self.settings, now, facts)

    def names(self, draft: Draft, held: Held) -> list[Name]:
        carts = {draft.cart, held_from_json(held).cart} - {None}
        return [(CART, str(cart)) for cart in sorted(map(str, carts))]

    def resolve(self, draft: Draft, taken: Mapping[Name, str], held: Held) -> OrderState:
        return resolve(draft, taken, held_from_json(held))

    def lost(self, held: Held) -> Held:  # noqa: ARG002 - of a purchase that is not there nothing is
        return {}

    def returned(self, held: Held, found: Any) -> Held:  # noqa: ARG002 - nothing is ever removed
        return held

    def held_names(self, held: Held) -> list[Name]:
        cart = held_from_json(held).cart
        return [] if cart is None else [(CART, cart)]

    def named(self, held: Held) -> str | None:  # noqa: ARG002 - nothing else refers to an order
        return None

    def deleted(self, key: str, taken: Mapping[Name, str], held: Held, *, outside: bool) -> OrderState:
        return deleted(key, taken, held_from_json(held), outside=outside)

    def not_listed(self, key: str) -> RecordProblem:
        return not_listed(key)

    async def explain(
        self, source: ClockedReader, target: Querier, store: Store, key: str, now: datetime
    ) -> Explanation:
        return await explain_record(self.settings, source, target, store, key, now)


def bind_orders(state: Mapping[str, Any]) -> Orders | None:
    """Return the data type as a manifest binds it; None: orders do not flow.

    Args:
        state: what the DataSync wants, in manifest terms, defaults in, references as live IDs.
    """
    settings = order_settings(state)
    return None if settings is None else Orders(settings)
