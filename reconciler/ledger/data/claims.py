"""Claims of records: who works on which. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, and_, case, func, or_, select, update

from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.in_doubt import IN_DOUBT, nothing_else_arrives
from reconciler.ledger.data.model import Level
from reconciler.ledger.data.records import Values, among, as_moment, level_of, read, with_problems, write
from reconciler.ledger.tables import records


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
    free = or_(records.c.claim.is_(None), records.c.claimed_until <= now)
    rows = with_problems(run).where(records.c.scope == scope, free).with_for_update(skip_locked=True, of=records)
    # What somebody else may still write is waited for by the ledger's clock.
    settled = or_(*nothing_else_arrives(now))
    ready = rows.where(
        records.c.ready_at.is_not(None),
        or_(records.c.retry_at.is_(None), and_(records.c.retry_at <= sync_now, settled)),
    )
    due = rows.where(records.c.ready_at.is_(None), records.c.dead.is_(False), records.c.due_at <= sync_now)
    if since is not None:
        ready = ready.where(records.c.ready_at >= since)
    found = list(connection.execute(ready.order_by(records.c.ready_at, records.c.key).limit(limit)).mappings())
    if since is None:
        found += connection.execute(due.order_by(records.c.due_at, records.c.key).limit(limit)).mappings()
    chosen = sorted(found, key=lambda row: (row["ready_at"] or row["due_at"], row["key"]))[:limit]
    if newest and len(chosen) == limit:
        lately = ready.order_by(records.c.ready_at.desc(), records.c.key.desc()).limit(newest)
        chosen = [*chosen[: limit - newest], *connection.execute(lately).mappings()]
    claimed: dict[str, Values] = {}
    for row in chosen:
        is_due = row["due_at"] is not None and row["due_at"] <= sync_now
        news = {"retry_at": None, "ready_at": row["ready_at"] or now, "due_at": None if is_due else row["due_at"]}
        claimed[row["key"]] = {**row, **news}
    to_claim = update(records).values(
        claim=claim,
        claimed_until=until,
        claimed_run=run,
        retry_at=None,
        ready_at=func.coalesce(records.c.ready_at, as_moment(now)),
        due_at=case((records.c.due_at <= sync_now, None), else_=records.c.due_at),
    )
    for chunk in chunks(claimed):
        connection.execute(to_claim.where(among(scope, chunk)))
    return [level_of(values, now) for values in claimed.values()]


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
