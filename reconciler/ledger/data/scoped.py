"""One scope of the data plane in an open ledger: its lock, and transactions that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from reconciler.ledger.config.model import LockHolder
from reconciler.ledger.data import overview, records
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.database import ledger_errors
from reconciler.ledger.lock import LEASE, Clock, Lock, acquire, lost


class Scoped:
    """What is kept under one scope, and who may change it.

    Args:
        path: the ledger's file, for messages.
        engine: the open ledger.
        clock: what time it is.
        scope: made where it is new.
    """

    def __init__(self, path: Path, engine: Engine, clock: Clock, scope: DataScope) -> None:
        self.scope = scope
        self._path = path
        self._engine = engine
        self._clock = clock
        self._lock: Lock | None = None
        self._run_id: str | None = None
        with self._transaction() as connection:
            self._id = overview.scope_id(connection, scope)

    @contextmanager
    def lock(
        self,
        holder: str,
        *,
        wait: float = 0,
        on_wait: Callable[[LockHolder], None] | None = None,
        lease: timedelta = LEASE,
    ) -> Iterator[Lock]:
        """Hold the scope's lock for the time of a `with` block; claims of earlier holders are void from then on.

        Raises:
            LedgerLocked: another run holds it and did not let go within `wait` seconds.
        """
        name = self.scope.lock_name
        held = acquire(
            self._engine, self._path, holder, clock=self._clock, name=name, wait=wait, on_wait=on_wait, lease=lease
        )
        with held as lock:
            self._lock = lock
            try:
                with self._fenced() as connection:
                    records.void_claims(connection, self._id)
                yield lock
            finally:
                self._lock = self._run_id = None

    def watching(
        self,
        holder: str,
        *,
        wait: float = 0,
        on_wait: Callable[[LockHolder], None] | None = None,
        lease: timedelta = LEASE,
    ) -> AbstractContextManager[Lock]:
        """Be the one who watches the scope for the time of a `with` block; each run takes the scope's own lock besides.

        Raises:
            LedgerLocked: somebody else watches it.
        """
        name = self.scope.watch_name
        return acquire(
            self._engine, self._path, holder, clock=self._clock, name=name, wait=wait, on_wait=on_wait, lease=lease
        )

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with ledger_errors(self._path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _fenced(self) -> Iterator[Connection]:
        """A transaction that only the holder of the lock gets."""
        if self._lock is None:
            raise lost(self.scope.lock_name)
        with self._transaction() as connection:
            self._lock.fence(connection)
            yield connection
