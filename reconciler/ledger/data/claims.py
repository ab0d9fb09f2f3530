"""Claims of records: who works on which. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, and_, bindparam, case, func, or_, select, update

from reconciler.ledger.columns import ListOfWords, Words
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.in_doubt import IN_DOUBT, nothing_else_arrives
from reconciler.ledger.data.model import Level
from reconciler.ledger.data.record_rows import Values, among, level_of, read, with_problems, write
from reconciler.ledger.rows import OneOf
from reconciler.ledger.tables import records

_NOW = bindparam("now", type_=records.c.ready_at.type)
_SYNC_NOW = bindparam("sync_now", type_=records.c.ready_at.type)
# Built once, as the queries below: hands claim again and again.
_CLAIMING = (
    update(records)
    .where(records.c.scope == bindparam("of_scope"), OneOf(records.c.key, bindparam("keys", type_=ListOfWords())))
    .values(
        claim=bindparam("of_claim"),
        claimed_until=bindparam("until"),
        claimed_run=bindparam("of_run"),
        retry_at=None,
        ready_at=func.coalesce(records.c.ready_at, _NOW),
        due_at=case((records.c.due_at <= _SYNC_NOW, None), else_=records.c.due_at),
    )
)


def claim_due(
    connection: Connection,
    scope: int,
    limit: int,
    sync_now: datetime,
    now: datetime,
    until: datetime,
    claim: str,
    newest: int = 0,
    since: datetime | None = None,
    run: str | None = None,
) -> list[Level]:
    """Claim records that are open or, in the sync's clock, due; see `RecordStore.claim_due`."""
    given = {"of_scope": scope, "sync_now": sync_now, "now": now, "most": limit}
    given |= {} if since is None else {"since": since}
    given |= {} if run is None else {"of_run": run}
    by = {"of_run": run is not None, "since": since is not None}
    found = _values(connection, _ready(**by), given)
    if since is None:
        found += _values(connection, _due(of_run=run is not None), given)
    chosen = sorted(found, key=lambda row: (row["ready_at"] or row["due_at"], row["key"]))[:limit]
    if newest and len(chosen) == limit:
        lately = _values(connection, _ready(**by, lately=True), {**given, "most": newest})
        chosen = [*chosen[: limit - newest], *lately]
    claimed: dict[str, Values] = {}
    for row in chosen:
        is_due = row["due_at"] is not None and row["due_at"] <= sync_now
        row.update(retry_at=None, ready_at=row["ready_at"] or now, due_at=None if is_due else row["due_at"])
        claimed[row["key"]] = row
    taken = {"of_scope": scope, "sync_now": sync_now, "now": now, "of_claim": claim, "until": until, "of_run": run}
    for chunk in chunks(claimed):
        connection.execute(_CLAIMING, {**taken, "keys": chunk})
    return [level_of(values, now) for values in claimed.values()]


def _values(connection: Connection, query: Select[Any], given: Mapping[str, Any]) -> list[Values]:
    """Return the rows of a query, each as values by name."""
    found = connection.execute(query, given)
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found.all()]


@cache
def _ready(*, of_run: bool, since: bool, lately: bool = False) -> Select[Any]:
    """Return the query of records that are open and that nobody has claimed, in the order in which they wait."""
    # What somebody else may still write is waited for by the ledger's clock.
    settled = or_(*nothing_else_arrives(_NOW))
    ready = _free(of_run=of_run).where(
        records.c.ready_at.is_not(None),
        or_(records.c.retry_at.is_(None), and_(records.c.retry_at <= _SYNC_NOW, settled)),
    )
    if since:
        ready = ready.where(records.c.ready_at >= bindparam("since"))
    order = records.c.ready_at, records.c.key
    return ready.order_by(*(column.desc() for column in order) if lately else order)


@cache
def _due(*, of_run: bool) -> Select[Any]:
    """Return the query of records that are due and not open, and that nobody has claimed, in the order of that."""
    due = records.c.ready_at.is_(None), records.c.dead.is_(False), records.c.due_at <= _SYNC_NOW
    return _free(of_run=of_run).where(*due).order_by(records.c.due_at, records.c.key)


def _free(*, of_run: bool) -> Select[Any]:
    free = records.c.scope == bindparam("of_scope"), or_(records.c.claim.is_(None), records.c.claimed_until <= _NOW)
    rows = with_problems(bindparam("of_run", type_=Words()) if of_run else None).where(*free)
    return rows.limit(bindparam("most", type_=Integer)).with_for_update(skip_locked=True, of=records)


def claimed_in(connection: Connection, scope: int, run: str | None, keys: Collection[str]) -> set[str]:
    """Return those of the records that were claimed in a run."""
    found: set[str] = set()
    for chunk in chunks(keys) if run is not None else ():
        query = select(records.c.key).where(among(scope, chunk), records.c.claimed_run == run)
        found.update(connection.execute(query).scalars())
    return found


def void_claims(connection: Connection, scope: int, living: Collection[str]) -> None:
    """Void all claims but those of some hands."""
    of_living = [records.c.claim.startswith(f"{hand}/", autoescape=True) for hand in living]
    connection.execute(
        update(records)
        .where(records.c.scope == scope, records.c.claim.is_not(None), *(~claim for claim in of_living))
        .values(claim=None, claimed_until=None)
    )


def take_back(connection: Connection, scope: int, hand: str, keys: Collection[str]) -> None:
    """Take back that a hand began to write records of which it sent nothing; see `RecordStore.take_back`."""
    for chunk in chunks(dict.fromkeys(keys)):
        own = records.c.scope == scope, records.c.key.in_(chunk), records.c.begun_by == hand
        connection.execute(update(records).where(*own).values(begun_by=None, begun_at=None))
        claimed = records.c.claim.startswith(f"{hand}/", autoescape=True)
        connection.execute(
            update(records)
            .where(*own[:2], records.c.begun_by.is_(None), claimed)
            .values(claim=None, claimed_until=None)
        )


def doubt(connection: Connection, scope: int, parts: Mapping[str, Collection[str]], now: datetime) -> None:
    """Put parts of records in doubt again that somebody else has taken over; see `RecordStore.doubt`."""
    rows = read(connection, scope, parts)
    for key, values in rows.items():
        values["prints"] = {**values["prints"], **dict.fromkeys(parts[key], IN_DOUBT)}
        values.update(ready_at=values["ready_at"] or now, retry_at=None)
        # Nobody takes this back, whoever began a write since.
        values.update(begun_by="", begun_at=now)
    write(connection, rows, rows)
