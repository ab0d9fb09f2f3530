"""Reads over all records of a scope: a sample, those that are stuck, how many are open. In a caller's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, func, or_, select

from reconciler.ledger.data.model import Level
from reconciler.ledger.data.records import level_of, with_problems
from reconciler.ledger.tables import data_runs, records


def sample(connection: Connection, scope: int, latest: int, random: int, config: str) -> list[Level]:
    """Return records that were written last and some at random; see `RecordStore.sample`."""
    # What was compared by another configuration says nothing about what this one finds.
    alike = select(data_runs.c.id).where(data_runs.c.scope == scope, data_runs.c.config == config)
    printed = with_problems().where(
        records.c.scope == scope, records.c.gone.is_(False), records.c.prints != {}, records.c.seen_run.in_(alike)
    )
    newest = connection.execute(
        printed.where(records.c.written_at.is_not(None))
        .order_by(records.c.written_at.desc(), records.c.key)
        .limit(latest)
    )
    some = connection.execute(printed.order_by(func.random()).limit(random))
    found = {row["key"]: level_of(row) for rows in (newest, some) for row in rows.mappings()}
    return [level for level in found.values() if level.prints]


def stuck(connection: Connection, scope: int) -> list[str]:
    """Return the keys of records that are dead or failed."""
    query = select(records.c.key).where(records.c.scope == scope, or_(records.c.dead, records.c.attempts > 0))
    return list(connection.execute(query).scalars())


def open_count(connection: Connection, scope: int, run_id: str | None) -> int:
    """Return how many records are open; see `RecordStore.open_count`."""
    query = select(func.count()).where(records.c.scope == scope, records.c.ready_at.is_not(None))
    if run_id is not None:
        query = query.where(records.c.seen_run == run_id)
    return connection.execute(query).scalar_one()
