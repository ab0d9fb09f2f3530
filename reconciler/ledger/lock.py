"""Locks by name: one holder each, a lease that a thread renews, and a fence against having lost it.

Names: `apply:ENVIRONMENT`, `pause:ENVIRONMENT` for the moments in which leases on its syncs are taken and lifted, one
per scope of the data plane and one per watch of it. Two cover more: `apply`, which
older versions took for all environments, and `ledger`, which maintenance takes: nobody else may hold any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, false, insert, or_, select, true, update

from reconciler.errors import LedgerLocked, LockLost
from reconciler.ledger.config.model import LockHolder
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.process import ProcessId, this_process
from reconciler.ledger.tables import locks, meta

APPLY_LOCK = "apply"
"""The lock of every apply to any environment. Applies of older versions take it."""

LEDGER_LOCK = "ledger"
"""The lock of who maintains the ledger as a whole."""

PAUSE_LOCK = "pause"
"""What the locks of who takes or lifts leases begin with."""

LEASE = timedelta(seconds=30)
_POLL_SECONDS = 0.25


def apply_lock(environment: str | None) -> str:
    """Return the name of the lock that an apply to an environment holds; None: to any."""
    return APPLY_LOCK if environment is None else f"{APPLY_LOCK}:{environment}"


def pause_lock(environment: str) -> str:
    """Return the name of the lock under which leases of an environment are taken and lifted."""
    return f"{PAUSE_LOCK}:{environment}"


class Lock:
    """A lock while we hold it. Every write to an API asks `check` first.

    Args:
        database: of the open ledger.
        name: which lock.
        lease: how long the lock stays ours without a sign of life.
        token: names this holding of the lock, so that a later one is told from it.
    """

    def __init__(self, database: Database, name: str, lease: timedelta, token: str) -> None:
        self.token = token
        self._database = database
        self._name = name
        self.lease = lease
        # Built once: each transaction of a run asks.
        self._fence = select(locks.c.token).where(locks.c.name == name).with_for_update()
        self._renewal = update(locks).where(*self._is_ours())

    def check(self) -> None:
        """Check that the lock is still ours, and renew it for a whole lease from now.

        Raises:
            LockLost: somebody broke it or took it over, e.g. because this machine slept.
            LedgerError: the ledger cannot be written.
        """
        if not self._database.run(self.renew):
            raise self.lost()

    def renew(self, tx: Transaction) -> bool:
        """Renew the lock for a whole lease, in a transaction of the caller's; return whether it is still ours."""
        until = {"heartbeat_at": tx.now, "expires_at": tx.now + self.lease}
        return tx.connection.execute(self._renewal, until).rowcount == 1

    def lost(self) -> LockLost:
        """Return the error that says that the lock is no longer ours."""
        return lost(self._name)

    def fence(self, connection: Connection) -> None:
        """Check, in a transaction of the caller's, that the lock is ours, and stays so until its commit.

        Raises:
            LockLost: somebody did.
        """
        if connection.execute(self._fence).scalar() != self.token:
            raise self.lost()

    def start(self) -> None:
        """Begin to renew the lease in the background, together with the other locks that are held here."""
        self._database.heart.add(self)

    def release(self) -> None:
        """Stop renewing and give the lock back, if it is still ours."""
        self._database.heart.remove(self)
        # A ledger that was taken elsewhere takes no more writes, and needs no lock.
        self._database.run(lambda tx: tx.connection.execute(delete(locks).where(*self._is_ours())), any_place=True)

    def _is_ours(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return locks.c.name == self._name, locks.c.token == self.token


@contextmanager
def acquire(
    database: Database,
    holder: str,
    *,
    name: str = APPLY_LOCK,
    wait: float = 0,
    on_wait: Callable[[LockHolder], None] | None = None,
    lease: timedelta = LEASE,
    on_taken: Callable[[Transaction], None] = lambda _: None,
) -> Iterator[Lock]:
    """Hold a lock for the time of a `with` block.

    A lock whose holder is dead on this machine, or whose lease has ended, is taken over.

    Args:
        database: of the open ledger.
        holder: who we are, for people: `process.describe_holder`.
        name: which lock.
        wait: seconds to wait for another holder.
        on_wait: told once about each holder that is waited for.
        lease: how long the lock stays ours without a sign of life.
        on_taken: works in the transaction in which the lock is taken.

    Raises:
        LedgerLocked: another run holds it and did not let go in time.
        LedgerError: the ledger cannot be written.
    """
    give_up_at = time.monotonic() + wait
    token = token_hex(16)
    told: datetime | None = None

    def take(tx: Transaction) -> tuple[str, LockHolder] | None:
        other = _try_to_take(tx, name, token, holder, lease)
        if other is None:
            on_taken(tx)
        return other

    while (found := database.run(take)) is not None:
        held, other = found
        if time.monotonic() >= give_up_at:
            raise locked_by(other, held)
        if on_wait is not None and told != other.taken_at:
            on_wait(other)
            told = other.taken_at
        time.sleep(min(_POLL_SECONDS, max(give_up_at - time.monotonic(), 0)))
    lock = Lock(database, name, lease, token)
    lock.start()
    try:
        yield lock
    finally:
        lock.release()


def title(name: str) -> str:
    """Return the title of a lock for people."""
    kind, of_one, environment = name.partition(":")
    if kind == APPLY_LOCK:
        return f"The apply lock of {environment}" if of_one else "The apply lock"
    if kind == PAUSE_LOCK and of_one:
        return f"The lock of the pauses of {environment}"
    return "The lock of the whole ledger" if name == LEDGER_LOCK else f"The lock of {name}"


def locked_by(other: LockHolder, name: str) -> LedgerLocked:
    """Return the error that says who holds a lock and what can be done."""
    which = "" if name.partition(":")[0] == APPLY_LOCK else f" '{name}'"
    if (environment := _environment_of(name)) is not None:
        which = f" -e {environment}{which}"
    return LedgerLocked(
        f"{title(name)} is held by {other.holder}, since {other.taken_at:%Y-%m-%d %H:%M:%S %Z} "
        f"(last sign of life {other.heartbeat_at:%H:%M:%S})",
        next_step="Wait until that run has ended; if you know that it is dead, "
        f"`reconciler ledger unlock --force{which}`.",
    )


def _environment_of(name: str) -> str | None:
    """Return the environment that a lock is of: `apply:NAME`, `pause:NAME`, or `NAME/…` of a data sync."""
    _, separator, environment = name.partition(":")
    return environment if separator else name.partition("/")[0] if "/" in name else None


def lost(name: str) -> LockLost:
    """Return the error that says that a lock is no longer ours."""
    ours = name.partition(":")[0]
    again = "then plan again" if ours == APPLY_LOCK else "then run the sync again"
    if ours == PAUSE_LOCK:
        again = "`reconciler pauses` shows what is paused"
    return LockLost(
        f"{title(name)} is no longer ours: another run took it over, or somebody broke it",
        next_step=f"See who writes now with `reconciler ledger show`; {again}.",
    )


def held_applies(connection: Connection, now: datetime) -> list[tuple[str, LockHolder, bool]]:
    """Return the locks that applies hold, with their holders, and whether they may live; those that may come first."""
    rows = connection.execute(
        select(locks).where(or_(locks.c.name == APPLY_LOCK, _begins(f"{APPLY_LOCK}:"))).order_by(locks.c.name)
    ).all()
    found = [(row.name, _holder(row), not _is_abandoned(row, now)) for row in rows]
    return sorted(found, key=lambda each: not each[2])


def read_holder(connection: Connection, name: str) -> LockHolder | None:
    """Return who holds a lock, dead or alive, or None."""
    row = _row(connection, name)
    return None if row is None else _holder(row)


def is_held(connection: Connection, name: str, now: datetime) -> bool:
    """Whether somebody holds a lock who is not certainly dead and whose lease has not ended."""
    row = _row(connection, name)
    return row is not None and not _is_abandoned(row, now)


def held(connection: Connection, now: datetime) -> frozenset[str]:
    """Return the names of all locks that somebody holds; see `is_held`."""
    return frozenset(row.name for row in connection.execute(select(locks)).all() if not _is_abandoned(row, now))


def break_lock(tx: Transaction, *, force: bool, name: str) -> LockHolder | None:
    """Remove a lock and return who held it, or None where nobody did.

    Raises:
        LedgerLocked: its holder seems to live, and `force` is false.
    """
    row = _row(tx.connection, name)
    if row is None:
        return None
    if not force and not _is_abandoned(row, tx.now):
        raise locked_by(_holder(row), name)
    tx.connection.execute(delete(locks).where(locks.c.name == name))
    return _holder(row)


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(locks).where(locks.c.name == name)).first()


def _try_to_take(
    tx: Transaction, name: str, token: str, holder: str, lease: timedelta
) -> tuple[str, LockHolder] | None:
    """Take a lock and return None, or return which one is in its way and who holds that."""
    ours = this_process()
    # One after the other: each has to see the locks that others take.
    tx.connection.execute(select(meta.c.id).with_for_update(key_share=True))
    for row in tx.connection.execute(select(locks).where(or_(locks.c.name == name, _in_the_way(name)))).all():
        if not _is_abandoned(row, tx.now):
            return row.name, _holder(row)
    tx.connection.execute(delete(locks).where(locks.c.name == name))
    tx.connection.execute(
        insert(locks).values(
            name=name,
            token=token,
            holder=holder,
            machine=ours.machine,
            pid=ours.pid,
            process_started=ours.started,
            taken_at=tx.now,
            heartbeat_at=tx.now,
            expires_at=tx.now + lease,
        )
    )
    return None


def _in_the_way(name: str) -> ColumnElement[bool]:
    """Which other locks keep a lock from being taken."""
    if name == LEDGER_LOCK:
        return true()
    of_all = locks.c.name == LEDGER_LOCK
    if name == APPLY_LOCK:
        return or_(of_all, _begins(f"{APPLY_LOCK}:"))
    return or_(of_all, locks.c.name == APPLY_LOCK if name.startswith(f"{APPLY_LOCK}:") else false())


def _begins(prefix: str) -> ColumnElement[bool]:
    return locks.c.name.startswith(prefix, autoescape=True)


def _is_abandoned(row: Row[Any], now: datetime) -> bool:
    return bool(row.expires_at <= now) or ProcessId(row.machine, row.pid, row.process_started).is_dead()


def _holder(row: Row[Any]) -> LockHolder:
    return LockHolder(row.holder, row.taken_at, row.heartbeat_at, row.expires_at)
