"""Problems of records, and which of them the sync log has. In a transaction of the caller's.

An entry stands for one external ID. It counts as logged from the moment at which it is handed out for the log, so that
nothing that may be in the log is ever forgotten there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Integer, and_, bindparam, delete, func, literal_column, select, update

from reconciler.ledger.columns import DamagedValue, ListOfWords
from reconciler.ledger.data.chunks import chunks
from reconciler.ledger.data.model import CodeCount, LoggedProblem, OpenProblem, ProblemRow
from reconciler.ledger.rows import OneOf, insert_rows
from reconciler.ledger.tables import entries, problems, records

_HELD_LISTED = 1_000
# Written out: an index of some rows serves a statement that asks for these by a literal.
_NONE = literal_column("0", Integer)
_IS_OFFERED = entries.c.offered > _NONE
# Built once: a run asks for them again and again, and builds longer than the database answers.
_OF_SCOPE = entries.c.scope == bindparam("of_scope")
_MOST = bindparam("most", type_=Integer)
_RESOLVED = (
    select(entries.c.external_id)
    .where(_OF_SCOPE, entries.c.open.is_(False), _IS_OFFERED)
    .order_by(entries.c.number)
    .limit(_MOST)
)
_STALE = (
    select(entries.c.number, entries.c.external_id)
    .where(_OF_SCOPE, entries.c.open, entries.c.logged < entries.c.version)
    .order_by(entries.c.number)
    .limit(_MOST)
)
_OF_KEYS = select(problems).where(
    problems.c.scope == bindparam("of_scope"), OneOf(problems.c.key, bindparam("keys", type_=ListOfWords()))
)
_KNOWN, _NEW = _STALE.where(_IS_OFFERED), _STALE.where(entries.c.offered == _NONE)
_COUNT = select(func.count()).select_from(entries).where(_OF_SCOPE)
_OPEN, _LOGGED = _COUNT.where(entries.c.open), _COUNT.where(_IS_OFFERED)
_TOLD = _OPEN.where(entries.c.logged > 0)
_Identity = tuple[str, str, str]


def replace(connection: Connection, scope: int, found: Mapping[str, Collection[ProblemRow]], now: datetime) -> None:
    """Replace the problems of these records. What is as it was keeps its place and its state.

    Args:
        connection: of the caller.
        scope: whose records.
        found: problems by key; an empty collection where all is well.
        now: when they were found.
    """
    before: dict[str, dict[_Identity, tuple[int, ProblemRow]]] = {}
    for chunk in chunks(found):
        for row in connection.execute(_OF_KEYS, {"of_scope": scope, "keys": chunk}):
            problem = ProblemRow(row.external_id, row.part, row.code, row.message, row.url)
            before.setdefault(row.key, {})[_identity(problem)] = (row.number, problem)
    added: dict[tuple[str, _Identity], ProblemRow] = {}
    changed: dict[int, ProblemRow] = {}
    mended: dict[int, ProblemRow] = {}
    for key, rows in found.items():
        known = before.get(key, {})
        now_wrong = {_identity(problem): problem for problem in rows}
        for identity, problem in now_wrong.items():
            if identity not in known:
                added[key, identity] = problem
            elif known[identity][1] != problem:
                changed[known[identity][0]] = problem
        mended.update(known[identity] for identity in known.keys() - now_wrong.keys())
    if mended:
        connection.execute(
            delete(problems).where(problems.c.number == bindparam("of_number")),
            [{"of_number": number} for number in mended],
        )
    if changed:
        connection.execute(
            update(problems)
            .where(problems.c.number == bindparam("of_number"))
            .values(message=bindparam("new_message"), url=bindparam("new_url")),
            [{"of_number": n, "new_message": p.message, "new_url": p.url} for n, p in changed.items()],
        )
    insert_rows(
        connection,
        problems,
        [
            {
                "scope": scope,
                "key": key,
                "external_id": problem.external_id,
                "part": problem.part,
                "code": problem.code,
                "message": problem.message,
                "url": problem.url,
                "found_at": now,
            }
            for (key, _), problem in added.items()
        ],
    )
    touched = (problem for group in (added, changed, mended) for problem in group.values())
    _settle_entries(connection, scope, list(dict.fromkeys(problem.external_id for problem in touched)))


def to_log(connection: Connection, scope: int, limit: int, most: int) -> tuple[list[LoggedProblem], list[str]]:
    """Return errors to be logged and external IDs to be resolved, and note both; see `LogStore.to_log`."""
    asked = {"of_scope": scope, "most": limit}
    resolved = list(connection.execute(_RESOLVED, asked).scalars())
    known = connection.execute(_KNOWN, asked).all()
    room = min(limit - len(known), most - logged_count(connection, scope))
    new = connection.execute(_NEW, {**asked, "most": room}).all() if room > 0 else []
    rows = [*known, *new]
    if rows:
        connection.execute(
            update(entries).where(entries.c.number == bindparam("of_number")).values(offered=entries.c.version),
            [{"of_number": row.number} for row in rows],
        )
    return _joined(connection, scope, [row.external_id for row in rows]), resolved


def logged(connection: Connection, scope: int, external_ids: Collection[str], resolved: Collection[str]) -> None:
    """Mark problems as logged or resolved; see `LogStore.logged`."""
    for chunk in chunks(dict.fromkeys(external_ids)):
        connection.execute(
            update(entries)
            .where(entries.c.scope == scope, entries.c.external_id.in_(chunk))
            .values(logged=entries.c.offered)
        )
    for chunk in chunks(dict.fromkeys(resolved)):
        these = entries.c.scope == scope, entries.c.external_id.in_(chunk)
        connection.execute(delete(entries).where(*these, entries.c.open.is_(False)))
        # Wrong again since it was handed out to be resolved: it has to be logged anew.
        connection.execute(update(entries).where(*these).values(offered=0, logged=0))


def unlog_all(connection: Connection, scope: int) -> None:
    """Mark every problem as not logged: the sync log begins anew."""
    connection.execute(delete(entries).where(entries.c.scope == scope, entries.c.open.is_(False)))
    connection.execute(update(entries).where(entries.c.scope == scope, _IS_OFFERED).values(offered=0, logged=0))


def listed(connection: Connection, scope: int, limit: int, offset: int, code: str | None) -> list[OpenProblem]:
    """Return open problems; see `ProblemStore.listed`."""
    frequency = (
        select(problems.c.code, func.count(problems.c.external_id.distinct()).label("number"))
        .where(problems.c.scope == scope)
        .group_by(problems.c.code)
        .subquery()
    )
    query = (
        select(problems, entries.c.logged)
        .join(
            entries,
            (entries.c.scope == problems.c.scope) & (entries.c.external_id == problems.c.external_id),
        )
        .join(frequency, frequency.c.code == problems.c.code)
        .where(problems.c.scope == scope)
        .order_by(frequency.c.number.desc(), problems.c.code, problems.c.number)
        .limit(limit)
        .offset(offset)
    )
    if code is not None:
        query = query.where(problems.c.code == code)
    return [
        OpenProblem(
            row.key,
            ProblemRow(row.external_id, row.part, row.code, row.message, row.url),
            row.found_at,
            row.logged > 0,
        )
        for row in connection.execute(query)
    ]


def by_code(connection: Connection, scope: int) -> tuple[CodeCount, ...]:
    """Return how often each problem is open; see `ProblemStore.by_code`."""
    number = func.count(problems.c.external_id.distinct())
    mine = problems.c.scope == scope
    query = (
        select(problems.c.code, number).where(mine).group_by(problems.c.code).order_by(number.desc(), problems.c.code)
    )
    return tuple(_of_code(connection, scope, code, found) for code, found in connection.execute(query))


def _of_code(connection: Connection, scope: int, code: str, external_ids: int) -> CodeCount:
    of_record = (records.c.scope == problems.c.scope) & (records.c.key == problems.c.key)
    held = problems.c.scope == scope, problems.c.code == code, records.c.held_back
    number = select(func.count(problems.c.key.distinct())).join(records, of_record).where(*held)
    some = select(problems.c.external_id).join(records, of_record).where(*held).order_by(problems.c.number)
    return CodeCount(
        code,
        external_ids,
        tuple(connection.execute(some.limit(_HELD_LISTED)).scalars()),
        connection.execute(number).scalar_one(),
    )


def keys_with_problems(connection: Connection, scope: int) -> list[str]:
    """Return the keys of records that have a problem."""
    return list(connection.execute(select(problems.c.key).where(problems.c.scope == scope).distinct()).scalars())


def open_count(connection: Connection, scope: int) -> int:
    """Return how many external IDs have a problem."""
    return connection.execute(_OPEN, {"of_scope": scope}).scalar_one()


def found_between(connection: Connection, scope: int, moment: datetime, now: datetime) -> int:
    """Return how many external IDs have problems of which the first was found at or after a moment, and by now."""
    found_first = func.min(problems.c.found_at)
    first = (
        select(problems.c.external_id)
        .where(problems.c.scope == scope)
        .group_by(problems.c.external_id)
        .having(and_(found_first >= moment, found_first <= now))
    )
    return connection.execute(select(func.count()).select_from(first.subquery())).scalar_one()


def logged_count(connection: Connection, scope: int) -> int:
    """Return how many external IDs the sync log has an error for, or may have."""
    return connection.execute(_LOGGED, {"of_scope": scope}).scalar_one()


def told_count(connection: Connection, scope: int) -> int:
    """Return how many external IDs with a problem the sync log certainly has an error for."""
    return connection.execute(_TOLD, {"of_scope": scope}).scalar_one()


def _settle_entries(connection: Connection, scope: int, external_ids: Sequence[str]) -> None:
    """Bring the entries of external IDs whose problems changed into line with them."""
    for chunk in chunks(sorted(external_ids)):
        these = entries.c.scope == scope, entries.c.external_id.in_(chunk)
        # Locked first: what others find wrong with the same external IDs meanwhile is seen, or sees this.
        query = select(entries.c.external_id).where(*these).order_by(entries.c.external_id).with_for_update()
        known = set(connection.execute(query).scalars())
        wrong = set(
            connection.execute(
                select(problems.c.external_id).where(problems.c.scope == scope, problems.c.external_id.in_(chunk))
            ).scalars()
        )
        connection.execute(
            update(entries)
            .where(entries.c.scope == scope, entries.c.external_id.in_(known & wrong))
            .values(open=True, version=entries.c.version + 1)
        )
        mended = entries.c.scope == scope, entries.c.external_id.in_(known - wrong)
        connection.execute(delete(entries).where(*mended, entries.c.offered == 0))
        connection.execute(update(entries).where(*mended).values(open=False))
        new = [external_id for external_id in chunk if external_id in wrong - known]
        entry = {"scope": scope, "open": True, "version": 1, "offered": 0, "logged": 0}
        insert_rows(connection, entries, [{**entry, "external_id": external_id} for external_id in new])


def _joined(connection: Connection, scope: int, external_ids: Sequence[str]) -> list[LoggedProblem]:
    messages: dict[str, dict[str, None]] = {}
    urls: dict[str, str] = {}
    for chunk in chunks(external_ids):
        query = select(problems).where(problems.c.scope == scope, problems.c.external_id.in_(chunk))
        for row in connection.execute(query.order_by(problems.c.number)):
            messages.setdefault(row.external_id, {})[row.message] = None
            urls.setdefault(row.external_id, row.url)
    if not messages.keys() >= set(external_ids):
        raise DamagedValue("data_log_entries.external_id")  # an open one without a problem
    return [
        LoggedProblem(external_id, "; ".join(messages[external_id]), urls[external_id]) for external_id in external_ids
    ]


def _identity(problem: ProblemRow) -> _Identity:
    return problem.external_id, problem.part, problem.code
