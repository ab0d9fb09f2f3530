"""Rows of the table of records, as dictionaries: read, made, written. Functions in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from secrets import randbelow
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    exists,
    false,
    select,
    type_coerce,
)

from reconciler.ledger.columns import ListOfWords
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.in_doubt import IN_DOUBT, may_have_changed
from reconciler.ledger.data.marks import is_seen_by
from reconciler.ledger.data.model import Level
from reconciler.ledger.rows import OneOf, insert_rows, update_rows
from reconciler.ledger.tables import problems, records

DRAWS = 2**31
"""How many different numbers are drawn for records."""
_COLUMNS = tuple(column.name for column in records.columns if column.name not in ("scope", "key", "number"))
_CHANGING = tuple(name for name in _COLUMNS if name != "draw")
_OF_LEVEL = (
    "key", "wanted", "applied", "attempts", "ready_at", "retry_at", "due_at", "prints", "held", "gone", "dead",
    "seen_run", "look", "heard", "doubt_until",
)  # fmt: skip

Values = dict[str, Any]


def level_of(values: Mapping[str, Any] | RowMapping, now: datetime | None = None) -> Level:
    """Return a row of `with_problems` as a level.

    Args:
        values: the row.
        now: the ledger's time, where it matters whether a write that another hand began can have arrived by now.
    """
    prints: Mapping[str, bytes] = values["prints"]
    overwritten = now is not None and may_have_changed(values, now)
    known = {part: digest for part, digest in prints.items() if digest != IN_DOUBT and not overwritten}
    return Level(
        key=values["key"],
        wanted=values["wanted"],
        applied=values["applied"],
        attempts=values["attempts"],
        is_open=values["ready_at"] is not None,
        retry_at=values["retry_at"],
        due_at=values["due_at"],
        prints=known,
        held=values["held"],
        gone=values["gone"],
        dead=values["dead"],
        doubtful=overwritten or len(known) < len(prints),
        problems=values["problems"],
        seen_run=values["seen_run"],
        is_seen=values["is_seen"],
        look=values["look"],
        heard=values["heard"] or 0,
    )


def read(
    connection: Connection, scope: int, keys: Iterable[str], columns: Sequence[str] = _COLUMNS
) -> dict[str, Values]:
    """Return these columns of the known ones of some records, which stay as they are until the transaction is over."""
    rows: dict[str, Values] = {}
    names = ("key", *columns)
    for chunk in chunks(dict.fromkeys(keys)):
        found = connection.execute(_reading(names), {"of_scope": scope, "keys": chunk})
        rows.update((row[0], {"scope": scope, **dict(zip(names, row, strict=True))}) for row in found.all())
    return rows


@cache
def _reading(names: tuple[str, ...]) -> Select[Any]:
    among_keys = records.c.scope == bindparam("of_scope"), OneOf(records.c.key, bindparam("keys", type_=ListOfWords()))
    return select(*(records.c[name] for name in names)).where(*among_keys).order_by(records.c.key).with_for_update()


def write(
    connection: Connection,
    changed: Mapping[str, Values],
    known: Collection[str],
    columns: Sequence[str] = _CHANGING,
) -> None:
    """Write rows of records; of those that are known these columns, the others are made."""
    existing = [values for key, values in changed.items() if key in known]
    update_rows(connection, records, existing, *columns)
    insert_rows(connection, records, [values for key, values in changed.items() if key not in known])


def fresh(scope: int, key: str) -> Values:
    """Return the row of a record of which nothing is known."""
    empty = dict.fromkeys(_COLUMNS)
    return {
        **empty,
        "scope": scope,
        "key": key,
        "wanted": 0,
        "applied": 0,
        "attempts": 0,
        "prints": {},
        "held": {},
        "gone": False,
        "dead": False,
        "held_back": False,
        "draw": randbelow(DRAWS),
    }


def with_problems(run_id: str | ColumnElement[str] | None = None) -> Select[Any]:
    """Return the query of what levels are made of, with whether a run has seen each record."""
    of_record = exists().where(problems.c.scope == records.c.scope, problems.c.key == records.c.key)
    is_seen = false() if run_id is None else is_seen_by(run_id)
    return select(*(records.c[name] for name in _OF_LEVEL), of_record.label("problems"), is_seen.label("is_seen"))


def as_moment(moment: datetime) -> ColumnElement[datetime]:
    """Return a moment as the columns of records have it."""
    return type_coerce(moment, records.c.ready_at.type)


def among(scope: int, keys: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a row is one of some records."""
    return and_(records.c.scope == scope, OneOf(records.c.key, keys))
