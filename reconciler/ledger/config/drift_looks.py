"""The last look for drift at each environment, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.tables import drift_looks


def last(connection: Connection, environment: str) -> dict[str, Any] | None:
    """Return what was found, as it was kept; None: nobody has looked. In a transaction of the caller's."""
    found: dict[str, Any] | None = connection.execute(
        select(drift_looks.c.found).where(drift_looks.c.environment == environment)
    ).scalar()
    return found


class DriftLooks:
    """The last looks for drift, of an open ledger. Every method is one durable transaction.

    Args:
        database: of the ledger.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, environment: str, made: Callable[[Mapping[str, Any] | None], Mapping[str, Any]]) -> None:
        """Keep what was found; it replaces what was.

        Args:
            environment: its name.
            made: returns it, given what was kept so far.

        Raises:
            LedgerError: the ledger cannot be written.
        """

        def keep(tx: Transaction) -> None:
            found = made(last(tx.connection, environment))
            tx.connection.execute(delete(drift_looks).where(drift_looks.c.environment == environment))
            tx.connection.execute(insert(drift_looks).values(environment=environment, found=found))

        self._database.run(keep)
