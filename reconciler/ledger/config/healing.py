"""Memory of healing: since when drift is seen, and what was healed.

Functions that work in a transaction of the caller's.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, insert, select

from reconciler.ledger.rows import insert_new
from reconciler.ledger.tables import drift_seen, heals

Seen = tuple[str, str]
"""Key of an object and the cause of its drift."""


def see(
    connection: Connection, environment: str, drifts: Collection[Seen], now: datetime, *, all_seen: bool
) -> dict[Seen, datetime]:
    """Record which drift is there now, and return since when each of it is there without a break.

    Args:
        connection: of the caller.
        environment: whose drift it is.
        drifts: what is there now.
        now: when it was seen.
        all_seen: whether what is not among them is gone, and begins anew when it comes again.
    """
    here = drift_seen.c.environment == environment
    if all_seen:
        known = connection.execute(select(drift_seen.c.change_key, drift_seen.c.cause).where(here)).all()
        for key, cause in {(row.change_key, row.cause) for row in known} - set(drifts):
            _forget(connection, environment, key, cause)
    rows = [{"environment": environment, "change_key": key, "cause": cause, "seen_at": now} for key, cause in drifts]
    if rows:
        insert_new(connection, drift_seen, rows)
    return {(row.change_key, row.cause): row.seen_at for row in connection.execute(select(drift_seen).where(here))}


def begin(connection: Connection, environment: str, changes: Collection[Seen], now: datetime) -> None:
    """Record, before anything is sent, what is going to be healed. Where it comes again, it is seen anew."""
    for key, cause in changes:
        _forget(connection, environment, key, cause)
    rows = [{"environment": environment, "change_key": key, "cause": cause, "healed_at": now} for key, cause in changes]
    if rows:
        connection.execute(insert(heals), rows)


def _forget(connection: Connection, environment: str, key: str, cause: str) -> None:
    it = and_(drift_seen.c.environment == environment, drift_seen.c.change_key == key, drift_seen.c.cause == cause)
    connection.execute(delete(drift_seen).where(it))


def counts(connection: Connection, environment: str, since: datetime, leave_out: Collection[str]) -> dict[str, int]:
    """Count how often each object was healed since a moment, but for some causes."""
    rows = connection.execute(
        select(heals.c.change_key, func.count().label("times"))
        .where(heals.c.environment == environment, heals.c.healed_at > since, heals.c.cause.not_in(list(leave_out)))
        .group_by(heals.c.change_key)
    )
    return {row.change_key: row.times for row in rows}
