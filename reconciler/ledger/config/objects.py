"""Snapshots and secret fingerprints of live objects, row by row, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Delete, Table, and_, bindparam, delete, insert, select, update

from reconciler.ledger.config.model import LiveObject
from reconciler.ledger.config.secret_fingerprint import IN_DOUBT
from reconciler.ledger.rows import insert_new, insert_or_update
from reconciler.ledger.tables import fingerprints, first_applies, removals, snapshots

Digests = Mapping[str, bytes | None]


class Known(Struct, frozen=True):
    """What is known of a live object: its state without secrets, and which fingerprints change; None removes one."""

    state: Mapping[str, Any]
    digests: Digests


def remember(connection: Connection, found: Mapping[LiveObject, Known], now: datetime) -> None:
    """Write what is known of objects that were just written; of their fingerprints those that are named."""
    if not found:
        return
    keys = [_bound(target) for target in found]
    connection.execute(_delete_bound(removals), keys)
    _remember_states(connection, {target: known.state for target, known in found.items()}, now)
    prints = [(target, path, digest) for target, known in found.items() for path, digest in known.digests.items()]
    gone = [_bound(target, path) for target, path, digest in prints if digest is None]
    if gone:
        connection.execute(_delete_bound(fingerprints), gone)
    rows = [
        {**_columns(target), "path": path, "digest": digest, "in_doubt": False, "applied_at": now}
        for target, path, digest in prints
        if digest is not None
    ]
    insert_or_update(connection, fingerprints, rows, "digest", "in_doubt", "applied_at")


def remember_all(connection: Connection, found: Mapping[LiveObject, Mapping[str, Any] | None], now: datetime) -> None:
    """Write the snapshots of many objects at once; None forgets an object. Their fingerprints stay as they are."""
    present = {target: state for target, state in found.items() if state is not None}
    for target in found.keys() - present.keys():
        forget(connection, target)
    _remember_states(connection, present, now)


def remember_member(connection: Connection, target: LiveObject, name: str, value: Any, now: datetime) -> None:
    """Write one member of an object's snapshot, where there is a snapshot."""
    row = connection.execute(select(snapshots.c.state).where(_is(snapshots, target))).first()
    if row is not None and row.state.get(name) != value:
        changed = {"state": {**row.state, name: value}, "applied_at": now}
        connection.execute(update(snapshots).where(_is(snapshots, target)).values(**changed))


def forget(connection: Connection, target: LiveObject) -> None:
    """Delete snapshot and fingerprints of an object."""
    for table in (snapshots, first_applies, fingerprints):
        connection.execute(delete(table).where(_is(table, target)))


def remember_removal(connection: Connection, target: LiveObject, state: Mapping[str, Any], now: datetime) -> None:
    """Write what others still have to carry out of an object that was applied as absent."""
    connection.execute(delete(removals).where(_is(removals, target)))
    connection.execute(insert(removals).values(**_columns(target), state=dict(state), applied_at=now))


def rename(connection: Connection, old: LiveObject, new: LiveObject, held: Digests) -> None:
    """Move snapshot and fingerprints of an object to another ID.

    A fingerprint is bound to its ID, so only those in `held`, computed for the new one, come along.
    """
    forget(connection, new)
    connection.execute(delete(fingerprints).where(_is(fingerprints, old), fingerprints.c.path.not_in(list(held))))
    for table in (snapshots, first_applies, fingerprints):
        connection.execute(update(table).where(_is(table, old)).values(live_id=new.id))
    for path, digest in held.items():
        known = and_(_is(fingerprints, new), fingerprints.c.path == path, fingerprints.c.digest != IN_DOUBT)
        connection.execute(update(fingerprints).where(known).values(digest=digest))


def doubt(connection: Connection, sent: Mapping[LiveObject, Iterable[str]], now: datetime) -> None:
    """Mark secrets, by path, as sent with an unknown outcome, those that were never remembered included."""
    rows = [
        {**_columns(target), "path": path, "digest": IN_DOUBT, "in_doubt": True, "applied_at": now}
        for target, paths in sent.items()
        for path in paths
    ]
    insert_or_update(connection, fingerprints, rows, "in_doubt")


def trust(connection: Connection, target: LiveObject) -> None:
    """Clear the marks of `doubt` on an object whose request certainly did not arrive."""
    row = _is(fingerprints, target)
    connection.execute(delete(fingerprints).where(row, fingerprints.c.digest == IN_DOUBT))
    connection.execute(update(fingerprints).where(row).values(in_doubt=False))


def _remember_states(connection: Connection, states: Mapping[LiveObject, Mapping[str, Any]], now: datetime) -> None:
    """Write snapshots, and when objects were applied, of those that never were before."""
    applied = [{**_columns(target), "applied_at": now} for target in states]
    rows = [{**row, "state": dict(state)} for row, state in zip(applied, states.values(), strict=True)]
    insert_or_update(connection, snapshots, rows, "state", "applied_at")
    insert_new(connection, first_applies, applied)


def _columns(target: LiveObject) -> dict[str, str]:
    return {"api_url": target.api_url, "kind": target.kind, "live_id": target.id}


def _is(table: Table, target: LiveObject) -> ColumnElement[bool]:
    return and_(table.c.api_url == target.api_url, table.c.kind == target.kind, table.c.live_id == target.id)


def _bound(target: LiveObject, path: str | None = None) -> dict[str, str | None]:
    return {f"of_{name}": value for name, value in _columns(target).items()} | {"of_path": path}


@cache
def _delete_bound(table: Table) -> Delete:
    """Return what deletes the row of a table that a set of `_bound` parameters is about."""
    return delete(table).where(*(column == bindparam(f"of_{column.name}") for column in table.primary_key))
