"""Snoozes of drift. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select

from reconciler.ledger.config.model import Snooze
from reconciler.ledger.tables import snoozes


def put(connection: Connection, environment: str, snooze: Snooze) -> None:
    """Write a snooze; it replaces an earlier one of the same manifest."""
    connection.execute(delete(snoozes).where(_is(environment, snooze.kind, snooze.name)))
    connection.execute(
        insert(snoozes).values(
            environment=environment,
            kind=snooze.kind,
            name=snooze.name,
            until=snooze.until,
            reason=snooze.reason,
            by=snooze.by,
        )
    )


def remove(connection: Connection, environment: str, kind: str, name: str) -> bool:
    """Remove a snooze and return whether there was one."""
    return connection.execute(delete(snoozes).where(_is(environment, kind, name))).rowcount > 0


def of_environment(connection: Connection, environment: str) -> tuple[Snooze, ...]:
    """Read the snoozes of one environment."""
    return tuple(
        Snooze(row.kind, row.name, row.until, row.reason, row.by)
        for row in connection.execute(select(snoozes).where(snoozes.c.environment == environment))
    )


def _is(environment: str, kind: str, name: str) -> ColumnElement[bool]:
    return and_(snoozes.c.environment == environment, snoozes.c.kind == kind, snoozes.c.name == name)
