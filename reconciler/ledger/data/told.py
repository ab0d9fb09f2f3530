"""What messages told of records. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection, Executable, and_, bindparam, case, delete, literal, or_, select

from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.inbox_model import LAG, Told
from reconciler.ledger.inbox_tables import inbox_told
from reconciler.ledger.rows import insert_into
from reconciler.ledger.tables import records as record_rows


def note(connection: Connection, scope: int, told: Mapping[str, Told], now: datetime) -> None:
    """Note what the last message said of records that were just raised in this transaction, which holds their rows.

    That one is deleted stands, whatever is said of it within the lag: an update that was held back may come late.
    """
    rows = [
        {
            "of_scope": scope,
            "of_key": key,
            "is_gone": told[key].gone,
            "said": {} if told[key].gone else dict(told[key].members),
            "now": now,
            "since": now - LAG,
        }
        for key in sorted(told)
    ]
    if rows:
        connection.execute(_noting(connection.dialect.name), rows)


@cache
def _noting(dialect: str) -> Executable:
    of_record = record_rows.c.scope == bindparam("of_scope"), record_rows.c.key == bindparam("of_key")
    new = insert_into(inbox_told, dialect).values(
        scope=bindparam("of_scope"),
        key=bindparam("of_key"),
        gone=bindparam("is_gone"),
        members=bindparam("said"),
        revision=select(record_rows.c.wanted).where(*of_record).scalar_subquery(),
        told_at=bindparam("now"),
    )
    stands = and_(inbox_told.c.gone, inbox_told.c.told_at > bindparam("since", type_=inbox_told.c.told_at.type))
    since = case((new.excluded.gone, new.excluded.told_at), (stands, inbox_told.c.told_at), else_=new.excluded.told_at)
    return new.on_conflict_do_update(
        index_elements=["scope", "key"],
        set_={
            "gone": or_(new.excluded.gone, stands),
            "members": case((stands, literal({}, inbox_told.c.members.type)), else_=new.excluded.members),
            "revision": new.excluded.revision,
            "told_at": since,
        },
    )


def of(connection: Connection, scope: int, keys: Collection[str], now: datetime) -> dict[str, Told]:
    """Return what was told of records, where something was and no read has borne it out."""
    found: dict[str, Told] = {}
    for chunk in chunks(dict.fromkeys(keys)):
        query = select(inbox_told).where(inbox_told.c.scope == scope, inbox_told.c.key.in_(chunk))
        for row in connection.execute(query).mappings():
            found[row["key"]] = Told(
                row["gone"], row["members"], row["revision"], max(now - row["told_at"], timedelta())
            )
    return found


def settle(connection: Connection, scope: int, revisions: Mapping[str, int]) -> None:
    """Forget what was told of records up to a revision: a read bore it out, or it is too old to count."""
    if revisions:
        connection.execute(
            delete(inbox_told).where(
                and_(
                    inbox_told.c.scope == scope,
                    inbox_told.c.key == bindparam("of_key"),
                    inbox_told.c.revision <= bindparam("up_to"),
                )
            ),
            [{"of_key": key, "up_to": revision} for key, revision in revisions.items()],
        )
