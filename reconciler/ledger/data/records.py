"""Rows of records: revisions, claims, fingerprints. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, and_, bindparam, func, select, true, type_coerce, update

from reconciler.ledger.columns import ListOfWords
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.fence import Beginning, Fence
from reconciler.ledger.data.in_doubt import IN_DOUBT, may_have_changed, may_still_change, note_begun
from reconciler.ledger.data.model import Level, Result
from reconciler.ledger.data.record_rows import DRAWS, Values, among, fresh, level_of, read, with_problems, write
from reconciler.ledger.rows import insert_into, rows_of
from reconciler.ledger.tables import records

WRITING = timedelta(minutes=10)
"""How long nobody else claims a record that is being written without a claim."""
PAGE = 10_000
"""Records that one statement looks at where all of a scope have to be."""
# What of a row is read, and what of it is written: each column more costs something for every record.
_FENCED = ("claim", "claimed_until", "claimed_run")
_OF_WRITE = (*_FENCED, "prints", "ready_at", "begun_by", "begun_at", "doubt_until")
_BEGINNING = (
    "prints", "ready_at", "retry_at", "dead", "claim", "claimed_until", "begun_by", "begun_at", "doubt_until",
)  # fmt: skip
_OF_RESULT = (*_OF_WRITE, "wanted", "applied", "gone", "gone_at")
_RECORDING = (*_BEGINNING, "applied", "attempts", "due_at", "gone", "gone_at", "held_back")


def levels(
    connection: Connection, scope: int, keys: Collection[str], now: datetime, run_id: str | None = None
) -> dict[str, Level]:
    """Return the levels of the known ones of some records, and whether a run has seen them."""
    found: dict[str, Level] = {}
    for chunk in chunks(dict.fromkeys(keys)):
        rows = connection.execute(with_problems(run_id).where(among(scope, chunk))).mappings()
        found.update((row["key"], level_of(row, now)) for row in rows)
    return found


def want(
    connection: Connection,
    scope: int,
    keys: Collection[str],
    now: datetime,
    retry_at: datetime | None = None,
    *,
    heard: bool = False,
) -> int:
    """Raise the wanted revision of records by one, where `heard` because of a message; see `RecordStore.want`."""
    unique = sorted(set(keys))
    for chunk in chunks(unique):
        values = {"of_scope": scope, "keys": chunk, "now": now, "retry": retry_at}
        connection.execute(_wanting(connection.dialect.name, heard=heard), values)
    return len(unique)


@cache
def _wanting(dialect: str, *, heard: bool) -> Executable:
    # Somebody else may make the same records just now; all lock them in the order of their keys.
    values = {
        **{name: value for name, value in fresh(0, "").items() if value is not None},
        "draw": func.abs(func.random() % DRAWS) if dialect == "sqlite" else func.floor(func.random() * DRAWS),
        "scope": bindparam("of_scope"),
        "key": rows_of(bindparam("keys", type_=ListOfWords()), dialect),
        "wanted": 1,
        **({"heard": 1} if heard else {}),
        "ready_at": bindparam("now"),
        "retry_at": bindparam("retry"),
    }
    columns = [type_coerce(value, records.c[name].type).label(name) for name, value in values.items()]
    # With a condition, SQLite does not take ON CONFLICT for one of a join.
    made = insert_into(records, dialect).from_select(list(values), select(*columns).where(true()))
    return made.on_conflict_do_update(
        index_elements=["scope", "key"],
        set_={
            "wanted": records.c.wanted + 1,
            **({"heard": records.c.wanted + 1} if heard else {}),
            "attempts": 0,
            "dead": False,
            "ready_at": func.coalesce(records.c.ready_at, made.excluded.ready_at),
            "retry_at": made.excluded.retry_at,
        },
    )


def begin_writes(
    connection: Connection,
    scope: int,
    items: Iterable[tuple[str, Collection[str]]],
    held: Mapping[str, Mapping[str, Any]],
    fence: Fence,
    claim: str,
    now: datetime,
    *,
    token: str | None,
    unclaimed: Collection[str],
) -> Beginning:
    """Put parts of records in doubt; see `RecordStore.begin_writes`."""
    parts: dict[str, set[str]] = {}
    for key, sent in items:
        parts.setdefault(key, set()).update(sent)
    rows = read(connection, scope, parts, (*_OF_WRITE, "held") if held else _OF_WRITE)
    changed = {}
    returnable, refused = set(), set()
    for key, sent in parts.items():
        values = dict(rows.get(key) or fresh(scope, key))
        if fence.refuses(values, now, token, unclaimed=key in unclaimed):
            refused.add(key)
            continue
        if note_begun(values, fence.hand, now):
            returnable.add(key)
        values["prints"] = {**values["prints"], **dict.fromkeys(sent, IN_DOUBT)}
        if key in held:
            values["held"] = held[key]
        values.update(ready_at=values["ready_at"] or now, retry_at=None, dead=False)
        if values["claim"] is None or values["claimed_until"] <= now:
            values.update(claim=claim, claimed_until=now + WRITING)
        elif token is not None and key not in unclaimed:
            values["claimed_until"] = max(values["claimed_until"], now + WRITING)
        changed[key] = values
    write(connection, changed, rows, (*_BEGINNING, "held") if held else _BEGINNING)
    return Beginning(frozenset(returnable), frozenset(refused))


def record(
    connection: Connection, scope: int, fence: Fence, results: Sequence[Result], run_id: str | None, now: datetime
) -> list[str]:
    """Record a hand's results and return the keys of those that another has taken over; see `RecordStore.record`."""
    given = _given(results)
    some = [name for name, number in given.items() if 0 < number < len(results)]
    rows = read(connection, scope, [result.key for result in results], (*_OF_RESULT, *some))
    changed: dict[str, Values] = {}
    refused = []
    for result in results:
        values = changed.get(result.key) or dict(rows.get(result.key) or fresh(scope, result.key))
        if fence.refuses(values, now, result.token, unclaimed=result.unclaimed):
            refused.append(result.key)
            continue
        # What somebody else may have written over stays in doubt until it is written, or seen at the target.
        overwritten = dict.fromkeys(values["prints"], IN_DOUBT) if may_have_changed(values, now) else {}
        prints = {**values["prints"], **overwritten, **result.prints}
        values["prints"] = {part: digest for part, digest in prints.items() if digest is not None}
        if result.held is not None:
            values["held"] = result.held
        wanted = values["wanted"]
        values["applied"] = max(values["applied"], min(wanted if result.revision is None else result.revision, wanted))
        if values["applied"] == wanted:
            values.update(ready_at=None, retry_at=None)
        else:
            # A read that is repeated until it is borne out counts as new: nothing that ran before waits for it.
            again = result.retry_at is not None
            values.update(ready_at=now if again else values["ready_at"] or now, retry_at=result.retry_at)
        if IN_DOUBT not in values["prints"].values():
            # Whatever this hand sent was answered.
            values.update(begun_by=None, begun_at=None)
        if not may_still_change(values, now):
            values["doubt_until"] = None
        elif values["applied"] == wanted:
            # What somebody else began may come after what was written now: it is written again when it no longer can.
            values.update(ready_at=now, retry_at=values["doubt_until"])
        if not (result.gone and values["gone"]):
            values["gone_at"] = result.gone_at if result.gone else None
        values.update(attempts=0, dead=False, gone=result.gone, due_at=result.due_at, claim=None, claimed_until=None)
        values["held_back"] = result.held_back
        if run_id is not None:
            values["seen_run"] = run_id
        if result.look is not None:
            values["look"] = result.look
        if result.written:
            values["written_at"] = now
        changed[result.key] = values
    by_run = () if run_id is None else ("seen_run",)
    write(connection, changed, rows, (*_RECORDING, *by_run, *(name for name, number in given.items() if number)))
    return refused


def _given(results: Sequence[Result]) -> dict[str, int]:
    """Return how many of the results say something of columns that stay as they are where none does."""
    return {
        "held": sum(result.held is not None for result in results),
        "look": sum(result.look is not None for result in results),
        "written_at": sum(result.written for result in results),
    }


def failed(
    connection: Connection,
    scope: int,
    key: str,
    attempts: int,
    retry_at: datetime | None,
    now: datetime,
    *,
    dead: bool,
    fence: Fence,
    token: str | None,
    unclaimed: bool,
) -> None:
    """Record a failed attempt; see `RecordStore.failed`."""
    rows = read(connection, scope, [key])
    values = dict(rows.get(key) or fresh(scope, key))
    if fence.refuses(values, now, token, unclaimed=unclaimed):
        return
    values.update(attempts=attempts, dead=dead, claim=None, claimed_until=None)
    if dead:
        values.update(ready_at=None, retry_at=None)
    else:
        values.update(ready_at=values["ready_at"] or now, retry_at=retry_at)
    if fence.run is not None:
        values["seen_run"] = fence.run
    write(connection, {key: values}, rows)


def pages(connection: Connection, scope: int, after: str | None = None) -> Iterator[ColumnElement[bool]]:
    """Yield for each page of a scope's records the condition that a row is one of it, in the order of their keys.

    A statement over all records would read the whole table, however few it is about.

    Args:
        connection: of the transaction.
        scope: whose records.
        after: only those after this key.
    """
    rest = records.c.key >= "" if after is None else records.c.key > after
    while True:
        keys = select(records.c.key).where(records.c.scope == scope, rest).order_by(records.c.key)
        last = connection.execute(keys.offset(PAGE - 1).limit(1)).scalar()
        yield and_(records.c.scope == scope, rest, *([] if last is None else [records.c.key <= last]))
        if last is None:
            return
        rest = records.c.key > last


def forget_prints(connection: Connection, scope: int, keys: Collection[str] | None) -> None:
    """Forget fingerprints; see `RecordStore.forget_prints`. That the target may hold something stays known."""
    noted = update(records).where(records.c.held != {}).values(prints={})
    if keys is None:
        keys = []
        for page in pages(connection, scope):
            connection.execute(noted.where(page))
            keys += connection.execute(select(records.c.key).where(page, records.c.prints != {})).scalars()
    for chunk in chunks(dict.fromkeys(keys)):
        connection.execute(noted.where(among(scope, chunk)))
        rows = read(connection, scope, chunk)
        for values in rows.values():
            values["prints"] = dict.fromkeys(values["prints"], IN_DOUBT)
        write(connection, rows, rows)


def hold(connection: Connection, scope: int, held: Mapping[str, tuple[Mapping[str, Any], Collection[str]]]) -> None:
    """Note what the target holds of records; see `RecordStore.hold`."""
    rows = read(connection, scope, held)
    for key, values in rows.items():
        now, forgotten = held[key]
        prints = {part: value for part, value in values["prints"].items() if part not in forgotten}
        values.update(held=dict(now), prints=prints)
    write(connection, rows, rows)


def move(connection: Connection, scope: int, moves: Mapping[str, str]) -> None:
    """Give what the target holds of records to others, which are the same under new IDs; see `RecordStore.move`."""
    rows = read(connection, scope, [*moves, *moves.values()])
    changed: dict[str, Values] = {}
    nothing: Values = {"held": {}, "prints": {}, "due_at": None, "ready_at": None, "retry_at": None, "claim": None}
    for old, new in moves.items():
        if old in rows:
            changed[new] = {**(rows.get(new) or fresh(scope, new)), "held": rows[old]["held"], "prints": {}}
            left = {"applied": rows[old]["wanted"], "attempts": 0, "dead": False, "gone": True, "held_back": False}
            changed[old] = {**rows[old], **nothing, **left, "claimed_until": None}
    write(connection, changed, rows)


def drop(connection: Connection, scope: int, keys: Collection[str]) -> int:
    """Close records as they are; see `RecordStore.drop`."""
    values = {"attempts": 0, "dead": False, "ready_at": None, "retry_at": None, "claim": None, "claimed_until": None}
    return sum(
        connection.execute(
            update(records).where(among(scope, chunk)).values(**values, applied=records.c.wanted)
        ).rowcount
        for chunk in chunks(dict.fromkeys(keys))
    )
