"""Reads over all records of a scope: a sample, those that are stuck, how many are open. In a caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from reconciler.ledger.data.in_doubt import nothing_else_arrives
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


def open_count(
    connection: Connection, scope: int, run_id: str | None, now: datetime, before: datetime | None = None
) -> int:
    """Return how many records are open; see `RecordStore.open_count`."""
    # What was written, and may be overwritten by what somebody else began, is waited for by nobody.
    written = or_(records.c.retry_at.is_(None), *nothing_else_arrives(now))
    query = select(func.count()).where(records.c.scope == scope, records.c.ready_at.is_not(None), written)
    if run_id is not None:
        query = query.where(records.c.seen_run == run_id)
    if before is not None:
        query = query.where(records.c.ready_at <= before)
    return connection.execute(query).scalar_one()


def waits_since(connection: Connection, scope: int, moment: datetime, now: datetime) -> bool:
    """Return whether a record that nobody has claimed waits that long; see `RecordStore.waits_since`."""
    due = and_(records.c.ready_at.is_(None), records.c.dead.is_(False), records.c.due_at <= now)
    free = records.c.scope == scope, records.c.claim.is_(None)
    query = select(records.c.key).where(*free, or_(records.c.ready_at <= moment, due))
    return connection.execute(query.limit(1)).first() is not None


def with_prefix(connection: Connection, scope: int, prefix: str, after: str | None, limit: int) -> list[str]:
    """Return keys of records that begin so, in order, after one of them; those that are gone are left out."""
    query = select(records.c.key).where(records.c.scope == scope, records.c.gone.is_(False), records.c.key >= prefix)
    if prefix:
        query = query.where(records.c.key < prefix[:-1] + chr(ord(prefix[-1]) + 1))
    if after is not None:
        query = query.where(records.c.key > after)
    return list(connection.execute(query.order_by(records.c.key).limit(limit)).scalars())


def with_suffix(connection: Connection, scope: int, suffix: str, after: str | None, limit: int) -> list[str]:
    """Return keys of records that end so, in order, after one of them; those that are gone are left out."""
    query = select(records.c.key).where(
        records.c.scope == scope, records.c.gone.is_(False), records.c.key.endswith(suffix, autoescape=True)
    )
    if after is not None:
        query = query.where(records.c.key > after)
    return list(connection.execute(query.order_by(records.c.key).limit(limit)).scalars())
