"""Dates that a sync last wrote to the sync log. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from reconciler.ledger.data.model import LogDates
from reconciler.ledger.tables import scopes

_COLUMNS = {"started": "log_started", "last_full": "log_full", "last_partial": "log_partial"}


def dates(connection: Connection, scope: int) -> LogDates:
    """Return the dates that we last wrote to the sync log."""
    row = connection.execute(select(scopes).where(scopes.c.id == scope)).mappings().one()
    return LogDates(**{name: row[column] for name, column in _COLUMNS.items()})


def remember(connection: Connection, scope: int, written: LogDates) -> None:
    """Record the dates that we wrote to the sync log; None leaves one as it is."""
    values = {column: getattr(written, name) for name, column in _COLUMNS.items() if getattr(written, name) is not None}
    if values:
        connection.execute(update(scopes).where(scopes.c.id == scope).values(values))


def forget(connection: Connection, scope: int) -> None:
    """Forget the dates that we wrote: the sync log is gone."""
    connection.execute(update(scopes).where(scopes.c.id == scope).values(dict.fromkeys(_COLUMNS.values())))
