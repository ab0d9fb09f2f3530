"""Moves of live configuration that webhooks told of, and restores. Functions and a store of transactions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from reconciler.ledger.config.model import ConfigMove
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.move_tables import config_moves, config_restores
from reconciler.ledger.rows import insert_new

KEPT = 1_000
"""Moves of one API that are kept, the newest; so many webhooks cannot fill a ledger."""
OLDEST = timedelta(days=400)
"""What was longer ago tells nothing of a drift today, and is not kept."""
_SLACK = 100


class MoveStore:
    """Moves and restores in an open ledger. Every method is one durable transaction.

    Any method raises LedgerError where the ledger cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, api_url: str, move: ConfigMove) -> bool:
        """Write a move; return False where it was told of before, or is too old.

        A moment that is not over yet counts as now.
        """
        return self._database.run(lambda tx: _add(tx, api_url, move))

    def restored(self, api_urls: Collection[str]) -> datetime:
        """Write that live was overwritten from elsewhere just now, and return when that is, by the ledger's time."""

        def write(tx: Transaction) -> datetime:
            now = {"restored_at": tx.now, "checked_at": None}
            insert_new(tx.connection, config_restores, [{"api_url": api_url, **now} for api_url in api_urls])
            of_apis = config_restores.c.api_url.in_(list(api_urls))
            tx.connection.execute(update(config_restores).where(of_apis).values(**now))
            return tx.now

        return self._database.run(write)

    def unchecked(self, api_urls: Collection[str]) -> datetime | None:
        """Return the last restore after which drift was not checked yet; None: there is none."""
        return self._database.run(lambda tx: _unchecked(tx.connection, api_urls), writes=False)

    def checked(self, api_urls: Collection[str], restored_at: datetime) -> None:
        """Write that drift was checked after a restore, which `unchecked` returned before the check began."""

        def write(tx: Transaction) -> None:
            of_apis = config_restores.c.api_url.in_(list(api_urls))
            older = config_restores.c.restored_at <= restored_at
            tx.connection.execute(update(config_restores).where(of_apis, older).values(checked_at=tx.now))

        self._database.run(write)


def _add(tx: Transaction, api_url: str, move: ConfigMove) -> bool:
    connection = tx.connection
    if move.moved_at < tx.now - OLDEST:
        return False
    row = {
        "api_url": api_url,
        "path": move.path,
        "verb": move.verb,
        "by": move.by,
        "moved_at": min(move.moved_at, tx.now),
        "ours": move.ours,
    }
    if not insert_new(connection, config_moves, [row]):
        return False
    of_api = config_moves.c.api_url == api_url
    count = connection.execute(select(func.count()).select_from(config_moves).where(of_api)).scalar_one()
    if count > KEPT + _SLACK:
        newest = select(config_moves.c.moved_at).where(of_api).order_by(config_moves.c.moved_at.desc())
        oldest_kept = connection.execute(newest.offset(KEPT - 1).limit(1)).scalar_one()
        connection.execute(delete(config_moves).where(of_api, config_moves.c.moved_at < oldest_kept))
    return True


def _unchecked(connection: Connection, api_urls: Collection[str]) -> datetime | None:
    of_apis = config_restores.c.api_url.in_(list(api_urls))
    query = select(config_restores.c.restored_at).where(of_apis, config_restores.c.checked_at.is_(None))
    return max(connection.execute(query).scalars(), default=None)


def newest(connection: Connection, api_urls: Collection[str]) -> dict[str, tuple[ConfigMove, ...]]:
    """Read the moves of some APIs by base URL, the newest first."""
    query = select(config_moves).where(config_moves.c.api_url.in_(list(api_urls)))
    found: dict[str, list[ConfigMove]] = {}
    for row in connection.execute(query.order_by(config_moves.c.moved_at.desc(), config_moves.c.path)):
        found.setdefault(row.api_url, []).append(ConfigMove(row.path, row.verb, row.by, row.moved_at, row.ours))
    return {api_url: tuple(moves) for api_url, moves in found.items()}


def restored_at(connection: Connection, api_urls: Collection[str]) -> datetime | None:
    """Read when live was last overwritten from elsewhere, as far as a webhook told; None: never."""
    query = select(config_restores.c.restored_at).where(config_restores.c.api_url.in_(list(api_urls)))
    return max(connection.execute(query).scalars(), default=None)
