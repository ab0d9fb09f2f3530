"""Which commits were applied to an environment. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Table, delete, insert, select

from reconciler.ledger.tables import applied_approvals, applied_commits


def remember(connection: Connection, environment: str, commit: str, now: datetime, *, whole: bool) -> None:
    """Record the commit up to which the approvals of pull requests were applied.

    Args:
        connection: of the caller.
        environment: name of the Environment manifest.
        commit: full commit ID.
        now: when.
        whole: whether nothing that the manifests of the commit ask for is left to apply.
    """
    for table in (applied_approvals, applied_commits) if whole else (applied_approvals,):
        connection.execute(delete(table).where(table.c.environment == environment))
        connection.execute(insert(table).values(environment=environment, commit_id=commit, applied_at=now))


def last(connection: Connection, environment: str) -> str | None:
    """Read the commit up to which the approvals of pull requests were applied, or None."""
    return _read(connection, applied_approvals, environment)


def last_whole(connection: Connection, environment: str) -> str | None:
    """Read the commit of the manifests that were last applied with nothing left to apply, or None."""
    return _read(connection, applied_commits, environment)


def _read(connection: Connection, table: Table, environment: str) -> str | None:
    return connection.execute(select(table.c.commit_id).where(table.c.environment == environment)).scalar_one_or_none()


def listed(connection: Connection) -> list[dict[str, str | None]]:
    """Read the commits that were applied to each environment, as plain data."""
    whole = {row.environment: row for row in connection.execute(select(applied_commits))}
    newest = {row.environment: row for row in connection.execute(select(applied_approvals))}
    return [
        {
            "environment": name,
            "commit": newest[name].commit_id if name in newest else None,
            "applied_at": newest[name].applied_at.isoformat() if name in newest else None,
            "whole_commit": whole[name].commit_id if name in whole else None,
            "whole_applied_at": whole[name].applied_at.isoformat() if name in whole else None,
        }
        for name in sorted(whole.keys() | newest.keys())
    ]
