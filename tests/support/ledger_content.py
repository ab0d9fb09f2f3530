"""All that a ledger holds, whatever database it is in."""

from __future__ import annotations

from sqlalchemy import select

from reconciler.ledger.database import open_existing
from reconciler.ledger.tables import IN_ORDER, locks, meta
from reconciler.ledger.url import parse


def content(url):
    """Return the rows of every table but that of the locks, and the salt."""
    database = open_existing(parse(url))
    try:
        with database.transaction(writes=False) as tx:
            found = {
                table.name: [tuple(row) for row in tx.connection.execute(select(table).order_by(*table.primary_key))]
                for table in IN_ORDER
                if table is not locks
            }
            return found | {"salt": tx.connection.execute(select(meta.c.salt)).scalar_one()}
    finally:
        database.close()
