"""Journal of a run: the state of each of its changes. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from reconciler.ledger.config.model import JournalEntry
from reconciler.ledger.tables import journal


def begin(connection: Connection, run: str, entries: Sequence[JournalEntry], now: datetime) -> None:
    """Write a journal entry for each change of a run that begins."""
    rows = [
        {
            "run": run,
            "change_key": entry.key,
            "position": position,
            "digest": entry.digest,
            "outcome": entry.outcome,
            "message": entry.message,
            "updated_at": now,
        }
        for position, entry in enumerate(entries)
    ]
    if rows:
        connection.execute(insert(journal), rows)


def set_outcome(connection: Connection, run: str, key: str, outcome: str, message: str | None, now: datetime) -> None:
    """Write the state of one change into the journal."""
    connection.execute(
        update(journal)
        .where(journal.c.run == run, journal.c.change_key == key)
        .values(outcome=outcome, message=message, updated_at=now)
    )


def read(connection: Connection, run: str) -> tuple[JournalEntry, ...]:
    """Read the journal entries of a run, in order."""
    rows = connection.execute(select(journal).where(journal.c.run == run).order_by(journal.c.position))
    return tuple(JournalEntry(row.digest, row.change_key, row.outcome, row.message) for row in rows)
