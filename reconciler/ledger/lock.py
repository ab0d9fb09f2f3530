"""Locks by name: one holder each, a lease that a thread renews, and a fence against having lost it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from threading import Event, Thread
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, insert, select, update

from reconciler.errors import LedgerError, LedgerLocked, LockLost
from reconciler.ledger.config.model import LockHolder
from reconciler.ledger.data.tables import locks
from reconciler.ledger.database import ledger_errors
from reconciler.ledger.migrations import APPLY_LOCK
from reconciler.ledger.process import ProcessId, this_process

Clock = Callable[[], datetime]

LEASE = timedelta(seconds=30)
_HEARTBEATS_PER_LEASE = 6
_POLL_SECONDS = 0.25


class Lock:
    """A lock while we hold it. Every write to an API asks `check` first.

    Args:
        engine: the open ledger.
        path: its file, for messages.
        name: which lock.
        clock: what time it is.
        lease: how long the lock stays ours without a sign of life.
        token: names this holding of the lock, so that a later one is told from it.
    """

    def __init__(self, engine: Engine, path: Path, name: str, clock: Clock, lease: timedelta, token: str) -> None:
        self._engine = engine
        self._path = path
        self._name = name
        self._clock = clock
        self._lease = lease
        self._token = token
        self._released = Event()
        self._thread = Thread(target=self._beat, name=f"lock {name}", daemon=True)

    def check(self) -> None:
        """Make sure that the lock is still ours, and stays so for a whole lease from now.

        Raises:
            LockLost: somebody broke it or took it over, e.g. because this machine slept.
            LedgerError: the ledger cannot be written.
        """
        if not self._renew():
            raise lost(self._name)

    def fence(self, connection: Connection) -> None:
        """Make sure, in a transaction of the caller's, that nobody took the lock until its commit.

        Raises:
            LockLost: somebody did.
        """
        ours = select(locks.c.token).where(locks.c.name == self._name).with_for_update()
        if connection.execute(ours).scalar() != self._token:
            raise lost(self._name)

    def start(self) -> None:
        """Begin to renew the lease in the background."""
        self._thread.start()

    def release(self) -> None:
        """Stop renewing and give the lock back, if it is still ours."""
        self._released.set()
        self._thread.join()
        with ledger_errors(self._path), self._engine.begin() as connection:
            connection.execute(delete(locks).where(*self._is_ours()))

    def _renew(self) -> bool:
        now = self._clock()
        with ledger_errors(self._path), self._engine.begin() as connection:
            renewed = connection.execute(
                update(locks).where(*self._is_ours()).values(heartbeat_at=now, expires_at=now + self._lease)
            )
        return renewed.rowcount == 1

    def _is_ours(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return locks.c.name == self._name, locks.c.token == self._token

    def _beat(self) -> None:
        while not self._released.wait(self._lease.total_seconds() / _HEARTBEATS_PER_LEASE):
            # A ledger that is busy now may answer at the next beat; if it never does, the lease ends and check says so.
            with suppress(LedgerError):
                if not self._renew():
                    return


@contextmanager
def acquire(
    engine: Engine,
    path: Path,
    holder: str,
    *,
    clock: Clock,
    name: str = APPLY_LOCK,
    wait: float = 0,
    on_wait: Callable[[LockHolder], None] | None = None,
    lease: timedelta = LEASE,
) -> Iterator[Lock]:
    """Hold a lock for the time of a `with` block.

    A lock whose holder is dead on this machine, or whose lease has ended, is taken over.

    Args:
        engine: the open ledger.
        path: its file, for messages.
        holder: who we are, for people: `process.describe_holder`.
        clock: what time it is.
        name: which lock.
        wait: seconds to wait for another holder.
        on_wait: told once about each holder that is waited for.
        lease: how long the lock stays ours without a sign of life.

    Raises:
        LedgerLocked: another run holds it and did not let go in time.
        LedgerError: the ledger cannot be written.
    """
    give_up_at = time.monotonic() + wait
    token = token_hex(16)
    told: datetime | None = None
    while (other := _try_to_take(engine, path, name, token, holder, clock(), lease)) is not None:
        if time.monotonic() >= give_up_at:
            raise locked_by(other, name)
        if on_wait is not None and told != other.taken_at:
            on_wait(other)
            told = other.taken_at
        time.sleep(min(_POLL_SECONDS, max(give_up_at - time.monotonic(), 0)))
    lock = Lock(engine, path, name, clock, lease, token)
    lock.start()
    try:
        yield lock
    finally:
        lock.release()


def title(name: str) -> str:
    """Return what people are told that a lock is."""
    return "The apply lock" if name == APPLY_LOCK else f"The lock of {name}"


def locked_by(other: LockHolder, name: str) -> LedgerLocked:
    """Return the error that says who holds a lock and what can be done."""
    command = "reconciler ledger unlock --force" if name == APPLY_LOCK else f"reconciler ledger unlock --force '{name}'"
    return LedgerLocked(
        f"{title(name)} is held by {other.holder}, since {other.taken_at:%Y-%m-%d %H:%M:%S %Z} "
        f"(last sign of life {other.heartbeat_at:%H:%M:%S})",
        next_step=f"Wait until that run has ended; if you know that it is dead, `{command}`.",
    )


def lost(name: str) -> LockLost:
    """Return the error that says that a lock is no longer ours."""
    again = "then plan again" if name == APPLY_LOCK else "then run the sync again"
    return LockLost(
        f"{title(name)} is no longer ours: another run took it over, or somebody broke it",
        next_step=f"See who writes now with `reconciler ledger show`; {again}.",
    )


def read_holder(connection: Connection, name: str = APPLY_LOCK) -> LockHolder | None:
    """Return who holds a lock, dead or alive, or None."""
    row = _row(connection, name)
    return None if row is None else _holder(row)


def is_held(connection: Connection, name: str, now: datetime) -> bool:
    """Whether somebody holds a lock who is not certainly dead and whose lease has not ended."""
    row = _row(connection, name)
    return row is not None and not _is_abandoned(row, now)


def break_lock(connection: Connection, now: datetime, *, force: bool, name: str = APPLY_LOCK) -> LockHolder | None:
    """Remove a lock and return who held it, or None where nobody did.

    Raises:
        LedgerLocked: its holder seems to live, and `force` is false.
    """
    row = _row(connection, name)
    if row is None:
        return None
    if not force and not _is_abandoned(row, now):
        raise locked_by(_holder(row), name)
    connection.execute(delete(locks).where(locks.c.name == name))
    return _holder(row)


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(locks).where(locks.c.name == name)).first()


def _try_to_take(
    engine: Engine, path: Path, name: str, token: str, holder: str, now: datetime, lease: timedelta
) -> LockHolder | None:
    """Take a lock and return None, or return who holds it."""
    ours = this_process()
    with ledger_errors(path), engine.begin() as connection:
        row = _row(connection, name)
        if row is not None and not _is_abandoned(row, now):
            return _holder(row)
        connection.execute(delete(locks).where(locks.c.name == name))
        connection.execute(
            insert(locks).values(
                name=name,
                token=token,
                holder=holder,
                machine=ours.machine,
                pid=ours.pid,
                process_started=ours.started,
                taken_at=now,
                heartbeat_at=now,
                expires_at=now + lease,
            )
        )
    return None


def _is_abandoned(row: Row[Any], now: datetime) -> bool:
    return bool(row.expires_at <= now) or ProcessId(row.machine, row.pid, row.process_started).is_dead()


def _holder(row: Row[Any]) -> LockHolder:
    return LockHolder(row.holder, row.taken_at, row.heartbeat_at, row.expires_at)
