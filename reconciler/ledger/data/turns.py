"""Turns of scopes: when the next run of each is due, and what waits for it. What a sweep asks the ledger, at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Row, Select, and_, func, or_, select, type_coerce

from reconciler.ledger.data import overview
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.service_model import Turn
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.inbox_tables import inbox_messages, inboxes
from reconciler.ledger.lock import held
from reconciler.ledger.rows import insert_or_update
from reconciler.ledger.service_tables import applied_settings, turns
from reconciler.ledger.tables import data_runs, records, scopes, wanted_runs


class NewestRun(Struct, frozen=True):
    """What counts of the newest run of a scope.

    Args:
        id: its ID.
        state: what became of it.
        config: digest of the settings that it ran with.
        ended_at: when it ended, by the clock of the machine that it ran on; None: it has not.
    """

    id: str
    state: str
    config: str
    ended_at: datetime | None


class Waits(Struct, frozen=True, kw_only=True):
    """What waits in one scope.

    Args:
        applied: digest of the settings that were applied last; None: nobody said.
        newest: its newest run; None: it never ran.
        locked: somebody runs it now.
        turn: of its last attempt; None: no worker ever made one.
        wanted: a request asked for a run, and none has begun since.
        ready: a record is to be worked off now, or a message.
    """

    applied: str | None = None
    newest: NewestRun | None = None
    locked: bool = False
    turn: Turn | None = None
    wanted: bool = False
    ready: bool = False


class TurnStore:
    """Turns of the scopes of an open ledger. Every method is one transaction, and raises LedgerError where it fails.

    Args:
        database: of the open ledger.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def waits(self, environments: Collection[str]) -> tuple[datetime, dict[DataScope, Waits]]:
        """Return the time, and what waits in each scope of some environments that was ever applied or run."""

        def read(tx: Transaction) -> tuple[datetime, dict[DataScope, Waits]]:
            locks = held(tx.connection, tx.now)
            rows = tx.connection.execute(_waits(environments, tx.now))
            found = ((DataScope(row.environment, row.target, row.integration, row.data_type), row) for row in rows)
            return tx.now, {scope: _of(row, locked=scope.lock_name in locks) for scope, row in found}

        return self._database.run(read, writes=False)

    def note(self, scope: DataScope, run: str, due_in: timedelta | None, failures: int) -> None:
        """Note what became of an attempt at a run of a scope; nothing where a newer run has begun since.

        A worker that stood still notes its last run late: what is due of a run that others began is not its to say.

        Args:
            scope: of the data plane.
            run: its newest run; empty: there is none.
            due_in: how much later the next attempt is due; None: none is.
            failures: see `Turn`.
        """

        def note(tx: Transaction) -> None:
            number = overview.scope_id(tx.connection, scope)
            newest = tx.connection.execute(
                select(data_runs.c.id).where(data_runs.c.scope == number).order_by(data_runs.c.number.desc()).limit(1)
            ).scalar()
            if newest is not None and newest != run:
                return
            due_at = None if due_in is None else tx.now + due_in
            row = {"scope": number, "run": run, "due_at": due_at, "failures": failures}
            insert_or_update(tx.connection, turns, [row], "run", "due_at", "failures")

        self._database.run(note)


def _waits(environments: Collection[str], now: datetime) -> Select[Any]:
    own = records.c.scope == scopes.c.id
    is_open = and_(own, records.c.ready_at.is_not(None), or_(records.c.retry_at.is_(None), records.c.retry_at <= now))
    is_due = and_(
        own, records.c.due_at.is_not(None), records.c.due_at <= now, records.c.ready_at.is_(None), ~records.c.dead
    )
    runs = data_runs.alias()
    newest = select(func.max(runs.c.number)).where(runs.c.scope == scopes.c.id).scalar_subquery()
    wanted = select(wanted_runs.c.request).where(wanted_runs.c.scope == scopes.c.id, wanted_runs.c.run.is_(None))
    # From some messages more is to be raised: which records, is found by whoever does that.
    told = select(inbox_messages.c.number).join(inboxes, inboxes.c.id == inbox_messages.c.inbox)
    told = told.where(*(inboxes.c[name] == scopes.c[name] for name in ("environment", "target", "integration")))
    ready = (select(records.c.key).where(is_open), select(records.c.key).where(is_due), told)
    return (
        select(
            scopes,
            _perhaps(applied_settings.c.digest, "digest"),
            _perhaps(turns.c.run, "turn_run"),
            _perhaps(turns.c.due_at, "due_at"),
            _perhaps(turns.c.failures, "failures"),
            _perhaps(data_runs.c.id, "run_id"),
            _perhaps(data_runs.c.state, "state"),
            _perhaps(data_runs.c.config, "config"),
            _perhaps(data_runs.c.ended_at, "ended_at"),
            wanted.exists().label("wanted"),
            or_(*(each.exists() for each in ready)).label("ready"),
        )
        .select_from(
            scopes.outerjoin(applied_settings, applied_settings.c.scope == scopes.c.id)
            .outerjoin(turns, turns.c.scope == scopes.c.id)
            .outerjoin(data_runs, data_runs.c.number == newest)
        )
        .where(scopes.c.environment.in_(sorted(environments)))
    )


def _perhaps(column: Column[Any], name: str) -> ColumnElement[Any]:
    """Return a column of a row that need not be there."""
    kind: Any = type(column.type)
    return type_coerce(column, kind(optional=True)).label(name)


def _of(row: Row[Any], *, locked: bool) -> Waits:
    newest = None if row.run_id is None else NewestRun(row.run_id, row.state, row.config, row.ended_at)
    turn = None if row.turn_run is None else Turn(row.turn_run, row.due_at, row.failures)
    return Waits(
        applied=row.digest,
        newest=newest,
        locked=locked,
        turn=turn,
        wanted=bool(row.wanted),
        ready=bool(row.ready),
    )
