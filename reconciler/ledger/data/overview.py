"""Queries of the data plane for status, drift and plan, in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Connection, Select, bindparam, func, or_, select

from reconciler.kind.kind import Volume
from reconciler.ledger.config.services import living
from reconciler.ledger.count_tables import record_counts
from reconciler.ledger.data import hands, hearing, inbox_rows, log, memos, problems
from reconciler.ledger.data import runs as data_runs
from reconciler.ledger.data import wanted as wanted_runs
from reconciler.ledger.data.inbox_model import SyncInbox
from reconciler.ledger.data.model import (
    FINISHED,
    DataScope,
    Glance,
    LevelCounts,
    OpenProblems,
    SyncOverview,
)
from reconciler.ledger.data.service_model import Applied, RunningNow, Turn
from reconciler.ledger.lock import is_held, read_holder
from reconciler.ledger.rows import insert_new
from reconciler.ledger.service_tables import applied_settings, turns
from reconciler.ledger.tables import records, scopes

# Built once: a run counts again and again.
_NUMBER = select(func.count()).where(records.c.scope == bindparam("of_scope"))
_OPEN = _NUMBER.where(records.c.ready_at.is_not(None))
_DEAD = _NUMBER.where(records.c.dead)
_WAITING = _OPEN.where(records.c.retry_at > bindparam("as_of"))
_DUE = _NUMBER.where(records.c.ready_at.is_(None), records.c.dead.is_(False), records.c.due_at <= bindparam("as_of"))


def scope_id(connection: Connection, scope: DataScope) -> int:
    """Return the ID of a scope's rows; make one where the scope is new."""
    found = find_scope(connection, scope)
    if found is not None:
        return found
    insert_new(connection, scopes, [asdict(scope)])
    return int(connection.execute(_id_of(scope)).scalar_one())


def find_scope(connection: Connection, scope: DataScope) -> int | None:
    """Return the ID of a scope's rows, or None where it never ran."""
    found: int | None = connection.execute(_id_of(scope)).scalar()
    return found


def all_scopes(connection: Connection) -> list[DataScope]:
    """Return the scopes that ever ran."""
    query = select(scopes).order_by(scopes.c.environment, scopes.c.integration, scopes.c.data_type, scopes.c.target)
    return [DataScope(row.environment, row.target, row.integration, row.data_type) for row in connection.execute(query)]


def volumes(connection: Connection, environment: str, targets: Collection[str]) -> dict[tuple[str, str], Volume]:
    """Return how many records each integration of an environment moves, by target and integration."""
    query = (
        select(scopes, (record_counts.c.records - record_counts.c.gone).label("records"))
        .join(record_counts, record_counts.c.scope == scopes.c.id)
        .where(scopes.c.environment == environment, scopes.c.target.in_(targets))
        .where(record_counts.c.records > record_counts.c.gone)
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault((row.target, row.integration), {})[row.data_type] = row.records
    return {key: Volume(by_type) for key, by_type in found.items()}


def counts(connection: Connection, scope: int, now: datetime) -> LevelCounts:
    """Return how many records and problems there are; see `RecordStore.counts`."""
    counted, of_scope = _counted(connection, scope), {"of_scope": scope}
    at_now = {**of_scope, "as_of": now}
    return LevelCounts(
        records=counted.records,
        open=connection.execute(_OPEN, of_scope).scalar_one(),
        dead=connection.execute(_DEAD, of_scope).scalar_one(),
        waiting=connection.execute(_WAITING, at_now).scalar_one(),
        due=connection.execute(_DUE, at_now).scalar_one(),
        gone=counted.gone,
        problems=problems.open_count(connection, scope),
        logged=problems.told_count(connection, scope),
        held_back=counted.held_back,
    )


def is_anything_waiting(connection: Connection, scope: int, now: datetime) -> bool:
    """Whether a record can be worked on now, or is due, or a run is wanted: one look, as who rests asks often."""
    of_scope = select(records.c.key).where(records.c.scope == scope)
    is_ready = of_scope.where(
        records.c.ready_at.is_not(None), or_(records.c.retry_at.is_(None), records.c.retry_at <= now)
    )
    is_due = of_scope.where(records.c.ready_at.is_(None), records.c.dead.is_(False), records.c.due_at <= now)
    asked = select(or_(is_ready.exists(), is_due.exists(), wanted_runs.open_modes(scope).exists()))
    return bool(connection.execute(asked).scalar_one())


def sync_overview(
    connection: Connection, wanted: Collection[DataScope], now: datetime, lock_now: datetime
) -> dict[DataScope, SyncOverview]:
    """Return the overview of some scopes at `now`, which the clock of the locks calls `lock_now`."""
    return {scope: _overview(connection, scope, now, lock_now) for scope in wanted}


def open_problems(connection: Connection, scope: DataScope, limit: int, offset: int, code: str | None) -> OpenProblems:
    """Return open problems of a scope; none where it never ran."""
    number = find_scope(connection, scope)
    if number is None:
        return OpenProblems()
    counted = _counted(connection, number)
    return OpenProblems(
        problems.open_count(connection, number),
        problems.told_count(connection, number),
        tuple(problems.listed(connection, number, limit, offset, code)),
        problems.by_code(connection, number),
        counted.held_back,
        counted.records - counted.gone,
    )


def glance(connection: Connection, scope: DataScope, since: datetime, now: datetime, most: int) -> Glance:
    """Return the runs of a scope since a moment, and at most so many of its dead letters and problems of each code."""
    number = find_scope(connection, scope)
    if number is None:
        return Glance()
    dead = select(records.c.key).where(records.c.scope == number, records.c.dead).order_by(records.c.key).limit(most)
    codes = problems.by_code(connection, number)
    some = [found for each in codes for found in problems.listed(connection, number, most, 0, each.code)]
    oldest = _opened_first(number).where(or_(records.c.retry_at.is_(None), records.c.retry_at <= now))
    return Glance(
        data_runs.since(connection, number, since),
        tuple(connection.execute(dead).scalars()),
        codes,
        tuple(some),
        connection.execute(oldest).scalar(),
    )


def as_data(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Return the data plane for `ledger show`, as plain data."""
    found = []
    for scope, known in sync_overview(connection, all_scopes(connection), now, now).items():
        run = known.newest
        found.append(
            {
                "environment": scope.environment,
                "target": scope.target,
                "integration": scope.integration,
                "data_type": scope.data_type,
                "counts": asdict(known.counts),
                "lock": None
                if known.running is None
                else {
                    "name": known.running.lock,
                    "holder": known.running.holder,
                    "taken_at": known.running.since.isoformat(),
                    "heartbeat_at": known.running.heartbeat_at.isoformat(),
                    "alive": known.running.alive,
                },
                "newest_run": None
                if run is None
                else {
                    "id": run.id,
                    "mode": run.mode,
                    "state": run.state,
                    "holder": run.holder,
                    "started_at": run.started_at.isoformat(),
                    "ended_at": None if run.ended_at is None else run.ended_at.isoformat(),
                    "counts": dict(run.counts),
                    "message": run.message,
                    "overrides": dict(run.overrides),
                },
            }
        )
    return found


def _running(connection: Connection, name: str, now: datetime) -> RunningNow | None:
    holder = read_holder(connection, name)
    if holder is None:
        return None
    alive = is_held(connection, name, now)
    return RunningNow(holder.holder, holder.taken_at, holder.heartbeat_at, alive, name)


def _overview(connection: Connection, scope: DataScope, now: datetime, lock_now: datetime) -> SyncOverview:
    number = find_scope(connection, scope)
    if number is None:
        return SyncOverview(serving=living(connection, scope.environment, lock_now))
    newest = data_runs.newest(connection, number)
    return SyncOverview(
        counts=counts(connection, number, now),
        running=_running(connection, scope.lock_name, lock_now) or _running(connection, scope.watch_name, lock_now),
        newest=newest,
        last_finished=data_runs.newest(connection, number, state=FINISHED),
        last_look=data_runs.newest(connection, number, lists=True, state=FINISHED),
        last_walk=data_runs.newest(connection, number, walks=True, state=FINISHED),
        last_whole=data_runs.newest(connection, number, walks=True, spares=False, state=FINISHED),
        last_spared=data_runs.newest(connection, number, walks=True, spares=True, state=FINISHED),
        last_full=data_runs.newest(connection, number, full=True, state=FINISHED),
        unfinished=data_runs.unfinished(connection, number),
        next_due=_next_due(connection, number),
        log=log.dates(connection, number),
        codes=problems.by_code(connection, number),
        wanted=wanted_runs.modes(connection, number),
        recent=data_runs.recent(connection, number),
        inbox=SyncInbox(inbox_rows.overview(connection, scope), _open_since(connection, number)),
        serving=living(connection, scope.environment, lock_now),
        hands=() if newest is None else tuple(hands.others(connection, number, newest.id)),
        applied=_applied(connection, number),
        gaps=hearing.newest(connection, number, now),
        distrust=memos.distrusted(connection, number),
        turn=_turn(connection, number, "" if newest is None else newest.id),
    )


def _applied(connection: Connection, scope: int) -> Applied | None:
    row = connection.execute(select(applied_settings).where(applied_settings.c.scope == scope)).first()
    return None if row is None else Applied(row.digest, row.commit_id, row.applied_at)


def _turn(connection: Connection, scope: int, newest: str) -> Turn | None:
    """Return the turn that is about the newest run; one about an earlier run tells nothing: somebody ran it since."""
    row = connection.execute(select(turns).where(turns.c.scope == scope, turns.c.run == newest)).first()
    return None if row is None else Turn(row.run, row.due_at, row.failures)


def _next_due(connection: Connection, scope: int) -> datetime | None:
    tried = func.min(func.coalesce(records.c.retry_at, records.c.ready_at), type_=records.c.due_at.type)
    of_open = select(tried).where(records.c.scope == scope, records.c.ready_at.is_not(None))
    of_others = select(records.c.due_at).where(
        records.c.scope == scope, records.c.due_at.is_not(None), records.c.ready_at.is_(None), records.c.dead.is_(False)
    )
    first = of_others.order_by(records.c.due_at).limit(1)
    moments = (connection.execute(query).scalar() for query in (of_open, first))
    return min((moment for moment in moments if moment is not None), default=None)


def _open_since(connection: Connection, scope: int) -> datetime | None:
    return connection.execute(_opened_first(scope)).scalar()


def _opened_first(scope: int) -> Select[Any]:
    """Return the query of the moments since when records are open, the first of them."""
    of_open = select(records.c.ready_at).where(records.c.scope == scope, records.c.ready_at.is_not(None))
    return of_open.order_by(records.c.ready_at).limit(1)


def _counted(connection: Connection, scope: int) -> LevelCounts:
    row = connection.execute(select(record_counts).where(record_counts.c.scope == scope)).one()
    return LevelCounts(records=row.records, gone=row.gone, held_back=row.held_back)


def _id_of(scope: DataScope) -> Select[Any]:
    return select(scopes.c.id).where(
        scopes.c.environment == scope.environment,
        scopes.c.target == scope.target,
        scopes.c.integration == scope.integration,
        scopes.c.data_type == scope.data_type,
    )
