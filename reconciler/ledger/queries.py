"""What is read from the ledger, as values of ledger/model."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from reconciler.ledger.config.model import JournalEntry, Memory, Run, SecretFingerprint, Snapshot, Snooze
from reconciler.ledger.config.secret_fingerprint import IN_DOUBT
from reconciler.ledger.data.overview import as_data, volumes
from reconciler.ledger.lock import read_holder
from reconciler.ledger.tables import fingerprints, journal, leases, meta, overrides, runs, snapshots, snoozes
from reconciler.pause.lease import Lease

_RUNS_SHOWN = 20


def memory(connection: Connection, environment: str, api_urls: Collection[str]) -> Memory:
    """Read everything that a plan of one environment needs."""
    urls = list(api_urls)
    return Memory(
        salt=read_salt(connection),
        fingerprints={
            (row.api_url, row.kind, row.live_id, row.path): SecretFingerprint(
                IN_DOUBT if row.in_doubt else row.digest, row.applied_at
            )
            for row in connection.execute(select(fingerprints).where(fingerprints.c.api_url.in_(urls)))
        },
        snapshots={
            (row.api_url, row.kind, row.live_id): Snapshot(row.state, row.applied_at)
            for row in connection.execute(select(snapshots).where(snapshots.c.api_url.in_(urls)))
        },
        leases=tuple(
            Lease(row.kind, row.live_id, row.holder, row.until, row.reason)
            for row in connection.execute(select(leases).where(leases.c.api_url.in_(urls)))
        ),
        snoozes=tuple(
            Snooze(row.kind, row.name, row.until, row.reason, row.by)
            for row in connection.execute(select(snoozes).where(snoozes.c.environment == environment))
        ),
        unfinished=unfinished_run(connection, environment),
        volumes=volumes(connection, environment, urls),
        fresh=False,
    )


def read_salt(connection: Connection) -> bytes:
    """Read the salt of this ledger's fingerprints."""
    return bytes(connection.execute(select(meta.c.salt)).scalar_one())


def unfinished_run(connection: Connection, environment: str) -> Run | None:
    """Read the newest run of an environment that has not come to its end, or None."""
    row = connection.execute(
        select(runs)
        .where(runs.c.environment == environment, runs.c.finished_at.is_(None))
        .order_by(runs.c.started_at.desc())
    ).first()
    return None if row is None else _run(connection, row)


def overview(connection: Connection, now: datetime) -> dict[str, Any]:
    """Read what `ledger show` shows: plain data, no secret and no fingerprint."""
    holder = read_holder(connection)
    recent = connection.execute(select(runs).order_by(runs.c.started_at.desc()).limit(_RUNS_SHOWN)).all()
    counts = {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (runs, snapshots, fingerprints, snoozes, leases)
    }
    return {
        "schema_version": connection.execute(select(meta.c.version)).scalar_one(),
        "lock": None
        if holder is None
        else {
            "holder": holder.holder,
            "taken_at": holder.taken_at.isoformat(),
            "heartbeat_at": holder.heartbeat_at.isoformat(),
            "expires_at": holder.expires_at.isoformat(),
        },
        "counts": counts,
        "runs": [_run_overview(connection, _run(connection, row)) for row in recent],
        "snapshots": [
            {"api_url": row.api_url, "kind": row.kind, "id": row.live_id, "applied_at": row.applied_at.isoformat()}
            for row in connection.execute(
                select(snapshots).order_by(snapshots.c.api_url, snapshots.c.kind, snapshots.c.live_id)
            )
        ],
        "snoozes": [
            {
                "environment": row.environment,
                "kind": row.kind,
                "name": row.name,
                "until": row.until.isoformat(),
                "reason": row.reason,
                "by": row.by,
            }
            for row in connection.execute(select(snoozes).order_by(snoozes.c.environment, snoozes.c.until))
        ],
        "data": as_data(connection, now),
    }


def _run(connection: Connection, row: Row[Any]) -> Run:
    entries = connection.execute(select(journal).where(journal.c.run == row.id).order_by(journal.c.position))
    return Run(
        id=row.id,
        environment=row.environment,
        holder=row.holder,
        started_at=row.started_at,
        finished_at=row.finished_at,
        plan=row.plan,
        entries=tuple(JournalEntry(entry.digest, entry.change_key, entry.outcome, entry.message) for entry in entries),
    )


def _run_overview(connection: Connection, run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "environment": run.environment,
        "holder": run.holder,
        "started_at": run.started_at.isoformat(),
        "finished_at": None if run.finished_at is None else run.finished_at.isoformat(),
        "entries": [{"key": entry.key, "outcome": entry.outcome, "message": entry.message} for entry in run.entries],
        "overrides": [
            {"rule": row.rule, "reason": row.reason}
            for row in connection.execute(select(overrides).where(overrides.c.run == run.id))
        ],
    }
