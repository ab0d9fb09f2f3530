"""One thread that renews every lock which a process holds in one database, in one transaction for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select, update

from reconciler.errors import LedgerError
from reconciler.ledger.tables import locks

if TYPE_CHECKING:
    from reconciler.ledger.database import Database, Transaction
    from reconciler.ledger.lock import Lock

HEARTBEATS_PER_LEASE = 6


class Heart:
    """Renews the locks of one database, as long as any is held here: its thread begins with the first one.

    A process that serves two hundred environments holds hundreds of locks; a thread for each would be hundreds of
    threads, and a transaction for each some eighty a second.

    Args:
        database: of the open ledger.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[str, tuple[timedelta, float]] = {}
        """Token to lease, and by `time.monotonic` when it is to be renewed."""
        self._beating: dict[str, timedelta] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, lock: Lock) -> None:
        """Begin to renew a lock."""
        with self._changed:
            self._held[lock.token] = lock.lease, _due(lock.lease)
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="locks of the ledger", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def remove(self, lock: Lock) -> None:
        """Stop renewing a lock, once no beat for it is under way; the thread ends with the last one."""
        with self._changed:
            self._held.pop(lock.token, None)
            self._changed.notify_all()
            # Whoever closes the database afterwards must not find it in use.
            self._changed.wait_for(lambda: lock.token not in self._beating)

    def _beat(self) -> None:
        while (due := self._next()) is not None:
            # A ledger that is busy now may answer at the next beat; if it never does, the leases end, and whoever
            # holds one of them hears of it when it checks.
            lost: set[str] = set()
            try:
                with suppress(LedgerError):
                    lost = self._renewed(due)
            finally:
                self._beaten(due, lost)

    def _beaten(self, due: Mapping[str, timedelta], lost: Collection[str]) -> None:
        with self._changed:
            for token, lease in due.items():
                if token in lost:
                    self._held.pop(token, None)
                elif token in self._held:
                    self._held[token] = lease, _due(lease)
            self._beating = {}
            self._changed.notify_all()

    def _renewed(self, due: Mapping[str, timedelta]) -> set[str]:
        """Renew locks, and return the tokens of those that are not ours any more."""
        lost, busy = self._database.run(lambda tx: _renew(tx, due))
        return lost | {token for token in busy if not self._database.run(partial(_renew_one, token, due[token]))}

    def _next(self) -> dict[str, timedelta] | None:
        """Wait for the next beat, and return the locks to be renewed then; None: none is held any more."""
        with self._changed:
            while self._held:
                now = time.monotonic()
                first = min(due for _, due in self._held.values())
                if first <= now:
                    # All together, those that are due soon as well.
                    held = self._held.items()
                    self._beating = {token: lease for token, (lease, due) in held if due <= now + _slack(lease)}
                    return self._beating
                self._changed.wait(first - now)
            self._thread = None
            return None


def _due(lease: timedelta) -> float:
    return time.monotonic() + lease.total_seconds() / HEARTBEATS_PER_LEASE


def _slack(lease: timedelta) -> float:
    return lease.total_seconds() / HEARTBEATS_PER_LEASE / 2


def _renew(tx: Transaction, due: Mapping[str, timedelta]) -> tuple[set[str], set[str]]:
    """Renew locks by their tokens, and return those that are not ours any more, and those that are to be renewed alone.

    A row that somebody has locked is one whose holder writes under it right now: no transaction of one environment is
    to hold up the locks of the others.
    """
    found = {row.token for row in tx.connection.execute(_tokens(due).with_for_update(skip_locked=True))}
    for lease in set(due.values()):
        ours = [token for token in found if due[token] == lease]
        until = {"heartbeat_at": tx.now, "expires_at": tx.now + lease}
        tx.connection.execute(update(locks).where(locks.c.token.in_(ours)).values(until))
    busy = due.keys() - found
    if busy:
        busy &= {row.token for row in tx.connection.execute(_tokens(busy))}
    return due.keys() - found - busy, busy


def _tokens(tokens: Collection[str]) -> Select[Any]:
    return select(locks.c.token).where(locks.c.token.in_(list(tokens)))


def _renew_one(token: str, lease: timedelta, tx: Transaction) -> bool:
    until = {"heartbeat_at": tx.now, "expires_at": tx.now + lease}
    return tx.connection.execute(update(locks).where(locks.c.token == token).values(until)).rowcount == 1
