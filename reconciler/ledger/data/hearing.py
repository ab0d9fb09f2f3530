"""Gaps in what messages tell: noted by runs, judged once a late message would have come. In a caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.inbox_model import LAG, MEASURED, Gap
from reconciler.ledger.inbox_tables import hearing_gaps
from reconciler.ledger.tables import records


def note(connection: Connection, scope: int, gaps: Sequence[Gap]) -> None:
    """See `HearingStore.note`."""
    found = {(gap.part, gap.key): gap for gap in gaps}
    for part in sorted({part for part, _ in found}):
        for chunk in chunks([key for of, key in found if of == part]):
            these = hearing_gaps.c.scope == scope, hearing_gaps.c.part == part, hearing_gaps.c.key.in_(chunk)
            proven = select(hearing_gaps.c.key).where(*these, hearing_gaps.c.revision.is_(None))
            for key in connection.execute(proven).scalars().all():
                found[part, key] = replace(found[part, key], revision=None)
            connection.execute(delete(hearing_gaps).where(*these))
    names = ("part", "key", "why", "revision", "seen_at")
    if rows := [{"scope": scope, **{name: getattr(gap, name) for name in names}} for gap in found.values()]:
        connection.execute(insert(hearing_gaps), rows)


def judge(connection: Connection, scope: int, before: datetime | None, now: datetime) -> None:
    """Forget gaps that were seen before a moment, and changes that a message told in time; the others stay untold."""
    of_scope = hearing_gaps.c.scope == scope
    if connection.execute(select(hearing_gaps).where(of_scope, hearing_gaps.c.part == MEASURED)).first() is None:
        note(connection, scope, [Gap(MEASURED, "", now)])
    if before is not None:
        old = hearing_gaps.c.part != MEASURED, hearing_gaps.c.seen_at < before
        connection.execute(delete(hearing_gaps).where(of_scope, *old))
    waits = of_scope, hearing_gaps.c.key != "", hearing_gaps.c.revision.is_not(None)
    over = hearing_gaps.c.seen_at <= now - LAG
    since = select(records.c.key).where(
        records.c.scope == scope,
        records.c.key == hearing_gaps.c.key,
        records.c.heard > hearing_gaps.c.revision,
    )
    connection.execute(delete(hearing_gaps).where(*waits, since.exists()))
    connection.execute(update(hearing_gaps).where(*waits, over).values(revision=None))


def newest(connection: Connection, scope: int, now: datetime) -> dict[str, Gap]:
    """Return by part the newest gap, and how many records changed untold."""
    of_record = and_(records.c.scope == hearing_gaps.c.scope, records.c.key == hearing_gaps.c.key)
    told_late = and_(hearing_gaps.c.revision.is_not(None), records.c.heard > hearing_gaps.c.revision)
    query = (
        select(hearing_gaps)
        .outerjoin(records, of_record)
        .where(
            hearing_gaps.c.scope == scope,
            or_(hearing_gaps.c.key == "", hearing_gaps.c.seen_at <= now - LAG),
            or_(records.c.heard.is_(None), ~told_late),
        )
        .order_by(hearing_gaps.c.seen_at)
    )
    found: dict[str, Gap] = {}
    for row in connection.execute(query):
        before = found.get(row.part)
        untold = (0 if before is None else before.records) + bool(row.key)
        found[row.part] = Gap(row.part, row.why, row.seen_at, row.key, row.revision, untold)
    return found
