"""The settings that were applied for each scope, by digest: a run of any others does not begin and does not go on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select

from reconciler.errors import NotApplied
from reconciler.ledger.data import overview
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.service_tables import applied_settings
from reconciler.ledger.tables import scopes


class AppliedSettings:
    """What was applied last in an open ledger. Every method is one durable transaction.

    Args:
        database: of the open ledger.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(
        self, environment: str, applied: Mapping[DataScope, str], left: Collection[str], commit: str | None
    ) -> None:
        """Record the digests of what is applied in an environment.

        Args:
            environment: name of the Environment manifest.
            applied: digest by scope; of a scope that is not among them nothing is known any more.
            left: integrations that were not applied now, whose digests stay as they are.
            commit: what the manifests stand at; None: not known.

        Raises:
            LedgerError: it cannot be written.
        """

        def record(tx: Transaction) -> None:
            old = select(scopes.c.id).where(
                scopes.c.environment == environment, scopes.c.integration.not_in(list(left))
            )
            tx.connection.execute(delete(applied_settings).where(applied_settings.c.scope.in_(old)))
            rows = [
                {
                    "scope": overview.scope_id(tx.connection, scope),
                    "digest": digest,
                    "commit_id": commit,
                    "applied_at": tx.now,
                }
                for scope, digest in applied.items()
            ]
            if rows:
                tx.connection.execute(insert(applied_settings), rows)

        self._database.run(record)


def is_obeyed(connection: Connection, scope: int, digest: str) -> bool:
    """Whether these are the settings that were applied last, as far as any apply has said."""
    return _obeys(connection, digest, select(applied_settings.c.digest).where(applied_settings.c.scope == scope))


def _obeys(connection: Connection, digest: str, query: Select[Any]) -> bool:
    found = connection.execute(query).scalar()
    return found is None or bool(found == digest)


def require(connection: Connection, scope: int, digest: str) -> None:
    """Refuse to run anything but what was applied last; it stays so until the transaction is over.

    Raises:
        NotApplied: others were.
    """
    query = select(applied_settings.c.digest).where(applied_settings.c.scope == scope)
    if not _obeys(connection, digest, query.with_for_update(read=True)):
        raise NotApplied(
            "other settings were applied than those that this process has",
            next_step="Let it have the manifests that were applied (a service reads them anew at SIGHUP), or apply "
            "these. After an update of reconciler, one `reconciler apply` says that they hold as it reads them.",
        )
