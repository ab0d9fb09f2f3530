"""The ledger, open for writing: locks, runs and their journal, snapshots and fingerprints, snoozes, levels of data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from reconciler.ledger import overview
from reconciler.ledger.config import applied, environments, healing, journal, leases, objects, pause_log, runs, snoozes
from reconciler.ledger.config.entries import Done, Entry, Sent
from reconciler.ledger.config.healing import Seen
from reconciler.ledger.config.ignite import IgniteStore
from reconciler.ledger.config.model import (
    JournalEntry,
    LiveObject,
    LockHolder,
    Run,
    Sightings,
    Snooze,
)
from reconciler.ledger.config.request_store import RequestStore
from reconciler.ledger.config.secret_fingerprint import fingerprint
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.store import Store
from reconciler.ledger.database import Clock, Database, Transaction, create
from reconciler.ledger.lock import APPLY_LOCK, LEASE, Lock, acquire, apply_lock, break_lock, pause_lock
from reconciler.ledger.url import LedgerUrl, located
from reconciler.pause.lease import Lease


class Ledger:
    """One open ledger; use it as a context manager. Every method is one durable transaction.

    Any method raises LedgerError where the database cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, url: LedgerUrl | str, clock: Clock | None = None) -> Ledger:
        """Open the ledger at `url`; create it where there is none. An older file is brought up to date.

        Args:
            url: where it is; see `url.parse`.
            clock: what time it is, instead of the database's own time. For tests.

        Raises:
            LedgerError: it cannot be opened or is no ledger.
            LedgerTooNew: a newer version of reconciler wrote it.
        """
        return cls(create(located(url), clock))

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def store(self, scope: DataScope) -> Store:
        """Return the store of one scope of the data plane; the scope is made where it is new."""
        return Store(self.database, scope)

    @property
    def requests(self) -> RequestStore:
        """The requests that were asked for, and how far each of them is."""
        return RequestStore(self.database)

    @property
    def ignite(self) -> IgniteStore:
        """The sites that SparkLayer connected, and what it handed over."""
        return IgniteStore(self.database)

    # Locks

    def lock(
        self,
        holder: str,
        environment: str | None = None,
        live_sides: Mapping[str, str] | None = None,
        *,
        wait: float = 0,
        on_wait: Callable[[LockHolder], None] | None = None,
        lease: timedelta = LEASE,
    ) -> AbstractContextManager[Lock]:
        """Hold the apply lock of an environment for the time of a `with` block; see `lock.acquire`.

        Args:
            holder: who we are, for people.
            environment: its name; None: of all environments.
            live_sides: API to its live side: what the name stands for from now on.
            wait: seconds to wait for another holder.
            on_wait: told once about each holder that is waited for.
            lease: how long the lock stays ours without a sign of life.

        Raises:
            LedgerLocked: another run holds it and did not let go within `wait` seconds.
            LedgerError: the ledger knows the environment's name with other APIs.
        """

        def remember(tx: Transaction) -> None:
            if environment is not None and live_sides:
                environments.remember(tx.connection, environment, live_sides)

        name = apply_lock(environment)
        return acquire(self.database, holder, name=name, wait=wait, on_wait=on_wait, lease=lease, on_taken=remember)

    def unlock(self, name: str = APPLY_LOCK, *, force: bool = False) -> LockHolder | None:
        """Remove a lock of a dead holder (with `force`: of any) and return who it was, or None.

        Raises:
            LedgerLocked: the holder seems to live, and `force` is false.
        """
        return self.database.run(lambda tx: break_lock(tx, force=force, name=name))

    def rebind(self, environment: str) -> bool:
        """Unbind an environment's name from its APIs; the next apply binds it anew. Returns whether it was bound."""
        return self.database.run(lambda tx: environments.forget(tx.connection, environment))

    @cached_property
    def salt(self) -> bytes:
        """The salt of its fingerprints."""
        return self.database.run(lambda tx: overview.read_salt(tx.connection), writes=False)

    # Runs and their journal

    def begin_run(
        self,
        environment: str,
        holder: str,
        plan: Mapping[str, Any],
        entries: Sequence[JournalEntry],
        overridden: Mapping[str, str],
        command: str = runs.APPLY,
    ) -> str:
        """Record that a run starts, with a journal entry for each of its changes.

        Earlier unfinished runs of the environment and command are closed: this one was planned from live as they left
        it.

        Args:
            environment: name of the Environment manifest.
            holder: who runs it, for people.
            plan: what it carries out, as JSON data without secrets.
            entries: one per change, in order: pending, or what an earlier run that this one resumes did with it.
            overridden: guardrail rule to the reason it was overridden with.
            command: what writes.

        Returns:
            The run's ID.
        """

        def begin(tx: Transaction) -> str:
            run = runs.begin(tx.connection, environment, holder, plan, overridden, tx.now, command)
            journal.begin(tx.connection, run, entries, tx.now)
            return run

        return self.database.run(begin)

    def record(self, run: str, entries: Sequence[Entry], lock: Lock | None = None) -> None:
        """Record where changes of a run stand, and what is known of their live objects. Committed when this returns.

        Args:
            run: the run's ID.
            entries: in the order in which they came about.
            lock: what has to be ours for anything to be sent; it is renewed.

        Raises:
            LockLost: it is not. What is to be sent is not recorded; everything else is.
        """
        digests = {
            entry.key: journal.Digests(
                self._fingerprints(entry.target, entry.secrets), self._fingerprints(entry.target, entry.held)
            )
            for entry in entries
            if isinstance(entry, Done)
        }

        def record(tx: Transaction) -> bool:
            ours = lock is None or lock.renew(tx)
            recorded = entries if ours else [entry for entry in entries if not isinstance(entry, Sent)]
            journal.write(tx.connection, run, recorded, digests, tx.now)
            return ours

        if not self.database.run(record) and lock is not None:
            raise lock.lost()

    def finish_run(self, run: str) -> None:
        """Record that a run has come to its end: nothing of it is left to resume."""
        self.database.run(lambda tx: runs.finish(tx.connection, run, tx.now))

    def unfinished_run(self, environment: str) -> Run | None:
        """Return the run of this environment that was cut off, or None."""
        return self.database.run(lambda tx: runs.unfinished(tx.connection, environment), writes=False)

    def remember_settled(self, found: Iterable[tuple[LiveObject, Mapping[str, Any] | None]]) -> None:
        """Record snapshots of objects that were found as desired; None deletes one. One transaction for all."""
        settled = dict(found)
        self.database.run(lambda tx: objects.remember_all(tx.connection, settled, tx.now))

    # Healing

    def see_drift(
        self, environment: str, drifts: Collection[Seen], *, all_seen: bool, leave_out: Collection[str]
    ) -> Sightings:
        """Record which drift is there now; return since when, and what was healed in the last 24 hours.

        Args:
            environment: name of the Environment manifest.
            drifts: key of the object and cause of its drift.
            all_seen: whether drift that is not among them is gone.
            leave_out: causes whose healing does not count.
        """

        def record(tx: Transaction) -> Sightings:
            seen = healing.see(tx.connection, environment, drifts, tx.now, all_seen=all_seen)
            healed = healing.counts(tx.connection, environment, tx.now - timedelta(hours=24), leave_out)
            return Sightings(tx.now, seen, healed)

        return self.database.run(record)

    def begin_healing(self, environment: str, changes: Collection[Seen]) -> None:
        """Record, before anything is sent, what is going to be healed: key of the object and cause of its drift."""
        self.database.run(lambda tx: healing.begin(tx.connection, environment, changes, tx.now))

    # Commits

    def remember_applied_commit(self, environment: str, commit: str, *, whole: bool = False) -> None:
        """Record the commit up to which the approvals of pull requests were applied; see `applied.remember`."""
        self.database.run(lambda tx: applied.remember(tx.connection, environment, commit, tx.now, whole=whole))

    def whole_commit(self, environment: str) -> str | None:
        """Return the commit of the manifests that were last applied with nothing left to apply, or None."""
        return self.database.run(lambda tx: applied.last_whole(tx.connection, environment), writes=False)

    # Snoozes

    def snooze(self, environment: str, snooze: Snooze) -> None:
        """Mute the drift of one manifest until a moment; replaces an earlier snooze of it."""
        self.database.run(lambda tx: snoozes.put(tx.connection, environment, snooze))

    def unsnooze(self, environment: str, kind: str, name: str) -> bool:
        """End the snooze of one manifest; returns whether there was one."""
        return self.database.run(lambda tx: snoozes.remove(tx.connection, environment, kind, name))

    # Pauses

    def lock_pauses(
        self, holder: str, environment: str, *, wait: float = 0, on_wait: Callable[[LockHolder], None] | None = None
    ) -> AbstractContextManager[Lock]:
        """Hold the lock under which leases of an environment are taken and lifted; see `lock`.

        It is held for moments, and beside the apply lock: a lease is given back also while an apply runs.
        """
        return acquire(self.database, holder, name=pause_lock(environment), wait=wait, on_wait=on_wait)

    def leases(self, api_urls: Collection[str]) -> tuple[tuple[Lease, ...], datetime]:
        """Return the leases on objects of some APIs that were not lifted yet, and what time it is in the ledger."""
        return self.database.run(lambda tx: (leases.of_apis(tx.connection, api_urls), tx.now), writes=False)

    def take_leases(self, taken: Sequence[Lease], duration: timedelta) -> tuple[Lease, ...]:
        """Record leases before anything is paused for them, and return them as they are kept: with ID, start and end.

        What live was before the sync's leases is recorded with each of its leases.

        Args:
            taken: one for each sync; those with `around` are this process's to renew.
            duration: how long they hold.
        """
        return self.database.run(lambda tx: leases.take(tx.connection, taken, duration, tx.now))

    def renew_leases(
        self, lease_ids: Collection[str], duration: timedelta | None = None, limit: timedelta | None = None
    ) -> timedelta | None:
        """Record a sign of life of our leases; return how long the first of them still holds, None once none does.

        A lease that fell silent and was not lifted yet holds again.

        Args:
            lease_ids: of leases around our command.
            duration: how long they hold from now on; None: as they do.
            limit: how long they may hold from their start on.
        """

        def renew(tx: Transaction) -> timedelta | None:
            ends = leases.renew(tx.connection, lease_ids, duration, limit, tx.now)
            return min(ends.values()) - tx.now if ends else None

        return self.database.run(renew)

    def release_leases(self, lease_ids: Collection[str]) -> None:
        """Give leases back: they are over from now on, and whoever may write lifts them."""
        self.database.run(lambda tx: leases.release(tx.connection, lease_ids, tx.now))

    def remove_leases(self, lease_ids: Collection[str]) -> None:
        """Remove leases that were lifted."""
        self.database.run(lambda tx: leases.remove(tx.connection, lease_ids))

    def log_verdict(self, target: LiveObject, verdict: str, seconds: int) -> None:
        """Record whether what had waited went through after the last resume of a sync, and how long that took."""
        self.database.run(lambda tx: pause_log.judge(tx.connection, target, verdict, seconds))

    def remember_pause(self, target: LiveObject, path: str, paused: bool) -> None:
        """Record that a sync's pause is as its manifest wants it now, where an apply is remembered at all."""
        self.database.run(lambda tx: objects.remember_member(tx.connection, target, path, paused, tx.now))

    def _fingerprints(self, target: LiveObject, secrets: Mapping[str, str | None]) -> dict[str, bytes | None]:
        """Computed before the transaction, because they are slow on purpose."""
        if not secrets:
            return {}
        place = {"api_url": target.api_url, "kind": target.kind, "live_id": target.id}
        return {
            path: None if value is None else fingerprint(self.salt, value, path=path, **place)
            for path, value in secrets.items()
        }
