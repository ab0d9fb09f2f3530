"""Records that a run did not see. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select

from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.marks import is_unseen_by
from reconciler.ledger.data.model import Level
from reconciler.ledger.data.record_rows import among, level_of, with_problems
from reconciler.ledger.data.records import pages
from reconciler.ledger.tables import records as table


def unseen(
    connection: Connection, scope: int, run_id: str, after: str | None, limit: int, *, gone: bool
) -> list[Level]:
    """Return records that a run did not see; see `RecordStore.unseen`."""
    query = with_problems().where(is_unseen_by(run_id), table.c.gone.is_(gone)).order_by(table.c.key)
    if gone:
        query = query.where(_target_may_hold())
    found: list[Level] = []
    for page in pages(connection, scope, after):
        rows = connection.execute(query.where(page).limit(limit - len(found))).mappings()
        found += [level_of(row) for row in rows]
        if len(found) == limit:
            break
    return found


def take_unconfirmed(connection: Connection, scope: int, run_id: str) -> list[str]:
    """Delete closed records that a run did not see and of which the target holds nothing, and return their keys."""
    stray = and_(is_unseen_by(run_id), table.c.ready_at.is_(None), ~_target_may_hold())
    keys: list[str] = []
    for page in pages(connection, scope):
        keys += connection.execute(select(table.c.key).where(page, stray).with_for_update(of=table)).scalars()
    for chunk in chunks(keys):
        connection.execute(delete(table).where(among(scope, chunk)))
    return keys


def forget_strays(connection: Connection, scope: int, keys: Collection[str]) -> None:
    """Delete those of the records that are closed, that no run saw, and of which the target holds nothing."""
    for chunk in chunks(keys):
        stray = table.c.seen_run.is_(None), table.c.ready_at.is_(None), ~_target_may_hold(), table.c.dead.is_(False)
        connection.execute(delete(table).where(among(scope, chunk), *stray))


def _target_may_hold() -> ColumnElement[bool]:
    return or_(table.c.prints != {}, table.c.held != {})
