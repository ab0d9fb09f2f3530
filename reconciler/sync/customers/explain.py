"""Explanation of one customer: reads the user and the target, maps and compares. Writes and claims nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.errors import NoSuchRecord, OutOfScope
from reconciler.kind.connection import ClockedReader, Json, Querier, Wire
from reconciler.sparklayer.customer_bodies import ADDRESSES, canonical_customer, merged, projected
from reconciler.sparklayer.customers import Lookup, Unreadable, read_customer
from reconciler.sync.customers.mapper import draft
from reconciler.sync.customers.model import PART, held_from_json
from reconciler.sync.customers.record import shown
from reconciler.sync.customers.resolve import CustomerState, deleted, names_of, resolve
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.customers.source import CustomerSource
from reconciler.sync.customers.target import read_facts
from reconciler.sync.datatype import Reading
from reconciler.sync.explanation import Difference, Explanation, PartExplanation

if TYPE_CHECKING:
    from reconciler.ledger.data.store import Store


async def explain_customer(
    settings: CustomerSettings,
    source: ClockedReader,
    target: Querier,
    store: Store,
    key: str,
    now: datetime,  # noqa: ARG001 - nothing of a customer changes by itself
) -> Explanation:
    """Explain what a run would do with one user if it looked at it now.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer.
        store: what the ledger keeps of this sync; only read.
        key: external ID of the customer: `{buyerID}.{userID}`.
        now: our clock.

    Raises:
        NoSuchRecord: there is no such user, and there never was.
        OutOfScope: it exists, the manifest does not ask for it, and it was never synced.
        ApiError: something could not be read.
        LedgerError: the ledger could not be read.
    """
    facts = await read_facts(target, settings)
    reading = await CustomerSource(source, settings).one(key)
    level = store.records.levels([key]).get(key)
    if level is None or not level.held:
        _refuse(key, reading)
    held = held_from_json({} if level is None else level.held)
    if reading.record is None or reading.outside:
        state = deleted(key, held, deletes=settings.deletes, outside=reading.outside)
    else:
        drafted = draft(reading.record, settings, facts)
        owners = {name: owner for name, owner in store.names.owners(names_of(drafted, held)).items() if owner != key}
        state = resolve(drafted, owners, held, settings.lists_prefix)
    try:
        found = await read_customer(target, Lookup("platform", held.external_id or key))
    except Unreadable:
        found = None
    written = {} if level is None else level.prints
    return Explanation(
        key,
        None if reading.record is None else shown(reading.record),
        (_part(state, found, written),),
        state.problems,
        None,
        outside=reading.outside,
    )


def _refuse(key: str, reading: Reading[Any]) -> None:
    if reading.is_gone:
        raise NoSuchRecord(
            f"OrderCloud has no user {key}, and none was ever synced under this ID",
            next_step="Write it as buyerID.userID, and look both up in the portal.",
        )
    if reading.outside:
        raise OutOfScope(
            f"the user {key} is not among those that this data sync is about, and was never synced",
            next_step="Look at customers.buyers and customers.where, and whether the user has an e-mail address.",
        )


def _part(state: CustomerState, found: Wire | None, prints: Mapping[str, bytes]) -> PartExplanation:
    mapped = _values(canonical_customer(state.named)) if state.prints else None
    seen = {} if found is None else projected(state.named, found, state.share)
    target = {} if found is None else _values(canonical_customer(found))
    as_written = not state.prints.keys() - prints.keys() and all(
        prints[part] == value for part, value in state.prints.items()
    )
    return PartExplanation(
        part=PART,
        mapped=mapped,
        target=target,
        differences=() if mapped is None else tuple(_differences(_values(seen), mapped)),
        as_written=as_written and not state.removes,
        sends=None if as_written or not state.prints else merged(state.named, found or {}, state.share),
        removes=(state.key,) if state.removes else (),
    )


def _differences(target: Mapping[str, Json], mapped: Mapping[str, Json]) -> Iterator[Difference]:
    for where in dict.fromkeys((*mapped, *target)):
        if mapped.get(where) != target.get(where):
            yield Difference(where, target.get(where), mapped.get(where))


def _values(body: Wire) -> dict[str, Json]:
    """Return every value of a customer by where it stands, e.g. `addresses[acme.anna.home].city`."""
    values = {name: value for name, value in body.items() if name != ADDRESSES}
    for address in body.get(ADDRESSES, ()):
        name = address.get("external_id") or address.get("id")
        values |= {
            f"{ADDRESSES}[{name}].{member}": value for member, value in address.items() if member != "external_id"
        }
    return values
