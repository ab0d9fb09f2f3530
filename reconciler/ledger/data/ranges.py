"""Ranges of a walk: who lists which part, and which are done. Functions that work in a transaction of the caller's.

A range is free where nobody has it, or who has it is no hand any more. Only who has it ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from reconciler.ledger.count_tables import record_counts
from reconciler.ledger.data.records import PAGE
from reconciler.ledger.hand_tables import hands, ranges
from reconciler.ledger.tables import records


class Range(Struct, frozen=True):
    """Range of a walk.

    Args:
        part: its number.
        bounds: what is in it, in the source's words.
    """

    part: int
    bounds: Mapping[str, Any]


class Walked(Struct, frozen=True):
    """How far a walk in ranges is.

    Args:
        free: numbers of the ranges that nobody lists.
        left: how many have not ended.
        listed: records in those that have.
    """

    free: tuple[int, ...]
    left: int
    listed: int


def spread(connection: Connection, scope: int, number: int) -> list[str]:
    """Return so many keys of records, fewer where there are few, that lie evenly among them, in their order."""
    counted = select(record_counts.c.records).where(record_counts.c.scope == scope)
    step = (connection.execute(counted).scalar() or 0) // (number + 1)
    found: list[str] = []
    after = ""
    while step and len(found) < number:
        left = step
        key: str | None = None
        while left:
            hop = min(left, PAGE)
            rest = select(records.c.key).where(records.c.scope == scope, records.c.key > after)
            key = connection.execute(rest.order_by(records.c.key).offset(hop - 1).limit(1)).scalar()
            if key is None:
                return found
            after, left = key, left - hop
        found.append(after)
    return found


def divide(connection: Connection, scope: int, run: str, bounds: Sequence[Mapping[str, Any]]) -> None:
    """Divide the walk of a run into ranges."""
    rows = [
        {"scope": scope, "run": run, "part": part, "bounds": each, "hand": None, "listed": 0, "ended": False}
        for part, each in enumerate(bounds)
    ]
    connection.execute(insert(ranges), rows)


def take(connection: Connection, scope: int, run: str, hand: str, part: int | None) -> Range | None:
    """Take a free range for a hand, if it may be that one; None: there is none."""
    query = select(ranges).where(_of(scope, run), ranges.c.ended.is_(False), _free(scope))
    order = [ranges.c.part] if part is None else [ranges.c.part != part, ranges.c.part]
    row = connection.execute(query.order_by(*order).limit(1).with_for_update(skip_locked=True)).mappings().first()
    if row is None:
        return None
    connection.execute(update(ranges).where(_of(scope, run), ranges.c.part == row["part"]).values(hand=hand))
    return Range(row["part"], row["bounds"])


def end(connection: Connection, scope: int, run: str, hand: str, part: int, listed: int) -> bool:
    """End a range that a hand has, and return whether it still had it."""
    own = _of(scope, run), ranges.c.part == part, ranges.c.hand == hand, ranges.c.ended.is_(False)
    return connection.execute(update(ranges).where(*own).values(ended=True, listed=listed)).rowcount == 1


def walked(connection: Connection, scope: int, run: str) -> Walked | None:
    """Return how far the walk of a run is; None: it is not divided."""
    rows = connection.execute(select(ranges).where(_of(scope, run)).order_by(ranges.c.part)).all()
    if not rows:
        return None
    left = [row for row in rows if not row.ended]
    living = set(connection.execute(select(hands.c.token).where(hands.c.scope == scope)).scalars())
    free = tuple(row.part for row in left if row.hand not in living)
    return Walked(free, len(left), sum(row.listed for row in rows))


def _of(scope: int, run: str) -> ColumnElement[bool]:
    return and_(ranges.c.scope == scope, ranges.c.run == run)


def _free(scope: int) -> ColumnElement[bool]:
    living = select(hands.c.token).where(hands.c.scope == scope)
    return or_(ranges.c.hand.is_(None), ranges.c.hand.not_in(living))
