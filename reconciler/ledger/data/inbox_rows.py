"""Rows of inboxes: counts, messages to raise more from, unknown ones. Functions in a transaction of the caller's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Executable, Select, Table, bindparam, delete, func, select, update

from reconciler.ledger.columns import Past
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.inbox_model import InboxOverview, Later, TypeCount, UnknownMessage
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.inbox_tables import (
    inbox_marks,
    inbox_messages,
    inbox_minutes,
    inbox_types,
    inbox_unknown,
    inboxes,
)
from reconciler.ledger.rows import insert_into, insert_new, insert_rows

MOST_TYPES = 200
"""Types counted by themselves; what comes beyond is counted together."""
OTHER_TYPES = "(others)"
MOST_UNKNOWN = 100
"""Messages of unknown types that are kept; older ones go."""
_LONGEST_TYPE = 200
_MINUTES = timedelta(hours=1)
_SHOWN = 20


def inbox_id(connection: Connection, scope: DataScope) -> int:
    """Return the ID of the inbox of a scope's data sync; make one where it is new."""
    found = find_inbox(connection, scope)
    if found is not None:
        return found
    row = {"environment": scope.environment, "target": scope.target, "integration": scope.integration}
    insert_new(connection, inboxes, [row])
    return int(connection.execute(_id_of(scope)).scalar_one())


def find_inbox(connection: Connection, scope: DataScope) -> int | None:
    """Return the ID of the inbox of a scope's data sync; None: it never had one."""
    found: int | None = connection.execute(_id_of(scope)).scalar()
    return found


def keep(connection: Connection, inbox: int, later: Sequence[Later], now: datetime) -> None:
    """Keep messages until all that depends on them is raised; one like another that nobody began is not kept twice."""
    new = {_said(each.type, each.names): each for each in later}
    for chunk in chunks(new):
        alike = inbox_messages.c.names.in_([dict(new[said].names) for said in chunk])
        not_begun = inbox_messages.c.inbox == inbox, inbox_messages.c.position.is_(None)
        found = select(inbox_messages).where(*not_begun, alike).order_by(inbox_messages.c.number).with_for_update()
        known = {_said(row.type, row.names) for row in connection.execute(found)}
        rows = [
            {"inbox": inbox, "type": new[said].type, "names": dict(new[said].names), "position": None, "taken_at": now}
            for said in chunk
            if said not in known
        ]
        insert_rows(connection, inbox_messages, rows)


def mark(connection: Connection, inbox: int, marked: Mapping[str, tuple[bytes, Sequence[Later]]]) -> list[Later]:
    """Note digests by name, and return what is to be raised afterwards because one is another than it was."""
    later: list[Later] = []
    for chunk in chunks(sorted(marked)):
        query = select(inbox_marks).where(inbox_marks.c.inbox == inbox, inbox_marks.c.name.in_(chunk))
        known = {
            row.name: row.digest for row in connection.execute(query.order_by(inbox_marks.c.name).with_for_update())
        }
        changed = [name for name in chunk if known.get(name) != marked[name][0]]
        insert_new(
            connection,
            inbox_marks,
            [{"inbox": inbox, "name": name, "digest": marked[name][0]} for name in changed if name not in known],
        )
        if old := [name for name in changed if name in known]:
            connection.execute(
                update(inbox_marks)
                .where(inbox_marks.c.inbox == inbox, inbox_marks.c.name == bindparam("of_name"))
                .values(digest=bindparam("new")),
                [{"of_name": name, "new": marked[name][0]} for name in old],
            )
        later += [each for name in changed for each in marked[name][1]]
    return later


def waiting(connection: Connection, inbox: int, limit: int) -> list[Later]:
    """Return the oldest messages from which more is to be raised."""
    query = select(inbox_messages).where(inbox_messages.c.inbox == inbox).order_by(inbox_messages.c.number)
    return [
        Later(row["type"], row["names"], row["number"], row["position"], row["taken_at"])
        for row in connection.execute(query.limit(limit)).mappings()
    ]


def advance(connection: Connection, number: int, before: str | None, position: str | None) -> bool:
    """Note up to where a message was worked off, None: to its end. Returns False where somebody else was faster."""
    at = inbox_messages.c.number == number, inbox_messages.c.position.is_not_distinct_from(before)
    if position is None:
        return connection.execute(delete(inbox_messages).where(*at)).rowcount == 1
    return connection.execute(update(inbox_messages).where(*at).values(position=position)).rowcount == 1


def keep_unknown(
    connection: Connection, inbox: int, unknown: Sequence[tuple[str, Sequence[str]]], now: datetime
) -> None:
    """Keep the newest messages of unknown types: the names of their members, and no value."""
    if not unknown:
        return
    rows = [
        {"inbox": inbox, "type": kind[:_LONGEST_TYPE], "members": {"names": list(members)}, "taken_at": now}
        for kind, members in unknown[-MOST_UNKNOWN:]
    ]
    insert_rows(connection, inbox_unknown, rows)
    newest = (
        select(inbox_unknown.c.number).where(inbox_unknown.c.inbox == inbox).order_by(inbox_unknown.c.number.desc())
    )
    oldest = connection.execute(newest.offset(MOST_UNKNOWN).limit(1)).scalar()
    if oldest is not None:
        connection.execute(
            delete(inbox_unknown).where(inbox_unknown.c.inbox == inbox, inbox_unknown.c.number <= oldest)
        )


class Seen(Struct, frozen=True):
    """What a process saw of the counts of an inbox, so that it need not ask for them at each message.

    Args:
        kinds: types that are counted by themselves, each with an outcome.
        minute: the newest one.
    """

    kinds: frozenset[tuple[str, str]] = frozenset()
    minute: datetime | None = None


def count(connection: Connection, inbox: int, counts: Mapping[tuple[str, str], int], now: datetime, seen: Seen) -> Seen:
    """Count messages by type and outcome, and all of them by minute; return what was seen, once it is committed."""
    of_inbox = inbox_types.c.inbox == inbox
    known = seen.kinds
    if not known.issuperset((kind[:_LONGEST_TYPE], outcome) for kind, outcome in counts):
        known = frozenset((row.type, row.outcome) for row in connection.execute(select(inbox_types).where(of_inbox)))
    summed: dict[tuple[str, str], int] = {}
    for (kind, outcome), number in sorted(counts.items()):
        key = (kind[:_LONGEST_TYPE], outcome)
        if key not in known and len(known | summed.keys()) >= MOST_TYPES:
            key = (OTHER_TYPES, outcome)
        summed[key] = summed.get(key, 0) + number
    dialect = connection.dialect.name
    if summed:
        rows = [
            {"inbox": inbox, "type": kind, "outcome": outcome, "taken": number, "last_at": now}
            for (kind, outcome), number in sorted(summed.items())
        ]
        connection.execute(_adding(inbox_types, dialect, "last_at"), rows)
    minute = now.replace(second=0, microsecond=0)
    if minute != seen.minute:
        old = inbox_minutes.c.inbox == inbox, inbox_minutes.c.minute < minute - _MINUTES
        connection.execute(delete(inbox_minutes).where(*old))
    row = {"inbox": inbox, "minute": minute, "taken": sum(summed.values())}
    connection.execute(_adding(inbox_minutes, dialect), row)
    return Seen(known | summed.keys(), minute)


@cache
def _adding(table: Table, dialect: str, *newest: str) -> Executable:
    new = insert_into(table, dialect)
    return new.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={"taken": table.c.taken + new.excluded.taken, **{name: new.excluded[name] for name in newest}},
    )


def overview(connection: Connection, scope: DataScope) -> InboxOverview:
    """Return what the inbox of a scope's data sync took; nothing where it never had one."""
    inbox = find_inbox(connection, scope)
    if inbox is None:
        return InboxOverview()
    types = select(inbox_types).where(inbox_types.c.inbox == inbox).order_by(inbox_types.c.type, inbox_types.c.outcome)
    minutes = select(inbox_minutes).where(inbox_minutes.c.inbox == inbox).order_by(inbox_minutes.c.minute)
    later = select(func.count(), func.min(inbox_messages.c.taken_at, type_=Past(optional=True)))
    number, since = connection.execute(later.where(inbox_messages.c.inbox == inbox)).one()
    unknown = select(inbox_unknown).where(inbox_unknown.c.inbox == inbox).order_by(inbox_unknown.c.number.desc())
    return InboxOverview(
        types=tuple(TypeCount(row.type, row.outcome, row.taken, row.last_at) for row in connection.execute(types)),
        minutes=tuple((row.minute, row.taken) for row in connection.execute(minutes)),
        later=number,
        later_since=since,
        unknown=tuple(
            UnknownMessage(row.type, tuple(map(str, row.members.get("names") or ())), row.taken_at)
            for row in connection.execute(unknown.limit(_SHOWN))
        ),
    )


def _said(kind: str, names: Mapping[str, Any]) -> str:
    return json.dumps([kind, dict(names)])


def _id_of(scope: DataScope) -> Select[Any]:
    return select(inboxes.c.id).where(
        inboxes.c.environment == scope.environment,
        inboxes.c.target == scope.target,
        inboxes.c.integration == scope.integration,
    )
