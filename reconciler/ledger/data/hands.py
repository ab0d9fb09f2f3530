"""Hands of a run: the workers that may write for it. Functions that work in a transaction of the caller's.

A hand belongs to one run, and ends with it. The keeper, who holds the scope's lock as well, ends with the lock: whoever
takes that over ends the keeper before, and no other hand.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from reconciler.ledger.tables import hands


def join(connection: Connection, scope: int, token: str, run: str, holder: str, *, keeper: bool) -> None:
    """Add a hand to a run, and to no other."""
    connection.execute(delete(hands).where(hands.c.scope == scope, hands.c.token == token))
    connection.execute(insert(hands).values(scope=scope, token=token, run=run, holder=holder, keeper=keeper))


def belongs(connection: Connection, scope: int, token: str) -> bool:
    """Whether a hand is still a member of its run, and stays so until the transaction is over."""
    found = select(hands.c.run).where(hands.c.scope == scope, hands.c.token == token).with_for_update(read=True)
    return connection.execute(found).first() is not None


def end_keepers(connection: Connection, scope: int) -> list[str]:
    """End the hands that held the scope's lock before, and return those that stay."""
    connection.execute(delete(hands).where(hands.c.scope == scope, hands.c.keeper))
    return _tokens(connection, scope)


def end_other_runs(connection: Connection, scope: int, run: str) -> list[str]:
    """End the hands of all runs but one, and return those that stay."""
    connection.execute(delete(hands).where(hands.c.scope == scope, hands.c.run != run))
    return _tokens(connection, scope)


def end_run(connection: Connection, scope: int, run: str) -> None:
    """End the hands of a run."""
    connection.execute(delete(hands).where(hands.c.scope == scope, hands.c.run == run))


def _tokens(connection: Connection, scope: int) -> list[str]:
    return list(connection.execute(select(hands.c.token).where(hands.c.scope == scope)).scalars())
