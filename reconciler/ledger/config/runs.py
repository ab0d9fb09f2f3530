"""The runs of `apply` and of other commands that write: begun, finished, cut off.

Functions that work in a transaction of the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select, update

from reconciler.ledger.config import journal
from reconciler.ledger.config.model import Run
from reconciler.ledger.tables import overrides, runs

APPLY = "apply"
"""The command whose runs are resumed."""


def begin(
    connection: Connection,
    environment: str,
    holder: str,
    plan: Mapping[str, Any],
    overridden: Mapping[str, str],
    now: datetime,
    command: str = APPLY,
) -> str:
    """Record that a run starts, close earlier ones of the environment, and return its ID; see `Ledger.begin_run`."""
    run = token_hex(8)
    unfinished = and_(runs.c.environment == environment, runs.c.finished_at.is_(None), runs.c.command == command)
    connection.execute(update(runs).where(unfinished).values(finished_at=now))
    row = {"id": run, "environment": environment, "holder": holder, "started_at": now, "command": command}
    connection.execute(insert(runs).values(**row, plan=dict(plan)))
    if overridden:
        connection.execute(
            insert(overrides), [{"run": run, "rule": rule, "reason": reason} for rule, reason in overridden.items()]
        )
    return run


def finish(connection: Connection, run: str, now: datetime) -> None:
    """Record that a run has come to its end."""
    connection.execute(update(runs).where(runs.c.id == run).values(finished_at=now))


def unfinished(connection: Connection, environment: str) -> Run | None:
    """Read the newest apply to an environment that has not come to its end, or None."""
    row = connection.execute(
        select(runs)
        .where(runs.c.environment == environment, runs.c.finished_at.is_(None), runs.c.command == APPLY)
        .order_by(runs.c.started_at.desc())
    ).first()
    return None if row is None else _run(connection, row)


def recent(connection: Connection, limit: int) -> list[Run]:
    """Read the newest runs of all environments."""
    rows = connection.execute(select(runs).order_by(runs.c.started_at.desc()).limit(limit)).all()
    return [_run(connection, row) for row in rows]


def overridden(connection: Connection, run: str) -> dict[str, str]:
    """Read which guardrails a run overrode, and why."""
    return {row.rule: row.reason for row in connection.execute(select(overrides).where(overrides.c.run == run))}


def _run(connection: Connection, row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        environment=row.environment,
        holder=row.holder,
        started_at=row.started_at,
        finished_at=row.finished_at,
        plan=row.plan,
        entries=journal.read(connection, row.id),
        command=row.command,
    )
