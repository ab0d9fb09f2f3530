"""Looks: fingerprints of what lists show of records. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from reconciler.ledger.data import records
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.marks import is_seen_by, mark
from reconciler.ledger.data.seen import note_run
from reconciler.ledger.tables import records as table

_COMPARED = (table.c.key, table.c.number, table.c.seen_run, table.c.ready_at, table.c.gone, table.c.look)


def compare(connection: Connection, scope: int, run_id: str, looks: Mapping[str, bytes | None], now: datetime) -> int:
    """Compare what lists show with what they showed last; see `RecordStore.look`."""
    query = select(*_COMPARED, is_seen_by(run_id).label("is_seen")).order_by(table.c.key)
    newly, unchanged = 0, list[int]()
    for chunk in chunks(looks):
        found = connection.execute(query.where(records.among(scope, chunk)).with_for_update(of=table))
        rows = {row["key"]: row for row in found.mappings()}
        as_before = [key for key in chunk if key in rows and _looks_the_same(rows[key], looks[key])]
        now_seen = [key for key in as_before if not rows[key]["is_seen"]]
        # Of one that no run has seen, its row tells that.
        first = [key for key in now_seen if rows[key]["seen_run"] is None]
        newly += len(first)
        note_run(connection, scope, run_id, first)
        unchanged += (rows[key]["number"] for key in now_seen if rows[key]["seen_run"] is not None)
        changed = {
            key: shown
            for key in chunk
            if (shown := looks[key]) is not None and (key not in rows or _has_changed(rows[key], shown))
        }
        records.want(connection, scope, changed, now)
        note(connection, scope, changed)
    return newly + mark(connection, scope, run_id, unchanged)


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


def _looks_the_same(values: RowMapping, shown: bytes | None) -> bool:
    """Whether nothing is to be done for a record; one that is open is read anyway."""
    return shown is None or (values["ready_at"] is None and not _has_changed(values, shown))
