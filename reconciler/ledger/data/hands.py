"""Hands of a run: the workers that may write for it. Functions that work in a transaction of the caller's.

A hand belongs to one run, and ends with it. The keeper, who holds the scope's lock as well, ends with the lock: whoever
takes that over ends the keeper before, and no other hand. Another hand ends where it gives no sign of life for long.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select, update

from reconciler.ledger.hand_tables import hands, ranges

# Built once: each transaction of a hand asks.
_BELONGS = (
    select(hands.c.run)
    .where(hands.c.scope == bindparam("of_scope"), hands.c.token == bindparam("of_token"))
    .with_for_update(read=True)
)


def join(
    connection: Connection,
    scope: int,
    token: str,
    run: str,
    holder: str,
    *,
    keeper: bool,
    expires_at: datetime | None = None,
) -> None:
    """Add a hand to a run, and to no other; without `expires_at` it needs no sign of life."""
    connection.execute(delete(hands).where(_is(scope, token)))
    row = {"scope": scope, "token": token, "run": run, "holder": holder, "keeper": keeper, "expires_at": expires_at}
    connection.execute(insert(hands).values(row))


def belongs(connection: Connection, scope: int, token: str) -> bool:
    """Whether a hand is still a member of its run, and stays so until the transaction is over."""
    return connection.execute(_BELONGS, {"of_scope": scope, "of_token": token}).first() is not None


def renew(connection: Connection, scope: int, token: str, expires_at: datetime) -> bool:
    """Take note of a sign of life, and return whether the hand is still a member of its run."""
    return connection.execute(update(hands).where(_is(scope, token)).values(expires_at=expires_at)).rowcount == 1


def leave(connection: Connection, scope: int, token: str) -> list[str]:
    """End a hand, and return those that stay."""
    connection.execute(delete(hands).where(_is(scope, token)))
    return _tokens(connection, scope)


def end_silent(connection: Connection, scope: int, now: datetime) -> list[str] | None:
    """End the hands that gave no sign of life for long; return those that stay, or None where there was none such."""
    silent = hands.c.scope == scope, hands.c.keeper.is_(False), hands.c.expires_at <= now
    if not connection.execute(delete(hands).where(*silent)).rowcount:
        return None
    return _tokens(connection, scope)


def others(connection: Connection, scope: int, run: str) -> list[str]:
    """Return who the hands of a run are beside its keeper, for people."""
    found = select(hands.c.holder).where(hands.c.scope == scope, hands.c.run == run, hands.c.keeper.is_(False))
    return list(connection.execute(found.order_by(hands.c.holder)).scalars())


def end_keepers(connection: Connection, scope: int) -> list[str]:
    """End the hands that held the scope's lock before, and return those that stay."""
    connection.execute(delete(hands).where(hands.c.scope == scope, hands.c.keeper))
    return _tokens(connection, scope)


def end_other_runs(connection: Connection, scope: int, run: str) -> list[str]:
    """End the hands of all runs but one, forget the ranges of their walks, and return those that stay."""
    for table in (hands, ranges):
        connection.execute(delete(table).where(table.c.scope == scope, table.c.run != run))
    return _tokens(connection, scope)


def end_run(connection: Connection, scope: int, run: str) -> None:
    """End the hands of a run."""
    connection.execute(delete(hands).where(hands.c.scope == scope, hands.c.run == run))


def _is(scope: int, token: str) -> ColumnElement[bool]:
    return and_(hands.c.scope == scope, hands.c.token == token)


def _tokens(connection: Connection, scope: int) -> list[str]:
    return list(connection.execute(select(hands.c.token).where(hands.c.scope == scope)).scalars())
