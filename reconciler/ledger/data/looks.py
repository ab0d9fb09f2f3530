"""Looks: fingerprints of what lists show of records. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from reconciler.ledger.data import records
from reconciler.ledger.data.as_before import AsBefore
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.marks import is_seen_by, mark
from reconciler.ledger.data.record_rows import among
from reconciler.ledger.data.seen import note_run
from reconciler.ledger.tables import records as table

_COMPARED = (
    table.c.key,
    table.c.number,
    table.c.seen_run,
    table.c.ready_at,
    table.c.gone,
    table.c.look,
    table.c.dead,
    table.c.held_back,
)


def compare(connection: Connection, scope: int, run_id: str, looks: Mapping[str, bytes], now: datetime) -> AsBefore:
    """Compare what lists show with what they showed last; see `RecordStore.look`."""
    query = select(*_COMPARED, is_seen_by(run_id).label("is_seen")).order_by(table.c.key)
    newly: list[RowMapping] = []
    for chunk in chunks(looks):
        found = connection.execute(query.where(among(scope, chunk)).with_for_update(of=table))
        rows = {row["key"]: row for row in found.mappings()}
        as_before = [rows[key] for key in chunk if key in rows and _looks_the_same(rows[key], looks[key])]
        now_seen = [row for row in as_before if not row["is_seen"]]
        # Of one that no run has seen, its row tells that.
        note_run(connection, scope, run_id, [row["key"] for row in now_seen if row["seen_run"] is None])
        newly += now_seen
        changed = {key: looks[key] for key in chunk if key not in rows or _has_changed(rows[key], looks[key])}
        records.want(connection, scope, changed, now)
        note(connection, scope, changed)
    mark(connection, scope, run_id, [row["number"] for row in newly if row["seen_run"] is not None])
    dead = sum(row["dead"] for row in newly)
    held_back = sum(row["held_back"] and not row["dead"] for row in newly)
    return AsBefore(len(newly) - dead - held_back, held_back, dead)


def note(connection: Connection, scope: int, looks: Mapping[str, bytes]) -> None:
    """Note what lists show of known records."""
    if looks:
        connection.execute(
            update(table)
            .where(table.c.scope == scope, table.c.key == bindparam("of_key"))
            .values(look=bindparam("shown")),
            [{"of_key": key, "shown": shown} for key, shown in looks.items()],
        )


def _has_changed(values: RowMapping, shown: bytes) -> bool:
    """Whether a record has to be read: lists show something else, or it is back."""
    return bool(values["gone"]) or values["look"] != shown


def _looks_the_same(values: RowMapping, shown: bytes) -> bool:
    """Whether nothing is to be done for a record; one that is open is read anyway."""
    return values["ready_at"] is None and not _has_changed(values, shown)
