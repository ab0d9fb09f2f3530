"""Lock, hands and fenced transactions of one scope of the data plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from secrets import token_hex
from typing import TypeVar

from reconciler.ledger.config.model import LockHolder
from reconciler.ledger.data import claims, hands, overview, runs
from reconciler.ledger.data.fence import Fence
from reconciler.ledger.data.model import RUNNING, DataRun, DataScope
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.lock import LEASE, Lock, acquire, is_held, lost

_Answer = TypeVar("_Answer")
_YIELDS_WITHIN = 45.0
"""Seconds within which a run that listens has ended: what it has in hand may take a while."""


class Scoped:
    """One scope of an open ledger: its lock, its hands, and the transactions that ask for them.

    The lock is for whoever lists the source, closes the run and writes the log's dates. What a hand writes of records
    asks for its membership in the run instead, so that several may work on one run.

    Args:
        database: of the open ledger.
        scope: made where it is new.
    """

    def __init__(self, database: Database, scope: DataScope) -> None:
        self.database = database
        self.scope = scope
        self.run_id: str | None = None
        self._lock: Lock | None = None
        self._hand: str | None = None
        self.id = database.run(lambda tx: overview.scope_id(tx.connection, scope))

    @contextmanager
    def lock(
        self,
        holder: str,
        *,
        wait: float = 0,
        on_wait: Callable[[LockHolder], None] | None = None,
        lease: timedelta = LEASE,
    ) -> Iterator[Lock]:
        """Hold the scope's lock for the time of a `with` block. Whoever held it before is no hand any more.

        Claims of hands that are none any more are void; those of others stay.

        Raises:
            LedgerLocked: another run holds it and did not let go within `wait` seconds.
        """

        def succeed(tx: Transaction) -> None:
            claims.void_claims(tx.connection, self.id, hands.end_keepers(tx.connection, self.id))

        with ExitStack() as wish, ExitStack() as stack:
            if self._is_held(self.scope.listen_name):
                # Who only listens lets go for whoever has something to do.
                wish.enter_context(acquire(self.database, holder, name=self.scope.wish_name, wait=wait))
                wait = max(wait, _YIELDS_WITHIN)
            lock = stack.enter_context(
                acquire(
                    self.database,
                    holder,
                    name=self.scope.lock_name,
                    wait=wait,
                    on_wait=on_wait,
                    lease=lease,
                    on_taken=succeed,
                )
            )
            wish.close()
            self._lock = lock
            try:
                yield lock
            finally:
                self._lock = self._hand = self.run_id = None

    def listening(self, holder: str) -> AbstractContextManager[Lock]:
        """Say, for the time of a `with` block, that whoever holds the scope's lock only listens and lets go if asked.

        Raises:
            LedgerLocked: somebody else does.
        """
        return acquire(self.database, holder, name=self.scope.listen_name)

    def is_wished(self) -> bool:
        """Whether somebody waits for the scope's lock."""
        return self._is_held(self.scope.wish_name)

    def _is_held(self, name: str) -> bool:
        return self.read(lambda tx: is_held(tx.connection, name, tx.now))

    def watching(
        self,
        holder: str,
        *,
        wait: float = 0,
        on_wait: Callable[[LockHolder], None] | None = None,
        lease: timedelta = LEASE,
    ) -> AbstractContextManager[Lock]:
        """Hold the watch's lock for the time of a `with` block; each run takes the scope's own lock besides.

        Raises:
            LedgerLocked: somebody else watches it.
        """
        return acquire(self.database, holder, name=self.scope.watch_name, wait=wait, on_wait=on_wait, lease=lease)

    def join(self, run_id: str, holder: str) -> DataRun:
        """Become a hand of a run that somebody else keeps; see `HandStore.join`.

        Raises:
            LockLost: that run is not under way, or takes no hands.
        """
        token = token_hex(16)

        def join(tx: Transaction) -> DataRun:
            run = runs.read(tx.connection, self.id, run_id, for_update=True)
            if run is None or run.state != RUNNING or not runs.orders(tx.connection, self.id, run_id)[1]:
                raise lost(self.scope.lock_name)
            expires_at = tx.now + LEASE
            hands.join(tx.connection, self.id, token, run_id, holder, keeper=False, expires_at=expires_at)
            return run

        run = self.database.run(join)
        self._hand, self.run_id = token, run_id
        return run

    def keep(self, tx: Transaction, run_id: str, holder: str) -> str:
        """Become, within a transaction that holds the lock, the keeper of a run, and return the hand's token."""
        token = self.name
        hands.join(tx.connection, self.id, token, run_id, holder, keeper=True)
        stay = hands.end_other_runs(tx.connection, self.id, run_id)
        claims.void_claims(tx.connection, self.id, stay)
        return token

    def kept(self, run_id: str, token: str) -> None:
        """Note that `keep` was committed."""
        self._hand, self.run_id = token, run_id

    def ended(self, run_id: str) -> None:
        """Note that a run is over, and we are no hand of it any more."""
        if self.run_id == run_id:
            self._hand = self.run_id = None

    @property
    def name(self) -> str:
        """Prefix of our claims: the token of the hand, or else of the lock.

        Raises:
            LockLost: we neither hold the lock nor are a hand of a run.
        """
        if self._hand is not None:
            return self._hand
        if self._lock is None:
            raise lost(self.scope.lock_name)
        return self._lock.token

    @property
    def fence(self) -> Fence:
        """What is asked of records before we note what we read of them.

        Raises:
            LockLost: we neither hold the lock nor are a hand of a run.
        """
        return Fence(self.name, self.run_id)

    def read(self, work: Callable[[Transaction], _Answer]) -> _Answer:
        """Read in a transaction."""
        return self.database.run(work, writes=False)

    def write(self, work: Callable[[Transaction], _Answer]) -> _Answer:
        """Write in a transaction that needs neither lock nor hand."""
        return self.database.run(work)

    def write_locked(self, work: Callable[[Transaction], _Answer]) -> _Answer:
        """Write in a transaction that needs the scope's lock.

        Raises:
            LockLost: that is not us.
        """
        lock = self._lock
        if lock is None:
            raise lost(self.scope.lock_name)

        def fenced(tx: Transaction) -> _Answer:
            lock.fence(tx.connection)
            return work(tx)

        return self.database.run(fenced)

    def write_as_hand(self, work: Callable[[Transaction], _Answer]) -> _Answer:
        """Write in a transaction that needs a hand of the run; where there is no run, the scope's lock.

        Raises:
            LockLost: that is not us.
        """
        hand = self._hand
        if hand is None:
            return self.write_locked(work)

        def fenced(tx: Transaction) -> _Answer:
            if not hands.belongs(tx.connection, self.id, hand):
                raise lost(self.scope.lock_name)
            return work(tx)

        return self.database.run(fenced)
