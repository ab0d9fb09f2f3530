"""Processes that run data syncs by themselves, and which manifests each of them has: who holds which commit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from reconciler import __version__
from reconciler.ledger import schema
from reconciler.ledger.data.service_model import SERVE, WORKER, ServiceProcess
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.process import ProcessId, this_process
from reconciler.ledger.service_tables import services

SILENT = timedelta(seconds=90)
"""How long a process may be silent before it counts as gone."""


class ServiceStore:
    """The processes that serve, in an open ledger. Every method is one durable transaction.

    Args:
        database: of the open ledger.
        kind: what sort of process we are: `serve` or `worker`.
    """

    def __init__(self, database: Database, kind: str = SERVE) -> None:
        self._database = database
        self._kind = kind
        self._token = token_hex(16)

    def seen(
        self, environments: Collection[str], holder: str, commit: str | None, waits_for: str | None = None
    ) -> None:
        """Record a sign of life of this process, for each environment; those of dead processes are forgotten.

        Raises:
            LedgerError: it cannot be written.
        """
        ours = this_process()

        def record(tx: Transaction) -> None:
            _forget_dead(tx.connection, tx.now, ours)
            for environment in environments:
                said = {"commit_id": commit, "waits_for": waits_for, "seen_at": tx.now}
                row = services.c.token == self._token, services.c.environment == environment
                if not tx.connection.execute(update(services).where(*row).values(said)).rowcount:
                    about = {"holder": holder, "machine": ours.machine, "pid": ours.pid, "kind": self._kind}
                    tx.connection.execute(
                        insert(services).values(
                            token=self._token,
                            environment=environment,
                            process_started=ours.started,
                            started_at=tx.now,
                            version=__version__,
                            schema_version=schema.VERSION,
                            **about,
                            **said,
                        )
                    )

        self._database.run(record)

    def gone(self) -> None:
        """Record that this process ends."""
        self._database.run(
            lambda tx: tx.connection.execute(delete(services).where(services.c.token == self._token)), any_place=True
        )


def workers(connection: Connection, environment: str, now: datetime) -> int:
    """Return how many workers take jobs of an environment."""
    return sum(each.kind == WORKER for each in living(connection, environment, now))


def living(connection: Connection, environment: str, now: datetime) -> tuple[ServiceProcess, ...]:
    """Return the processes that serve an environment, by when they began."""
    query = select(services).where(services.c.environment == environment).order_by(services.c.started_at)
    return tuple(
        ServiceProcess(
            row.environment,
            row.holder,
            row.commit_id,
            row.waits_for,
            row.started_at,
            row.seen_at,
            row.kind,
            row.version,
            row.schema_version,
        )
        for row in connection.execute(query)
        if not _is_dead(row, now)
    )


def _forget_dead(connection: Connection, now: datetime, ours: ProcessId) -> None:
    # Our own signs are as many as we have environments, and whoever writes this lives.
    others = or_(services.c.machine != ours.machine, services.c.pid != ours.pid, services.c.seen_at < now - SILENT)
    rows: Sequence[Row[tuple[object, ...]]] = connection.execute(select(services).where(others)).all()
    for row in rows:
        if _is_dead(row, now):
            connection.execute(delete(services).where(services.c.token == row.token))


def _is_dead(row: Row[tuple[object, ...]], now: datetime) -> bool:
    process = ProcessId(row.machine, row.pid, row.process_started)
    return bool(now - row.seen_at > SILENT) or process.is_dead()
