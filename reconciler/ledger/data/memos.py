"""Memos: what a source noted of records, and whether it may still lean on them. In a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.model import Distrust
from reconciler.ledger.memo_tables import memos
from reconciler.ledger.rows import insert_new
from reconciler.ledger.tables import scopes

Memo = Mapping[str, Any]
"""What was noted of one record, as JSON data."""


def recall(connection: Connection, scope: int, keys: Collection[str]) -> dict[str, Memo]:
    """Return what was noted of records, as far as something was."""
    found: dict[str, Memo] = {}
    for chunk in chunks(dict.fromkeys(keys)):
        query = select(memos.c.key, memos.c.memo).where(memos.c.scope == scope, memos.c.key.in_(chunk))
        found.update((row.key, row.memo) for row in connection.execute(query))
    return found


def keep(connection: Connection, scope: int, noted: Mapping[str, Memo]) -> None:
    """Note something of records, in place of what was noted before."""
    for chunk in chunks(sorted(noted)):
        known = select(memos.c.key).where(memos.c.scope == scope, memos.c.key.in_(chunk)).order_by(memos.c.key)
        there = list(connection.execute(known.with_for_update()).scalars())
        if there:
            connection.execute(
                update(memos)
                .where(memos.c.scope == scope, memos.c.key == bindparam("of_key"))
                .values(memo=bindparam("noted")),
                [{"of_key": key, "noted": noted[key]} for key in there],
            )
        new = set(chunk).difference(there)
        insert_new(connection, memos, [{"scope": scope, "key": key, "memo": noted[key]} for key in sorted(new)])


def distrust(connection: Connection, scope: int, key: str, now: datetime) -> None:
    """Note that a record moved though its stamp did not; the first one counts."""
    connection.execute(
        update(scopes)
        .where(scopes.c.id == scope, scopes.c.distrusted_at.is_(None))
        .values(distrusted_at=now, distrusted_for=key)
    )


def distrusted(connection: Connection, scope: int) -> Distrust | None:
    """Return since when, and for which record, stamps are not leaned on; None: they are."""
    query = select(scopes.c.distrusted_at, scopes.c.distrusted_for).where(scopes.c.id == scope)
    row = connection.execute(query).first()
    if row is None or row.distrusted_at is None:
        return None
    return Distrust(row.distrusted_at, row.distrusted_for or "")
