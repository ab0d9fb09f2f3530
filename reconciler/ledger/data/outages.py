"""APIs that are away, as one process found out for all: until when nobody asks them, and who looks then."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update

from reconciler.ledger.database import Database, Transaction, insert_or_update
from reconciler.ledger.rate_tables import outages

FIRST_PAUSE = timedelta(seconds=30)
"""How long nobody asks an API that was just found away; later half as long as it has been away by then."""

LONGEST_PAUSE = timedelta(minutes=5)

LOOK = timedelta(seconds=90)
"""How long others wait for what the one finds that looks whether an API is back."""


@dataclass(frozen=True, slots=True)
class Away:
    """An API that is away.

    Args:
        reason: why, as who found out met it.
        holder: who that was, or who looks now.
        left: how long nobody is to ask it.
    """

    reason: str
    holder: str
    left: timedelta


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

    def found(self, key: str, reason: str, holder: str) -> timedelta:
        """Note that an API is away, and return how long nobody is to ask it.

        Raises:
            LedgerError: the ledger cannot be used.
        """

        def work(tx: Transaction) -> timedelta:
            known = select(outages.c.since).where(outages.c.key == key).with_for_update()
            since = tx.connection.execute(known).scalar() or tx.now
            pause = min(max((tx.now - since) / 2, FIRST_PAUSE), LONGEST_PAUSE)
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
