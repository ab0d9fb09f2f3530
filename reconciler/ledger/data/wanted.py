"""Runs of data syncs that requests asked for. Functions that work in a transaction of the caller's.

One is wanted until a run that was begun after it was asked for, and does no less, has finished.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, Select, delete, or_, select, update

from reconciler.ledger.data.model import FINISHED
from reconciler.ledger.rows import insert_new
from reconciler.ledger.tables import data_runs, wanted_runs

_BY_MESSAGE = "message:"


def want(connection: Connection, scope: int, request: str, mode: str, now: datetime) -> None:
    """Record that a request asks for a run."""
    row = {"scope": scope, "request": request, "mode": mode, "wanted_at": now, "run": None}
    insert_new(connection, wanted_runs, [row])


def want_once(connection: Connection, scope: int, mode: str, now: datetime) -> None:
    """Record that a message asks for a run, unless one of that mode is wanted that none has begun."""
    asked = wanted_runs.c.scope == scope, wanted_runs.c.request.startswith(_BY_MESSAGE), wanted_runs.c.mode == mode
    if connection.execute(select(wanted_runs).where(*asked, wanted_runs.c.run.is_(None))).first() is not None:
        return
    finished = select(data_runs.c.id).where(data_runs.c.scope == scope, data_runs.c.state == FINISHED)
    connection.execute(delete(wanted_runs).where(*asked, wanted_runs.c.run.in_(finished)))
    want(connection, scope, f"{_BY_MESSAGE}{token_hex(8)}", mode, now)


def modes(connection: Connection, scope: int) -> frozenset[str]:
    """Return how the runs are to go that are wanted and that no run has finished."""
    return frozenset(connection.execute(open_modes(scope)).scalars())


def open_modes(scope: int) -> Select[Any]:
    """Return the query of how the runs are to go that are wanted and that no run has finished."""
    finished = select(data_runs.c.id).where(data_runs.c.scope == scope, data_runs.c.state == FINISHED)
    is_open = or_(wanted_runs.c.run.is_(None), wanted_runs.c.run.not_in(finished))
    return select(wanted_runs.c.mode).where(wanted_runs.c.scope == scope, is_open)


def follows(connection: Connection, scope: int, run: str) -> bool:
    """Return whether a run is wanted that a run under way does not do: it begins when that has ended."""
    beside = open_modes(scope).where(wanted_runs.c.run.is_distinct_from(run))
    return connection.execute(beside).first() is not None


def taken(connection: Connection, scope: int, run: str, done: Collection[str]) -> None:
    """Record that a run that begins does what was asked for in these modes."""
    finished = select(data_runs.c.id).where(data_runs.c.scope == scope, data_runs.c.state == FINISHED)
    is_open = or_(wanted_runs.c.run.is_(None), wanted_runs.c.run.not_in(finished))
    connection.execute(
        update(wanted_runs)
        .where(wanted_runs.c.scope == scope, wanted_runs.c.mode.in_(list(done)), is_open)
        .values(run=run)
    )


def given_to(connection: Connection, scope: int, request: str, run: str) -> None:
    """Record that a run does what a request asked for, though it began before that; nothing where one has taken it."""
    own = wanted_runs.c.scope == scope, wanted_runs.c.request == request, wanted_runs.c.run.is_(None)
    connection.execute(update(wanted_runs).where(*own).values(run=run))


def forget(connection: Connection, scope: int, run: str) -> None:
    """Forget what was asked for and begun by a run that somebody cancelled: nobody wants it any more."""
    connection.execute(delete(wanted_runs).where(wanted_runs.c.scope == scope, wanted_runs.c.run == run))
