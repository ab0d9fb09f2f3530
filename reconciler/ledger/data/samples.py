"""Reads over all records of a scope: a sample, those that are stuck, how many are open. In a caller's transaction."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from secrets import randbelow
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, UnaryExpression, and_, func, or_, select

from reconciler.ledger.data.in_doubt import nothing_else_arrives
from reconciler.ledger.data.marks import is_seen_by
from reconciler.ledger.data.model import Level
from reconciler.ledger.data.record_rows import DRAWS, level_of, with_problems
from reconciler.ledger.data.records import pages
from reconciler.ledger.tables import data_runs, records

# So many are looked at for each one of a sample: some are gone, or were seen by runs of another configuration.
_CANDIDATES = 4


def sample(connection: Connection, scope: int, latest: int, random: int, config: str) -> list[Level]:
    """Return records that were written last and some at random; see `RecordStore.sample`."""
    # What was compared by another configuration says nothing about what this one finds.
    alike = select(data_runs.c.id).where(data_runs.c.scope == scope, data_runs.c.config == config)
    runs = set(connection.execute(alike).scalars())
    start = randbelow(DRAWS)
    newest = records.c.written_at.is_not(None)
    by_chance = _candidates(connection, scope, records.c.draw >= start, records.c.draw.asc(), random)
    # From where the numbers end it goes on where they begin.
    by_chance += _candidates(connection, scope, records.c.draw < start, records.c.draw.asc(), random)
    found: dict[str, Level] = {}
    lately = _candidates(connection, scope, newest, records.c.written_at.desc(), latest)
    for rows, number in ((lately, latest), (by_chance, random)):
        levels = (level_of(row) for row in rows if not row["gone"] and row["seen_run"] in runs)
        found.update((level.key, level) for level in islice((level for level in levels if level.prints), number))
    return list(found.values())


def _candidates(
    connection: Connection, scope: int, condition: ColumnElement[bool], order: UnaryExpression[Any], number: int
) -> list[RowMapping]:
    """Return the first records in an order: more than are sampled, as some of them must not be taken."""
    query = with_problems().where(records.c.scope == scope, condition).order_by(order).limit(_CANDIDATES * number)
    return list(connection.execute(query).mappings())


def stuck(connection: Connection, scope: int) -> list[str]:
    """Return the keys of records that are dead or failed."""
    of_scope = select(records.c.key).where(records.c.scope == scope)
    # One that failed and is not dead is open: it is tried again.
    failed = of_scope.where(records.c.ready_at.is_not(None), records.c.attempts > 0)
    return [key for query in (of_scope.where(records.c.dead), failed) for key in connection.execute(query).scalars()]


def open_count(
    connection: Connection, scope: int, run_id: str | None, now: datetime, before: datetime | None = None
) -> int:
    """Return how many records are open; see `RecordStore.open_count`."""
    # What was written, and may be overwritten by what somebody else began, is waited for by nobody.
    written = or_(records.c.retry_at.is_(None), *nothing_else_arrives(now))
    query = select(func.count()).where(records.c.scope == scope, records.c.ready_at.is_not(None), written)
    if run_id is not None:
        query = query.where(is_seen_by(run_id))
    if before is not None:
        query = query.where(records.c.ready_at <= before)
    return connection.execute(query).scalar_one()


def waits_since(connection: Connection, scope: int, moment: datetime, now: datetime) -> bool:
    """Return whether a record that nobody has claimed waits that long; see `RecordStore.waits_since`."""
    due = and_(records.c.ready_at.is_(None), records.c.dead.is_(False), records.c.due_at <= now)
    free = select(records.c.key).where(records.c.scope == scope, records.c.claim.is_(None)).limit(1)
    return any(connection.execute(free.where(waits)).first() for waits in (records.c.ready_at <= moment, due))


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
    query = select(records.c.key).where(records.c.gone.is_(False), records.c.key.endswith(suffix, autoescape=True))
    found: list[str] = []
    for page in pages(connection, scope, after):
        found += connection.execute(query.where(page).order_by(records.c.key).limit(limit - len(found))).scalars()
        if len(found) == limit:
            break
    return found
