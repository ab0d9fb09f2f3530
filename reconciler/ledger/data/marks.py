"""Marks of what a run under way has seen and left as it is. Functions that work in a transaction of the caller's.

The database numbers records, and a run has one row for each block of numbers, with a byte for each. So what a walk
finds unchanged costs it a row for hundreds of records, and the rows of the records stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.seen_tables import seen_blocks
from reconciler.ledger.tables import records

BLOCK = 512
"""Records of a block. A frozen part of the ledger: a run that was begun with another one cannot go on."""
_SEEN = b"\x01"
_MARKING = (
    update(seen_blocks)
    .where(
        seen_blocks.c.scope == bindparam("of_scope"),
        seen_blocks.c.run == bindparam("of_run"),
        seen_blocks.c.block == bindparam("of_block"),
    )
    .values(marks=bindparam("new_marks"))
)


def is_seen_by(run_id: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a run has seen a record: it wrote the record's row, or marked it. Never NULL."""
    return or_(records.c.seen_run.is_not_distinct_from(run_id), _is_marked(run_id))


def is_unseen_by(run_id: str) -> ColumnElement[bool]:
    """Return the opposite of `is_seen_by`, in words that let a database look at marks and records side by side."""
    return and_(records.c.seen_run.is_distinct_from(run_id), ~_is_marked(run_id))


def mark(connection: Connection, scope: int, run_id: str, numbers: Collection[int]) -> None:
    """Mark records as seen by a run.

    Args:
        connection: of the transaction.
        scope: whose records.
        run_id: the run.
        numbers: of the records.
    """
    places: dict[int, list[int]] = {}
    for number in numbers:
        places.setdefault(number // BLOCK, []).append(number % BLOCK)
    of_run = seen_blocks.c.scope == scope, seen_blocks.c.run == run_id
    changed: list[dict[str, Any]] = []
    made: list[dict[str, Any]] = []
    for chunk in chunks(sorted(places)):
        query = select(seen_blocks.c.block, seen_blocks.c.marks).where(*of_run, seen_blocks.c.block.in_(chunk))
        rows = connection.execute(query.order_by(seen_blocks.c.block).with_for_update())
        before = {row.block: row.marks for row in rows}
        for block in chunk:
            marks = bytearray(before.get(block, bytes(BLOCK)))
            for place in places[block]:
                marks[place : place + 1] = _SEEN
            if block in before:
                changed.append({"of_scope": scope, "of_run": run_id, "of_block": block, "new_marks": bytes(marks)})
            else:
                made.append({"scope": scope, "run": run_id, "block": block, "marks": bytes(marks)})
    if changed:
        connection.execute(_MARKING, changed)
    if made:
        # Where another hand makes the same block just now, the transaction is begun anew.
        connection.execute(insert(seen_blocks), made)


def forget(connection: Connection, scope: int) -> None:
    """Forget what runs have marked: nobody goes on with them."""
    connection.execute(delete(seen_blocks).where(seen_blocks.c.scope == scope))


def _is_marked(run_id: str | ColumnElement[str]) -> ColumnElement[bool]:
    place = cast(1 + records.c.number % BLOCK, Integer)
    return exists().where(
        seen_blocks.c.scope == records.c.scope,
        seen_blocks.c.run == run_id,
        seen_blocks.c.block == records.c.number // BLOCK,
        func.substr(seen_blocks.c.marks, place, 1, type_=seen_blocks.c.marks.type) == _SEEN,
    )
