"""Mentions: what the target holds of records may name what it holds of others. Functions in a caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import Connection, String, select, type_coerce

from reconciler.ledger.data.model import DataScope
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
    query = (
        select(type_coerce(records.c.held, String))
        .join(scopes, scopes.c.id == records.c.scope)
        .where(
            scopes.c.environment == scope.environment,
            scopes.c.target == scope.target,
            scopes.c.integration == scope.integration,
            scopes.c.data_type != scope.data_type,
        )
        .execution_options(yield_per=1_000)
    )
    return frozenset(word for text in connection.execute(query).scalars() for word in wanted.findall(text or ""))
