"""Snapshots and secret fingerprints of live objects, row by row, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, insert, select, update

from reconciler.ledger.config.model import LiveObject
from reconciler.ledger.config.secret_fingerprint import IN_DOUBT
from reconciler.ledger.tables import fingerprints, first_applies, removals, snapshots

Digests = Mapping[str, bytes | None]


def remember(
    connection: Connection, target: LiveObject, state: Mapping[str, Any], digests: Digests, now: datetime
) -> None:
    """Write the snapshot of an object, and replace the fingerprints named in `digests`; None removes one."""
    for table in (snapshots, removals):
        connection.execute(delete(table).where(_is(table, target)))
    connection.execute(insert(snapshots).values(**_columns(target), state=dict(state), applied_at=now))
    _remember_first(connection, [target], now)
    connection.execute(delete(fingerprints).where(_is(fingerprints, target), fingerprints.c.path.in_(list(digests))))
    rows = [
        {**_columns(target), "path": path, "digest": digest, "in_doubt": False, "applied_at": now}
        for path, digest in digests.items()
        if digest is not None
    ]
    if rows:
        connection.execute(insert(fingerprints), rows)


def remember_all(connection: Connection, found: Mapping[LiveObject, Mapping[str, Any] | None], now: datetime) -> None:
    """Write the snapshots of many objects at once; None forgets an object. Their fingerprints stay as they are."""
    present = {target: dict(state) for target, state in found.items() if state is not None}
    for target in found.keys() - present.keys():
        forget(connection, target)
    if present:
        old = and_(*(snapshots.c[name] == bindparam(f"old_{name}") for name in ("api_url", "kind", "live_id")))
        connection.execute(
            delete(snapshots).where(old),
            [{f"old_{name}": value for name, value in _columns(target).items()} for target in present],
        )
        connection.execute(
            insert(snapshots),
            [{**_columns(target), "state": state, "applied_at": now} for target, state in present.items()],
        )
        _remember_first(connection, present, now)


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


def doubt(connection: Connection, target: LiveObject, paths: Collection[str], now: datetime) -> None:
    """Mark secrets as sent with an unknown outcome, those that were never remembered included."""
    for path in paths:
        row = and_(_is(fingerprints, target), fingerprints.c.path == path)
        if not connection.execute(update(fingerprints).where(row).values(in_doubt=True)).rowcount:
            connection.execute(
                insert(fingerprints).values(
                    **_columns(target), path=path, digest=IN_DOUBT, in_doubt=True, applied_at=now
                )
            )


def trust(connection: Connection, target: LiveObject) -> None:
    """Clear the marks of `doubt` on an object whose request certainly did not arrive."""
    row = _is(fingerprints, target)
    connection.execute(delete(fingerprints).where(row, fingerprints.c.digest == IN_DOUBT))
    connection.execute(update(fingerprints).where(row).values(in_doubt=False))


def _remember_first(connection: Connection, targets: Collection[LiveObject], now: datetime) -> None:
    """Write when objects were applied, of those that never were before."""
    urls = {target.api_url for target in targets}
    known = {
        LiveObject(row.api_url, row.kind, row.live_id)
        for row in connection.execute(select(first_applies).where(first_applies.c.api_url.in_(urls)))
    }
    rows = [{**_columns(target), "applied_at": now} for target in targets if target not in known]
    if rows:
        connection.execute(insert(first_applies), rows)


def _columns(target: LiveObject) -> dict[str, str]:
    return {"api_url": target.api_url, "kind": target.kind, "live_id": target.id}


def _is(table: Table, target: LiveObject) -> ColumnElement[bool]:
    return and_(table.c.api_url == target.api_url, table.c.kind == target.kind, table.c.live_id == target.id)
