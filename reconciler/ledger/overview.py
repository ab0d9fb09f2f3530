"""Queries of the whole ledger: the memory of a plan, and the overview of `ledger show`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Table, func, select

from reconciler.ledger.config import applied, environments
from reconciler.ledger.config import ignite as config_ignite
from reconciler.ledger.config import leases as config_leases
from reconciler.ledger.config import moves as config_moves
from reconciler.ledger.config import pause_log as config_pauses
from reconciler.ledger.config import requests as config_requests
from reconciler.ledger.config import runs as config_runs
from reconciler.ledger.config import snoozes as config_snoozes
from reconciler.ledger.config.model import AskedRequest, LockHolder, Memory, Run, SecretFingerprint, Snapshot
from reconciler.ledger.config.secret_fingerprint import IN_DOUBT
from reconciler.ledger.data.overview import as_data, volumes
from reconciler.ledger.database import Transaction
from reconciler.ledger.lock import held_applies
from reconciler.ledger.tables import (
    fingerprints,
    first_applies,
    leases,
    meta,
    removals,
    runs,
    snapshots,
    snoozes,
)

_RUNS_SHOWN = 20


def memory_of_apis(tx: Transaction, api_urls: Collection[str]) -> Memory:
    """Read what a plan needs and what goes by API: the same for every environment that has these."""
    urls, connection = list(api_urls), tx.connection
    return Memory(
        salt=read_salt(connection),
        fingerprints={
            (row.api_url, row.kind, row.live_id, row.path): SecretFingerprint(
                IN_DOUBT if row.in_doubt else row.digest, row.applied_at
            )
            for row in connection.execute(select(fingerprints).where(fingerprints.c.api_url.in_(urls)))
        },
        snapshots=_states(connection, snapshots, urls),
        removals=_states(connection, removals, urls),
        first_applied={
            (row.api_url, row.kind, row.live_id): row.applied_at
            for row in connection.execute(select(first_applies).where(first_applies.c.api_url.in_(urls)))
        },
        leases=config_leases.of_apis(connection, urls),
        pauses=config_pauses.newest(connection, urls),
        requests=config_requests.known(connection, urls, tx.now),
        remembers=config_requests.remembered(connection, urls),
        moves=config_moves.newest(connection, urls),
        restored_at=config_moves.restored_at(connection, urls),
        fresh=False,
    )


def memory(
    tx: Transaction,
    environment: str,
    api_urls: Collection[str],
    live_sides: Mapping[str, str] | None = None,
    of_apis: Memory | None = None,
) -> Memory:
    """Read everything that a plan of one environment needs; see `reader.Ledgers.memory`.

    Args:
        tx: reads.
        environment: name of the Environment manifest.
        api_urls: base URLs of its APIs.
        live_sides: what the environment's name has to stand for.
        of_apis: what was read of these APIs; None: it is read now.
    """
    urls, connection = list(api_urls), tx.connection
    environments.require_same(connection, environment, live_sides or {})
    return replace(
        memory_of_apis(tx, urls) if of_apis is None else of_apis,
        snoozes=config_snoozes.of_environment(connection, environment),
        unfinished=config_runs.unfinished(connection, environment),
        volumes=volumes(connection, environment, urls),
        sites=config_ignite.of_sites(connection, environment, urls),
    )


def _states(connection: Connection, table: Table, urls: Collection[str]) -> dict[tuple[str, str, str], Snapshot]:
    return {
        (row.api_url, row.kind, row.live_id): Snapshot(row.state, row.applied_at)
        for row in connection.execute(select(table).where(table.c.api_url.in_(urls)))
    }


def read_salt(connection: Connection) -> bytes:
    """Read the salt of this ledger's fingerprints."""
    return bytes(connection.execute(select(meta.c.salt)).scalar_one())


def overview(tx: Transaction) -> dict[str, Any]:
    """Read what `ledger show` shows: plain data, no secret and no fingerprint."""
    connection = tx.connection
    applies = [{**_lock(name, holder), "alive": alive} for name, holder, alive in held_applies(connection, tx.now)]
    counts = {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (runs, snapshots, fingerprints, snoozes, leases)
    }
    about = connection.execute(select(meta.c.version, meta.c.moved_to)).one()
    return {
        "schema_version": about.version,
        **({} if about.moved_to is None else {"moved_to": about.moved_to}),
        "lock": applies[0] if applies else None,
        "locks": applies,
        "counts": counts,
        "commits": applied.listed(connection),
        "runs": _runs(connection),
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
        "requests": [_request(request) for request in config_requests.recent(connection, _RUNS_SHOWN)],
        "data": as_data(connection, tx.now),
    }


def _lock(name: str, holder: LockHolder) -> dict[str, Any]:
    return {
        "name": name,
        "holder": holder.holder,
        "taken_at": holder.taken_at.isoformat(),
        "heartbeat_at": holder.heartbeat_at.isoformat(),
        "expires_at": holder.expires_at.isoformat(),
    }


def _request(request: AskedRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "environment": request.environment,
        "kind": request.kind,
        "name": request.name,
        "does": request.does,
        "holder": request.holder,
        "asked_at": request.asked_at.isoformat(),
        "unremembered": request.unremembered,
        "steps": [{"does": step.does, "state": step.state.value, "message": step.message} for step in request.steps],
    }


def _runs(connection: Connection) -> list[dict[str, Any]]:
    found = config_runs.recent(connection, _RUNS_SHOWN)
    # A run that begins closes the one before it that never came to its end: both say the same moment.
    begun = {(run.environment, run.started_at): run.id for run in found}
    return [
        _run(connection, run, begun.get((run.environment, run.finished_at)) if run.finished_at else None)
        for run in found
    ]


def _run(connection: Connection, run: Run, closed_by: str | None) -> dict[str, Any]:
    return {
        "id": run.id,
        "environment": run.environment,
        "holder": run.holder,
        "command": run.command,
        "started_at": run.started_at.isoformat(),
        "finished_at": None if run.finished_at is None else run.finished_at.isoformat(),
        "closed_by": None if closed_by == run.id else closed_by,
        "entries": [{"key": entry.key, "outcome": entry.outcome, "message": entry.message} for entry in run.entries],
        "overrides": [
            {"rule": rule, "reason": reason} for rule, reason in config_runs.overridden(connection, run.id).items()
        ],
    }
