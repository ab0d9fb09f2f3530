"""The ledger, open for writing: locks, runs and their journal, snapshots and fingerprints, snoozes, levels of data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, insert, update

from reconciler.clock import utc_now
from reconciler.ledger import database, queries
from reconciler.ledger.config import objects
from reconciler.ledger.config.model import SENT, JournalEntry, LiveObject, LockHolder, Run, Snooze
from reconciler.ledger.config.secret_fingerprint import fingerprint
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.store import Levels
from reconciler.ledger.lock import LEASE, Clock, Lock, acquire, break_lock
from reconciler.ledger.migrations import APPLY_LOCK
from reconciler.ledger.tables import journal, overrides, runs, snoozes
from reconciler.ledger.url import LedgerUrl, ledger_path


class Ledger:
    """One open ledger; use it as a context manager. Every method is one durable transaction.

    Any method raises LedgerError where the file cannot be read or written.
    """

    def __init__(self, path: Path, engine: Engine, clock: Clock) -> None:
        self.path = path
        self._engine = engine
        self._clock = clock
        self._salt: bytes | None = None

    @classmethod
    def open(cls, url: LedgerUrl | str, clock: Clock = utc_now) -> Ledger:
        """Open the ledger at `url`; create it where there is none and migrate it where it is older.

        Raises:
            LedgerError: it cannot be opened or is no ledger.
            LedgerTooNew: a newer version of reconciler wrote it.
        """
        path = ledger_path(url)
        return cls(path, database.open_for_writing(path), clock)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def levels(self, scope: DataScope) -> Levels:
        """Return the levels of one scope of the data plane; it is made where it is new."""
        return Levels(self.path, self._engine, self._clock, scope)

    # The apply lock

    def lock(
        self,
        holder: str,
        *,
        wait: float = 0,
        on_wait: Callable[[LockHolder], None] | None = None,
        lease: timedelta = LEASE,
    ) -> AbstractContextManager[Lock]:
        """Hold the apply lock for the time of a `with` block; see `lock.acquire`.

        Raises:
            LedgerLocked: another run holds it and did not let go within `wait` seconds.
        """
        return acquire(self._engine, self.path, holder, clock=self._clock, wait=wait, on_wait=on_wait, lease=lease)

    def unlock(self, name: str = APPLY_LOCK, *, force: bool = False) -> LockHolder | None:
        """Remove a lock of a dead holder (with `force`: of any) and return who it was, or None.

        Raises:
            LedgerLocked: the holder seems to live, and `force` is false.
        """
        with self._transaction() as connection:
            return break_lock(connection, self._clock(), force=force, name=name)

    # Runs and their journal

    def begin_run(
        self,
        environment: str,
        holder: str,
        plan: Mapping[str, Any],
        entries: Sequence[JournalEntry],
        overridden: Mapping[str, str],
    ) -> str:
        """Record that a run starts, and where each of its changes stands.

        Earlier unfinished runs of the environment are closed: this one was planned from live as they left it.

        Args:
            environment: name of the Environment manifest.
            holder: who runs it, for people.
            plan: what it carries out, as JSON data without secrets.
            entries: one per change, in order: pending, or what an earlier run that this one resumes did with it.
            overridden: guardrail rule to the reason it was overridden with.

        Returns:
            The run's ID.
        """
        run, now = token_hex(8), self._clock()
        rows = [
            {
                "run": run,
                "change_key": entry.key,
                "position": position,
                "digest": entry.digest,
                "outcome": entry.outcome,
                "message": entry.message,
                "updated_at": now,
            }
            for position, entry in enumerate(entries)
        ]
        reasons = [{"run": run, "rule": rule, "reason": reason} for rule, reason in overridden.items()]
        unfinished = and_(runs.c.environment == environment, runs.c.finished_at.is_(None))
        with self._transaction() as connection:
            connection.execute(update(runs).where(unfinished).values(finished_at=now))
            connection.execute(
                insert(runs).values(id=run, environment=environment, holder=holder, started_at=now, plan=dict(plan))
            )
            if rows:
                connection.execute(insert(journal), rows)
            if reasons:
                connection.execute(insert(overrides), reasons)
        return run

    def record_sent(
        self,
        run: str,
        key: str,
        targets: Iterable[LiveObject],
        secret_paths: Collection[str],
        *,
        readable: bool = True,
    ) -> None:
        """Record, before the request goes out, that a change is sent. Committed when this returns.

        The secrets it carries are in doubt from here on: should nobody be left to say whether they arrived, the next
        plan sees them as changed and sends them again.

        Args:
            run: the run's ID.
            key: the change's key.
            targets: the live object, under both its IDs where it is renamed.
            secret_paths: where the secrets stand that the request carries.
            readable: whether the API can show the object. Where not, what was remembered of it no longer stands for
                live, and the next plan sends all of it again unless this change is recorded as done.
        """
        with self._transaction() as connection:
            self._set_outcome(connection, run, key, SENT, None)
            for target in targets:
                if not readable:
                    objects.forget(connection, target)
                objects.doubt(connection, target, secret_paths, self._clock())

    def record_done(
        self,
        run: str,
        key: str,
        outcome: str,
        message: str | None,
        target: LiveObject,
        *,
        state: Mapping[str, Any] | None,
        secrets: Mapping[str, str | None],
        renamed_from: str | None = None,
        held: Mapping[str, str] | None = None,
    ) -> None:
        """Record that a change is live, and remember what is live now.

        Args:
            run: the run's ID.
            key: the change's key.
            outcome: `applied` or `already`.
            message: what the report says beside it.
            target: the live object, by its ID as it is now.
            state: its state without secrets, or None where the object is gone.
            secrets: value of each secret that was sent, by path, None for one that was removed; only fingerprints
                are kept.
            renamed_from: the ID under which it was remembered until now.
            held: on a rename, the secrets that live has and that were not sent, by path.
        """
        digests, carried = self._fingerprints(target, secrets), self._fingerprints(target, held or {})
        with self._transaction() as connection:
            self._set_outcome(connection, run, key, outcome, message)
            if renamed_from is not None:
                objects.rename(connection, LiveObject(target.api_url, target.kind, renamed_from), target, carried)
            if state is None:
                objects.forget(connection, target)
            else:
                objects.remember(connection, target, state, digests, self._clock())

    def record_not_done(
        self, run: str, key: str, outcome: str, message: str | None, untouched: Iterable[LiveObject] = ()
    ) -> None:
        """Record that a change failed, was skipped, or has an unknown outcome.

        Args:
            run: the run's ID.
            key: the change's key.
            outcome: the outcome.
            message: what the report says beside it.
            untouched: the live object under each of its IDs, where the API certainly did not take what was sent:
                what was known of its secrets still holds.
        """
        with self._transaction() as connection:
            self._set_outcome(connection, run, key, outcome, message)
            for target in untouched:
                objects.trust(connection, target)

    def finish_run(self, run: str) -> None:
        """Record that a run has come to its end: nothing of it is left to resume."""
        with self._transaction() as connection:
            connection.execute(update(runs).where(runs.c.id == run).values(finished_at=self._clock()))

    def unfinished_run(self, environment: str) -> Run | None:
        """Return the run of this environment that was cut off, or None."""
        with self._transaction() as connection:
            return queries.unfinished_run(connection, environment)

    def remember_settled(self, found: Iterable[tuple[LiveObject, Mapping[str, Any] | None]]) -> None:
        """Remember objects that were found as desired; None forgets one that is gone. One transaction for all."""
        with self._transaction() as connection:
            objects.remember_all(connection, dict(found), self._clock())

    # Snoozes

    def snooze(self, environment: str, snooze: Snooze) -> None:
        """Mute the drift of one manifest until a moment; replaces an earlier snooze of it."""
        with self._transaction() as connection:
            connection.execute(delete(snoozes).where(_is_snooze(environment, snooze.kind, snooze.name)))
            connection.execute(
                insert(snoozes).values(
                    environment=environment,
                    kind=snooze.kind,
                    name=snooze.name,
                    until=snooze.until,
                    reason=snooze.reason,
                    by=snooze.by,
                )
            )

    def unsnooze(self, environment: str, kind: str, name: str) -> bool:
        """Let the drift of one manifest be heard again; returns whether it was muted."""
        with self._transaction() as connection:
            return connection.execute(delete(snoozes).where(_is_snooze(environment, kind, name))).rowcount > 0

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with database.ledger_errors(self.path), self._engine.begin() as connection:
            yield connection

    def _set_outcome(self, connection: Connection, run: str, key: str, outcome: str, message: str | None) -> None:
        connection.execute(
            update(journal)
            .where(journal.c.run == run, journal.c.change_key == key)
            .values(outcome=outcome, message=message, updated_at=self._clock())
        )

    def _fingerprints(self, target: LiveObject, secrets: Mapping[str, str | None]) -> dict[str, bytes | None]:
        """Computed before the transaction, because they are slow on purpose."""
        if not secrets:
            return {}
        if self._salt is None:
            with self._transaction() as connection:
                self._salt = queries.read_salt(connection)
        place = {"api_url": target.api_url, "kind": target.kind, "live_id": target.id}
        return {
            path: None if value is None else fingerprint(self._salt, value, path=path, **place)
            for path, value in secrets.items()
        }


def _is_snooze(environment: str, kind: str, name: str) -> ColumnElement[bool]:
    return and_(snoozes.c.environment == environment, snoozes.c.kind == kind, snoozes.c.name == name)
