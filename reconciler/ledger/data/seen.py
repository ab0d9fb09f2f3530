"""Records that a run saw, of which nothing is to be written. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, case, exists, false, func, select, update

from reconciler.ledger.columns import Words
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.fence import Fence
from reconciler.ledger.data.marks import is_seen_by, mark
from reconciler.ledger.data.record_rows import among, as_moment, fresh
from reconciler.ledger.rows import insert_rows
from reconciler.ledger.tables import data_runs, records


def seen(
    connection: Connection,
    scope: int,
    run_id: str | None,
    revisions: Mapping[str, int | None],
    now: datetime,
    *,
    fence: Fence,
    token: str | None,
    unclaimed: Collection[str],
) -> list[str]:
    """Record that records were seen and need no write, and return those that are another's; see `RecordStore.seen`."""
    refused: list[str] = []
    by_run = {} if run_id is None else {"seen_run": run_id}
    unchanged: list[int] = []
    for chunk in chunks(revisions):
        query = _query(by_run=run_id is not None).where(among(scope, chunk))
        wanted: dict[str, int] = {}
        settled: list[str] = []
        older: list[str] = []
        unlike: list[str] = []
        for row in connection.execute(query, {} if run_id is None else {"run_id": run_id}).mappings():
            key, revision = row["key"], revisions[row["key"]]
            wanted[key] = row["wanted"]
            if fence.refuses(row, now, token, unclaimed=key in unclaimed):
                refused.append(key)
            elif revision is not None and revision < row["wanted"]:
                older.append(key)
            elif not row["is_quiet"]:
                settled.append(key)
            elif run_id is not None and not row["is_seen"]:
                if row["is_alike"]:
                    unchanged.append(row["number"])
                else:
                    unlike.append(key)
        note_run(connection, scope, run_id, unlike)
        marks = {
            **by_run,
            "attempts": 0,
            "dead": False,
            "gone": False,
            "gone_at": None,
            "claim": None,
            "claimed_until": None,
            "held_back": False,
        }
        # What is to be written once more, when nothing else can arrive, still is, and not before.
        waits = records.c.doubt_until > now
        later = {"ready_at": as_moment(now), "retry_at": records.c.doubt_until, "doubt_until": records.c.doubt_until}
        later = {name: case((waits, value), else_=None) for name, value in later.items()}
        if settled:
            connection.execute(
                update(records).where(among(scope, settled)).values(**marks, applied=records.c.wanted, **later)
            )
        if older:
            connection.execute(
                update(records)
                .where(among(scope, older))
                .values(**marks, ready_at=func.coalesce(records.c.ready_at, as_moment(now)))
            )
            higher = update(records).where(
                records.c.scope == scope,
                records.c.key == bindparam("of_key"),
                records.c.applied < bindparam("revision"),
            )
            connection.execute(
                higher.values(applied=bindparam("revision")),
                [{"of_key": key, "revision": revisions[key]} for key in older],
            )
        insert_rows(connection, records, [{**fresh(scope, key), **by_run} for key in chunk if key not in wanted])
    if run_id is not None:
        mark(connection, scope, run_id, unchanged)
    return refused


def note_run(connection: Connection, scope: int, run_id: str | None, keys: Collection[str]) -> None:
    """Note in the rows of records which run saw them, where there is nothing else to note."""
    if keys:
        connection.execute(update(records).where(among(scope, keys)).values(seen_run=run_id))


@cache
def _query(*, by_run: bool) -> Select[Any]:
    """Return the query of records, with whether a run has seen each, and whether anything but that changes of it.

    It is made once: to make it takes longer than to carry it out.
    """
    run_id = bindparam("run_id", type_=Words())
    by_now = (is_seen_by(run_id), _is_alike(run_id)) if by_run else (false(), false())
    labels = zip(by_now, ("is_seen", "is_alike"), strict=True)
    fenced = records.c.key, records.c.claim, records.c.claimed_until, records.c.claimed_run
    columns = *fenced, records.c.wanted, records.c.number, _is_quiet().label("is_quiet")
    query = select(*columns, *(condition.label(name) for condition, name in labels))
    return query.order_by(records.c.key).with_for_update(of=records)


def _is_alike(run_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that the run which a record's row names went by the same settings: it stays as good as ours.

    `samples.sample` asks for that.
    """
    ours = data_runs.alias("ours")
    config = select(ours.c.config).where(ours.c.id == run_id).scalar_subquery()
    return exists().where(data_runs.c.id == records.c.seen_run, data_runs.c.config == config)


def _is_quiet() -> ColumnElement[bool]:
    """Return the condition that nothing changes of a record that is seen and needs no write, but who saw it."""
    nothing = ("ready_at", "retry_at", "doubt_until", "gone_at", "claim", "claimed_until")
    flags = ("gone", "dead", "held_back")
    return and_(
        records.c.applied == records.c.wanted,
        records.c.attempts == 0,
        *(records.c[name].is_(False) for name in flags),
        *(records.c[name].is_(None) for name in nothing),
    )
