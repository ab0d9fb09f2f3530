"""Mentions: what the target holds of records may name what it holds of others. Functions in a caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import Connection, String, select, type_coerce

from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.records import pages
from reconciler.ledger.tables import records, scopes


def of_others(connection: Connection, scope: DataScope, words: Collection[str]) -> frozenset[str]:
    """Return which of these words stand in what the target holds of records of the data sync's other data types.

    Args:
        connection: of the transaction.
        scope: of one data type; its own records do not count.
        words: that cannot be a part of other words, e.g. digests.
    """
    if not words:
        return frozenset()
    wanted = re.compile("|".join(sorted(map(re.escape, words))))
    others = select(scopes.c.id).where(
        scopes.c.environment == scope.environment,
        scopes.c.target == scope.target,
        scopes.c.integration == scope.integration,
        scopes.c.data_type != scope.data_type,
    )
    found: set[str] = set()
    for other in connection.execute(others).scalars().all():
        for page in pages(connection, other):
            texts = connection.execute(select(type_coerce(records.c.held, String)).where(page)).scalars()
            found.update(word for text in texts for word in wanted.findall(text or ""))
    return frozenset(found)
