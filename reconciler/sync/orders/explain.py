"""Explanation of one order: reads the record and the target, maps and compares. Writes and claims nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.errors import NoSuchRecord, OutOfScope
from reconciler.kind.connection import ClockedReader, Json, Querier, Wire
from reconciler.ordercloud.readers.records import Order
from reconciler.sparklayer.purchases import canonical_purchase, completed_purchase, read_purchase
from reconciler.sync.datatype import Name, Reading
from reconciler.sync.explanation import Difference, Explanation, PartExplanation
from reconciler.sync.orders.mapper import draft
from reconciler.sync.orders.model import CART, PART, Held, held_from_json
from reconciler.sync.orders.settings import OrderSettings
from reconciler.sync.orders.source import OrderSource, not_listed
from reconciler.sync.orders.state import OrderState, deleted, resolve
from reconciler.sync.orders.target import read_facts, unknown_cart

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store


async def explain_record(
    settings: OrderSettings, source: ClockedReader, target: Querier, store: Store, key: str, now: datetime
) -> Explanation:
    """Explain what a run would do with one order if it looked at it now.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer.
        store: what the ledger keeps of this sync; only read.
        key: ID of the order.
        now: our clock.

    Raises:
        NoSuchRecord: there is none, and there never was.
        OutOfScope: it exists, the manifest does not ask for it, and it was never synced.
        ApiError: something could not be read.
        LedgerError: the ledger could not be read.
    """
    orders = OrderSource(source, settings)
    reading = await orders.one(key)
    level = store.records.levels([key]).get(key)
    if level is None or not level.held:
        _refuse(settings, key, reading)
    held = Held() if level is None else held_from_json(level.held)
    if reading.record is None or reading.outside:
        state = deleted(key, _owners(store, key, held.cart), held, outside=reading.outside)
    else:
        drafted = draft(reading.record, settings, now + orders.clock_offset, await read_facts(target))
        state = resolve(drafted, _owners(store, key, drafted.cart, held.cart), held)
        if not reading.stale and not await orders.is_listed(key):
            state = replace(state, problems=(*state.problems, not_listed(key)))
    there = None if state.cart is None else await read_purchase(target, state.cart)
    if there is None and state.cart is not None and state.body is not None:
        state = replace(state, problems=(*state.problems, unknown_cart(key, state.cart)))
    written = (level.prints if level is not None else {}).get(PART)
    part = _explained(state, there, as_written=not state.prints or written == state.prints[PART])
    return Explanation(key, reading.record, (part,), state.problems, state.due, outside=reading.outside)


def _owners(store: Store, key: str, *carts: str | None) -> dict[Name, str]:
    asked = [(CART, cart) for cart in carts if cart is not None]
    return {name: owner for name, owner in store.names.owners(asked).items() if owner != key}


def _explained(state: OrderState, there: Wire | None, *, as_written: bool) -> PartExplanation:
    mapped = None if state.body is None else dict(_values("", canonical_purchase(state.body, state.members)))
    target = {} if there is None else dict(_values("", canonical_purchase(there, state.members)))
    sends: Json = None
    if not as_written and state.body is not None and there is not None:
        ours_before = state.before.members if state.before.cart == state.cart else ()
        sends = completed_purchase(state.body, there, ours_before)
    places = dict.fromkeys((*(mapped or {}), *target))
    return PartExplanation(
        part=PART,
        mapped=mapped,
        target=target,
        differences=tuple(
            Difference(where, target.get(where), mapped.get(where))
            for where in places
            if mapped is not None and mapped.get(where) != target.get(where)
        ),
        as_written=as_written,
        sends=sends,
    )


def _values(where: str, value: Json) -> Iterator[tuple[str, Json]]:
    """Yield the plain values of a body by where they stand, e.g. `packages[0].type`."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _values(f"{where}.{name}" if where else name, member)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _values(f"{where}[{place}]", item)
    elif value is not None:
        yield where, value


def _refuse(settings: OrderSettings, key: str, reading: Reading[Order]) -> None:
    if reading.is_gone:
        raise NoSuchRecord(
            f"OrderCloud has no order {key}, and none was ever synced under this ID",
            next_step="Look the ID up in the portal.",
        )
    if reading.outside:
        since = "" if settings.since is None else f" and changed since {settings.since:%Y-%m-%d}"
        raise OutOfScope(
            f"the order {key} is not in the scope of this data sync, and was never synced",
            next_step=f"In it are submitted orders that have a cart ID at {settings.cart_path}{since}.",
        )
