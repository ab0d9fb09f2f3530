"""Rolling upgrades: a step that takes something from older programs waits until none of them runs any more.

Steps of one release only add: programs of the release before go on beside those of the new one. What they no longer
need goes with a later release, and that step raises `schema.OLDEST_WRITER`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Row, Table, inspect, select

from reconciler.errors import LedgerError
from reconciler.ledger.columns import Number, Past, Words
from reconciler.ledger.config.services import SILENT
from reconciler.ledger.process import ProcessId
from reconciler.words import some

_TABLE, _VERSION = "services", "schema_version"


def require_no_older(connection: Connection, shown: str, before: int, oldest_writer: int, now: datetime) -> None:
    """Refuse a migration after which a process that lives could not write any more.

    Args:
        connection: in the transaction of the migration, before its first step.
        shown: how messages name the ledger.
        before: version of the ledger's schema.
        oldest_writer: the oldest version whose programs may write afterwards.
        now: the ledger's clock.

    Raises:
        LedgerError: some live; they are named.
    """
    known = inspect(connection)
    if not known.has_table(_TABLE):
        return
    # Of another version: only what stands there in all of them, and what it may have beside that.
    columns = [Column(name, kind) for name, kind in _SINCE_THE_FIRST]
    tells = any(each["name"] == _VERSION for each in known.get_columns(_TABLE))
    services = Table(_TABLE, MetaData(), *columns, *([Column(_VERSION, Integer)] if tells else []))
    alive = [row for row in connection.execute(select(services).distinct()) if _is_alive(row, now)]
    older = sorted({row.holder for row in alive if ((row.schema_version if tells else None) or before) < oldest_writer})
    if older:
        raise LedgerError(
            f"The ledger {shown} is not migrated: older versions of reconciler still work with it, and could not write "
            f"any more: {some(older)}",
            next_step="Bring them to the version before this one, or end them, and migrate again; one that was killed "
            f"on another machine counts for {SILENT.total_seconds():g} s.",
        )


_SINCE_THE_FIRST: tuple[tuple[str, Any], ...] = (
    ("holder", Words),
    ("machine", Words),
    ("pid", Number),
    ("process_started", Words),
    ("seen_at", Past),
)


def _is_alive(row: Row[Any], now: datetime) -> bool:
    return now - row.seen_at <= SILENT and not ProcessId(row.machine, row.pid, row.process_started).is_dead()
