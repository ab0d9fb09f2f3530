"""Connections that SparkLayer made as an Ignite integration, and the credentials that it handed over, sealed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, insert, select, update

from reconciler.ledger.config.model import SealedCredentials, SiteConnection
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.rows import insert_new
from reconciler.ledger.tables import ignite_connections, ignite_credentials


class IgniteStore:
    """Connections and credentials in an open ledger. Every method is one durable transaction.

    Any method raises LedgerError where the ledger cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def connection(self, environment: str, target: str) -> SiteConnection | None:
        """Return the connection of a site; None: SparkLayer never made one."""
        return self._database.run(lambda tx: of_site(tx.connection, environment, target), writes=False)

    def credentials(self, environment: str, target: str) -> SealedCredentials | None:
        """Return the credentials that were handed over for a site, sealed; None: there are none."""
        return self._database.run(lambda tx: sealed_of(tx.connection, environment, target), writes=False)

    def connect(
        self, environment: str, target: str, store_id: str, credentials: tuple[str, str] | None, *, may_replace: bool
    ) -> bool:
        """Record that SparkLayer connected a site; return False, and change nothing, where it may not.

        Args:
            environment: name of the Environment.
            target: live side of the site.
            store_id: what SparkLayer calls the shop.
            credentials: client ID and sealed credentials to keep; None: those that are kept stay.
            may_replace: the credentials are those that are kept, or nobody is connected with others as far as the
                caller knows; whether that is still so, and whether an operator gave leave, is decided here.
        """

        def connect(tx: Transaction) -> bool:
            row = {"environment": environment, "target": target}
            insert_new(tx.connection, ignite_connections, [_new(environment, target, tx.now)])
            known = _locked(tx.connection, environment, target)
            has_leave = known.reconnect_until is not None and known.reconnect_until > tx.now
            if credentials is not None:
                if known.connected and not (may_replace or has_leave):
                    return False
                client_id, sealed = credentials
                tx.connection.execute(delete(ignite_credentials).where(_site(ignite_credentials, environment, target)))
                kept = {"client_id": client_id, "sealed": sealed, "stored_at": tx.now}
                tx.connection.execute(insert(ignite_credentials).values(**row, **kept))
            changed_at = known.changed_at if known.connected else tx.now
            tx.connection.execute(
                update(ignite_connections)
                .where(_site(ignite_connections, environment, target))
                .values(connected=True, store_id=store_id, changed_at=changed_at, reconnect_until=None)
            )
            return True

        return self._database.run(connect)

    def disconnect(self, environment: str, target: str) -> None:
        """Record that SparkLayer disconnected a site. What it handed over stays until `forget`."""

        def disconnect(tx: Transaction) -> None:
            insert_new(tx.connection, ignite_connections, [_new(environment, target, tx.now)])
            known = _locked(tx.connection, environment, target)
            tx.connection.execute(
                update(ignite_connections)
                .where(_site(ignite_connections, environment, target))
                .values(
                    connected=False,
                    changed_at=tx.now if known.connected else known.changed_at,
                    reconnect_until=None,
                )
            )

        self._database.run(disconnect)

    def forget(self, environment: str, target: str) -> None:
        """Delete the credentials that were handed over for a site."""
        self._database.run(
            lambda tx: tx.connection.execute(
                delete(ignite_credentials).where(_site(ignite_credentials, environment, target))
            )
        )

    def reseal(self, environment: str, target: str, sealed: str) -> None:
        """Replace what is kept of the credentials of a site by the same, sealed with another key."""
        self._database.run(
            lambda tx: tx.connection.execute(
                update(ignite_credentials).where(_site(ignite_credentials, environment, target)).values(sealed=sealed)
            )
        )

    def allow_reconnect(self, environment: str, target: str, duration: timedelta) -> datetime | None:
        """Let SparkLayer connect once with other credentials; return until when, or None where it is not connected."""

        def allow(tx: Transaction) -> datetime | None:
            until = tx.now + duration
            changed = tx.connection.execute(
                update(ignite_connections)
                .where(_site(ignite_connections, environment, target), ignite_connections.c.connected)
                .values(reconnect_until=until)
            )
            return until if changed.rowcount else None

        return self._database.run(allow)


def of_site(connection: Connection, environment: str, target: str) -> SiteConnection | None:
    """Return the connection of a site, in a transaction of the caller's."""
    return of_sites(connection, environment, [target]).get(target)


def of_sites(connection: Connection, environment: str, targets: Collection[str]) -> dict[str, SiteConnection]:
    """Return the connections of an environment by live side, in a transaction of the caller's."""
    table = ignite_connections
    query = select(table).where(table.c.environment == environment, table.c.target.in_(list(targets)))
    return {row.target: SiteConnection(**row._asdict()) for row in connection.execute(query)}


def sealed_of(connection: Connection, environment: str, target: str) -> SealedCredentials | None:
    """Return the credentials that were handed over for a site, in a transaction of the caller's."""
    row = connection.execute(
        select(ignite_credentials).where(_site(ignite_credentials, environment, target))
    ).one_or_none()
    return None if row is None else SealedCredentials(row.client_id, row.sealed, row.stored_at)


def sealed_count(connection: Connection) -> int:
    """Return how many credentials a ledger carries, in a transaction of the caller's."""
    return connection.execute(select(func.count()).select_from(ignite_credentials)).scalar_one()


def _locked(connection: Connection, environment: str, target: str) -> SiteConnection:
    table = ignite_connections
    row = connection.execute(select(table).where(_site(table, environment, target)).with_for_update()).one()
    return SiteConnection(**row._asdict())


def _new(environment: str, target: str, now: datetime) -> dict[str, object]:
    empty = {"store_id": None, "connected": False, "changed_at": now, "reconnect_until": None}
    return {"environment": environment, "target": target, **empty}


def _site(table: Table, environment: str, target: str) -> ColumnElement[bool]:
    return and_(table.c.environment == environment, table.c.target == target)
