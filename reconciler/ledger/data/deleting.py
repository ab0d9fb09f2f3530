"""Deletes of a day: how many there were, and room for more. Functions that work in a transaction of the caller's.

`gone_at` is set where room is taken, before anything is deleted: so several hands together delete no more than one may.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, select, update

from reconciler.ledger.count_tables import record_counts
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.record_rows import among
from reconciler.ledger.tables import records, scopes


class Room(Struct, frozen=True):
    """Room for deletes within a day.

    Args:
        known: records that there are, with those that were deleted in that time.
        recent: deletes of that time, and those that were made room for, without the ones that are asked for.
        allowed: how many there may be in that time.
        is_there: they may be deleted.
    """

    known: int
    recent: int
    allowed: int
    is_there: bool


def deleted_since(connection: Connection, scope: int, moment: datetime) -> int:
    """Return how many records were deleted, or made room for; see `RecordStore.deleted_since`."""
    recent = records.c.scope == scope, records.c.gone_at >= moment
    return connection.execute(select(func.count()).where(*recent)).scalar_one()


def make_room(
    connection: Connection,
    scope: int,
    keys: Collection[str],
    since: datetime,
    now: datetime,
    most: Callable[[int], int],
    *,
    takes: bool,
) -> Room:
    """Look whether records may be deleted and, where it `takes` the room, keep it; see `RecordStore.make_room`."""
    # One after the other, whoever asks.
    connection.execute(select(scopes.c.id).where(scopes.c.id == scope).with_for_update(key_share=True))
    of_keys = 0
    for chunk in chunks(keys):
        own = select(func.count()).where(among(scope, chunk), records.c.gone_at >= since)
        of_keys += connection.execute(own).scalar_one()
    recent = deleted_since(connection, scope, since) - of_keys
    number = record_counts.c.records - record_counts.c.gone
    there: int = connection.execute(select(number).where(record_counts.c.scope == scope)).scalar() or 0
    gone_lately = select(func.count()).where(records.c.scope == scope, records.c.gone_at >= since, records.c.gone)
    known = there + connection.execute(gone_lately).scalar_one()
    allowed = most(known)
    room = Room(known, recent, allowed, recent + len(keys) <= allowed)
    if takes and room.is_there:
        for chunk in chunks(sorted(keys)):
            connection.execute(
                update(records).where(among(scope, chunk), records.c.gone.is_(False)).values(gone_at=now)
            )
    return room
