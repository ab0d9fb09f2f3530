"""Leases: pauses taken by hand. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Row, delete, insert, select, update

from reconciler.ledger.columns import DamagedValue
from reconciler.ledger.process import ProcessId, this_process
from reconciler.ledger.tables import leases
from reconciler.pause.lease import Around, Lease, Was


def of_apis(connection: Connection, api_urls: Collection[str]) -> tuple[Lease, ...]:
    """Read the leases on objects of some APIs that were not lifted yet, in the order in which they were taken."""
    query = select(leases).where(leases.c.api_url.in_(list(api_urls))).order_by(leases.c.taken_at, leases.c.id)
    return tuple(_lease(row) for row in connection.execute(query))


def take(connection: Connection, taken: Sequence[Lease], duration: timedelta, now: datetime) -> tuple[Lease, ...]:
    """Write leases that begin now, and with each other lease on the same sync what live was before it."""
    ours = this_process()
    kept = tuple(replace(each, lease_id=token_hex(8), taken_at=now, until=now + duration) for each in taken)
    for lease in kept:
        of_sync = (leases.c.api_url == lease.api_url, leases.c.kind == lease.kind, leases.c.live_id == lease.id)
        connection.execute(update(leases).where(*of_sync).values(was=lease.was.value))
        connection.execute(
            insert(leases).values(
                id=lease.lease_id,
                environment=lease.environment,
                api_url=lease.api_url,
                kind=lease.kind,
                live_id=lease.id,
                name=lease.name,
                owner=lease.owner,
                holder=lease.holder,
                reason=lease.reason,
                was=lease.was.value,
                taken_at=now,
                until=lease.until,
                machine=ours.machine,
                pid=ours.pid,
                process_started=ours.started,
                renewed_at=None if lease.around is None else now,
            )
        )
    return kept


def renew(
    connection: Connection,
    lease_ids: Collection[str],
    duration: timedelta | None,
    limit: timedelta | None,
    now: datetime,
) -> dict[str, datetime]:
    """Write a sign of life of some leases, and a later end where they are extended; return the ends of those that hold.

    Args:
        connection: in a transaction.
        lease_ids: which.
        duration: how long they hold from now on; None: as they do.
        limit: how long they may hold from their start on.
        now: the time.
    """
    ours = (leases.c.id.in_(list(lease_ids)), leases.c.released_at.is_(None))
    ends: dict[str, datetime] = {}
    for row in connection.execute(select(leases.c.id, leases.c.taken_at, leases.c.until).where(*ours)).all():
        until = row.until
        if now >= until:
            continue
        if duration is not None and limit is not None:
            until = max(until, min(now + duration, row.taken_at + limit))
        ends[row.id] = until
        connection.execute(update(leases).where(leases.c.id == row.id).values(renewed_at=now, until=until))
    return ends


def release(connection: Connection, lease_ids: Collection[str], now: datetime) -> None:
    """Write that leases are over from now on."""
    ours = (leases.c.id.in_(list(lease_ids)), leases.c.released_at.is_(None))
    connection.execute(update(leases).where(*ours).values(released_at=now))


def remove(connection: Connection, lease_ids: Collection[str]) -> None:
    """Remove leases that were lifted."""
    connection.execute(delete(leases).where(leases.c.id.in_(list(lease_ids))))


def _lease(row: Row[Any]) -> Lease:
    if row.was not in tuple(Was):
        raise DamagedValue("leases.was")
    around = None
    if row.renewed_at is not None:
        around = Around(row.renewed_at, ProcessId(row.machine, row.pid, row.process_started).is_dead())
    return Lease(
        kind=row.kind,
        id=row.live_id,
        owner=row.owner,
        until=row.until,
        reason=row.reason,
        was=Was(row.was),
        lease_id=row.id,
        name=row.name,
        environment=row.environment,
        api_url=row.api_url,
        holder=row.holder,
        taken_at=row.taken_at,
        around=around,
        released_at=row.released_at,
    )
