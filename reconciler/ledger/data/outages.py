"""APIs that are away, as one process found out for all: until when nobody asks them, and who looks then."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from msgspec import Struct
from sqlalchemy import delete, select, update

from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.rate_tables import outages
from reconciler.ledger.rows import insert_or_update

FIRST_PAUSE = timedelta(seconds=30)
"""How long nobody asks an API that was just found away; later half as long as it has been away by then."""

LONGEST_PAUSE = timedelta(minutes=5)

LONGEST_ASKED = timedelta(hours=1)
"""How long an API is left alone at most that asks for it: then one looks whether it still means it."""

LOOK = timedelta(seconds=90)
"""How long others wait for what the one finds that looks whether an API is back."""


class Away(Struct, frozen=True):
    """An API that is away.

    Args:
        reason: why, as who found out met it.
        holder: who that was, or who looks now.
        left: how long nobody is to ask it.
    """

    reason: str
    holder: str
    left: timedelta


def told_outages(tx: Transaction, keys: Collection[str]) -> dict[str, Away]:
    """Return which of some APIs nobody is to ask now, by key."""
    rows = tx.connection.execute(select(outages).where(outages.c.key.in_(list(keys)), outages.c.until > tx.now))
    found = sorted(rows, key=lambda row: row.until, reverse=True)
    return {row.key: Away(row.reason, row.holder, row.until - tx.now) for row in found}


class OutageStore:
    """What is known of APIs that are away, in an open ledger, by `Connection.rate_key`. Each method is one transaction.

    Args:
        database: of the open ledger.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, keys: Collection[str], holder: str) -> Away | None:
        """Return which of some APIs is away; None: none is, or it is time to look, which is ours to do now.

        Args:
            keys: of the APIs.
            holder: who we are, for people.

        Raises:
            LedgerError: the ledger cannot be used.
        """
        mine = outages.c.key.in_(list(keys))

        def work(tx: Transaction) -> Away | None:
            rows = tx.connection.execute(select(outages).where(mine).order_by(outages.c.key).with_for_update()).all()
            for row in rows:
                if row.until > tx.now:
                    return Away(row.reason, row.holder, row.until - tx.now)
            if rows:
                tx.connection.execute(update(outages).where(mine).values(until=tx.now + LOOK, holder=holder))
            return None

        return self._database.run(work)

    def standing(self, keys: Collection[str]) -> Away | None:
        """Return which of some APIs nobody is to ask now; None: none. Nothing is written, and no look begins.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        return next(iter(self._database.run(lambda tx: told_outages(tx, keys), writes=False).values()), None)

    def found(self, key: str, reason: str, holder: str, asked: timedelta | None = None) -> timedelta:
        """Note that an API is away, and return how long nobody is to ask it.

        Args:
            key: of the API.
            reason: why, as we met it.
            holder: who we are, for people.
            asked: how long it asks to be left alone; None: it does not say so.

        Raises:
            LedgerError: the ledger cannot be used.
        """

        def work(tx: Transaction) -> timedelta:
            known = tx.connection.execute(select(outages).where(outages.c.key == key).with_for_update()).first()
            since = tx.now if known is None else known.since
            pause = min(max((tx.now - since) / 2, FIRST_PAUSE), LONGEST_PAUSE)
            if asked is not None:
                pause = min(asked, LONGEST_ASKED)
            # What one was told holds though another finds out less; that somebody looks is no finding.
            if known is not None and known.until > tx.now + max(pause, LOOK):
                left: timedelta = known.until - tx.now
                return left
            row = {"key": key, "since": since, "until": tx.now + pause, "reason": reason, "holder": holder}
            insert_or_update(tx.connection, outages, [row], "until", "reason", "holder")
            return pause

        return self._database.run(work)

    def over(self, keys: Collection[str]) -> None:
        """Note that APIs are there.

        Raises:
            LedgerError: the ledger cannot be used.
        """
        mine = outages.c.key.in_(list(keys))

        def work(tx: Transaction) -> None:
            if tx.connection.execute(select(outages.c.key).where(mine)).first() is not None:
                tx.connection.execute(delete(outages).where(mine))

        self._database.run(work)
