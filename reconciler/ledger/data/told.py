"""What messages told of records. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, insert, select

from reconciler.ledger.data import records
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.inbox_model import Told
from reconciler.ledger.inbox_tables import inbox_told
from reconciler.ledger.tables import records as record_rows

LAG = timedelta(minutes=10)
"""Longer than the source's index lags behind: what was told longer ago counts no more."""


def note(connection: Connection, scope: int, told: Mapping[str, Told], now: datetime) -> None:
    """Note what the last message said of records that were just raised in this transaction, which holds their rows.

    That one is deleted stands, whatever is said of it within the lag: an update that was held back may come late.
    """
    for chunk in chunks(sorted(told)):
        query = select(record_rows.c.key, record_rows.c.wanted).where(records.among(scope, chunk))
        revisions = {row.key: row.wanted for row in connection.execute(query)}
        among = inbox_told.c.scope == scope, inbox_told.c.key.in_(chunk)
        gone = select(inbox_told).where(*among, inbox_told.c.gone, inbox_told.c.told_at > now - LAG)
        stands = {row.key: row.told_at for row in connection.execute(gone)}
        connection.execute(delete(inbox_told).where(*among))
        connection.execute(
            insert(inbox_told),
            [
                {
                    "scope": scope,
                    "key": key,
                    "gone": told[key].gone or key in stands,
                    "members": {} if key in stands else dict(told[key].members),
                    "revision": revisions[key],
                    "told_at": now if told[key].gone else stands.get(key, now),
                }
                for key in chunk
            ],
        )


def of(connection: Connection, scope: int, keys: Collection[str], now: datetime) -> dict[str, Told]:
    """Return what was told of records, where something was and no read has borne it out."""
    found: dict[str, Told] = {}
    for chunk in chunks(dict.fromkeys(keys)):
        query = select(inbox_told).where(inbox_told.c.scope == scope, inbox_told.c.key.in_(chunk))
        for row in connection.execute(query).mappings():
            found[row["key"]] = Told(
                row["gone"], row["members"], row["revision"], max(now - row["told_at"], timedelta())
            )
    return found


def settle(connection: Connection, scope: int, revisions: Mapping[str, int]) -> None:
    """Forget what was told of records up to a revision: a read bore it out, or it is too old to count."""
    if revisions:
        connection.execute(
            delete(inbox_told).where(
                and_(
                    inbox_told.c.scope == scope,
                    inbox_told.c.key == bindparam("of_key"),
                    inbox_told.c.revision <= bindparam("up_to"),
                )
            ),
            [{"of_key": key, "up_to": revision} for key, revision in revisions.items()],
        )
