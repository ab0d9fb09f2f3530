"""Pause log: when syncs were paused and resumed by us. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import Connection, delete, insert, select, update

from reconciler.ledger.config.model import LiveObject, PauseEvent
from reconciler.ledger.tables import pause_log

KEPT = timedelta(days=90)
_NEWEST = 500


def add(connection: Connection, event: PauseEvent, now: datetime) -> str:
    """Write one event, done now, forget those that are too old to tell anything, and return its ID."""
    event_id = token_hex(8)
    of_sync = (
        pause_log.c.api_url == event.target.api_url,
        pause_log.c.kind == event.target.kind,
        pause_log.c.live_id == event.target.id,
    )
    # What came later is later, also by a clock that stands still or was set back.
    before = connection.execute(
        select(pause_log.c.done_at).where(*of_sync).order_by(pause_log.c.done_at.desc())
    ).scalar()
    done_at = now if before is None or before < now else before + timedelta(microseconds=1)
    connection.execute(delete(pause_log).where(pause_log.c.done_at < now - KEPT))
    connection.execute(
        insert(pause_log).values(
            id=event_id,
            environment=event.environment,
            api_url=event.target.api_url,
            kind=event.target.kind,
            live_id=event.target.id,
            paused=event.paused,
            cause=event.cause,
            by=event.by,
            due_at=event.due_at,
            done_at=done_at,
            verdict=event.verdict,
            seconds=event.seconds,
        )
    )
    return event_id


def judge(connection: Connection, target: LiveObject, verdict: str, seconds: int) -> None:
    """Write whether what had waited went through after the last resume of a sync."""
    of_sync = (
        pause_log.c.api_url == target.api_url,
        pause_log.c.kind == target.kind,
        pause_log.c.live_id == target.id,
        pause_log.c.paused.is_(False),
    )
    newest = select(pause_log.c.id).where(*of_sync).order_by(pause_log.c.done_at.desc()).limit(1)
    found = connection.execute(newest).scalar()
    connection.execute(update(pause_log).where(pause_log.c.id == found).values(verdict=verdict, seconds=seconds))


def newest(connection: Connection, api_urls: Collection[str]) -> tuple[PauseEvent, ...]:
    """Read the newest events of some APIs, the newest first."""
    query = select(pause_log).where(pause_log.c.api_url.in_(list(api_urls)))
    return tuple(
        PauseEvent(
            target=LiveObject(row.api_url, row.kind, row.live_id),
            paused=row.paused,
            cause=row.cause,
            by=row.by,
            done_at=row.done_at,
            due_at=row.due_at,
            verdict=row.verdict,
            seconds=row.seconds,
            environment=row.environment,
            event_id=row.id,
        )
        for row in connection.execute(query.order_by(pause_log.c.done_at.desc(), pause_log.c.id).limit(_NEWEST))
    )
