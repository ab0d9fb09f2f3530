"""How far every record of a sync is: what is wanted, what is applied, who may work on it, and what is wrong with it.

This is the small interface of the data plane to its memory; a PostgreSQL tier will stand behind the same methods.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import Connection

from reconciler.errors import LedgerError
from reconciler.ledger.data import names, overview, problems, records
from reconciler.ledger.data import runs as data_runs
from reconciler.ledger.data.model import (
    FINISHED,
    RUNNING,
    DataRun,
    Level,
    LevelCounts,
    LogDates,
    LoggedProblem,
    OpenProblem,
    Result,
)
from reconciler.ledger.data.names import Name
from reconciler.ledger.data.scoped import Scoped

MOST_LOGGED = 5000
"""The sync log takes no more errors."""


class Levels(Scoped):
    """The levels of one scope. Every method is one durable transaction; none of them waits for anything but the file.

    What only the one who runs the sync may do asks for the lock in the same transaction; where it is no longer ours,
    nothing is changed and LockLost is raised. Reading, `want`, `cancel`, `drop` and `retry` need no lock.
    Any method raises LedgerError where the file cannot be read or written.
    """

    # Runs

    def begin(
        self, mode: str, config: str, holder: str, now: datetime, watermark: datetime | None, *, walks: bool, full: bool
    ) -> DataRun:
        """Record that a run starts. Needs the lock. Earlier runs that were cut off are `stopped` by it.

        Args:
            mode: how it treats what is there.
            config: digest of what decides the mapping.
            holder: who runs it, for people.
            now: when it starts.
            watermark: what the next run will ask from.
            walks: it reads everything.
            full: the sync log begins anew with it: no problem counts as logged any more.
        """
        with self._fenced() as connection:
            run = data_runs.begin(connection, self._id, mode, config, holder, now, watermark, walks=walks, full=full)
            if full:
                problems.unlog_all(connection, self._id)
        self._run_id = run.id
        return run

    def resume(self, run_id: str, holder: str) -> DataRun:
        """Record that an unfinished run goes on, in our hands. Needs the lock."""
        with self._fenced() as connection:
            data_runs.change(
                connection, self._id, run_id, {"state": RUNNING, "holder": holder, "ended_at": None, "message": None}
            )
            run = data_runs.read(connection, self._id, run_id)
        if run is None:
            raise LedgerError(
                f"The ledger {self._path} knows no run {run_id}", next_step="Run the sync again; it begins anew."
            )
        self._run_id = run_id
        return run

    def update(
        self,
        run_id: str,
        *,
        listed: bool | None = None,
        log_opened: bool | None = None,
        completed_at: datetime | None = None,
        cursor: str | None = None,
        message: str | None = None,
        watermark: datetime | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Record how far a run is. Needs the lock. None leaves as it is; `counts` are added to what was counted."""
        changes = {
            "listed": listed,
            "log_opened": log_opened,
            "completed_at": completed_at,
            "cursor": cursor,
            "message": message,
            "watermark": watermark,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        with self._fenced() as connection:
            data_runs.change(connection, self._id, run_id, given, counts)

    def end(self, run_id: str, state: str, now: datetime, *, message: str | None = None) -> None:
        """Record that a run ended. Needs the lock."""
        with self._fenced() as connection:
            data_runs.change(connection, self._id, run_id, {"state": state, "ended_at": now, "message": message})

    def run(self, run_id: str) -> DataRun | None:
        """Return a run, or None."""
        with self._transaction() as connection:
            return data_runs.read(connection, self._id, run_id)

    def unfinished(self) -> DataRun | None:
        """Return the newest run, where it can go on: it was cut off, stopped, or failed. Else None."""
        with self._transaction() as connection:
            return data_runs.unfinished(connection, self._id)

    def last(
        self, *, walks: bool | None = None, full: bool | None = None, state: str | None = FINISHED
    ) -> DataRun | None:
        """Return the newest run of that sort, or None. A state of None takes any."""
        with self._transaction() as connection:
            return data_runs.newest(connection, self._id, walks=walks, full=full, state=state)

    def cancel(self) -> bool:
        """Ask the run that goes on to stop; it finds that in `run`. Returns whether there is one."""
        with self._transaction() as connection:
            return data_runs.cancel(connection, self._id)

    # Records

    def levels(self, keys: Collection[str]) -> dict[str, Level]:
        """Return the levels of those of the records that are known."""
        with self._transaction() as connection:
            return records.levels(connection, self._id, keys)

    def want(self, keys: Collection[str], retry_at: datetime | None = None) -> int:
        """Raise what is wanted of these records by one, known or not, and return how many they are.

        Args:
            keys: the records.
            retry_at: not to be tried before; None: at once.
        """
        with self._transaction() as connection:
            return records.want(connection, self._id, keys, self._clock(), retry_at)

    def claim_names(self, key: str, names: Collection[Name]) -> dict[Name, str]:
        """Make these names the record's, and no others; see `claim_many`. Needs the lock."""
        return self.claim_many({key: names})[key]

    def claim_many(self, wishes: Mapping[str, Collection[Name]]) -> dict[str, dict[Name, str]]:
        """Make names the records', and no others. Needs the lock.

        Names that a record had and does not ask for are free, and the records that wait for them are wanted again.
        A name that another record has stays with it, and this record waits for it. One after the other, in order.

        Returns:
            By key, the names that others have, and which record has each.
        """
        with self._fenced() as connection:
            return self._claim(connection, wishes)

    def owners(self, asked: Collection[Name]) -> dict[Name, str]:
        """Return which record has each of these names; those that nobody has are left out."""
        with self._transaction() as connection:
            return names.owners_of(connection, self._id, asked)

    def begin_writes(self, items: Iterable[tuple[str, Collection[str]]]) -> None:
        """Record, before anything is sent, which parts of which records will be. Needs the lock.

        Their fingerprints are forgotten and the records are doubtful until `record`. Committed when this returns.

        Args:
            items: key and parts.
        """
        with self._fenced() as connection:
            records.begin_writes(connection, self._id, items, token_hex(16), self._clock())

    def record(
        self, results: Sequence[Result], run_id: str | None, counts: Mapping[str, int] | None = None
    ) -> list[str]:
        """Record what became of records, in one transaction. Needs the lock.

        Args:
            results: one per record.
            run_id: the run that saw them; None: none did.
            counts: added to the run's.

        Returns:
            Keys of those that were not recorded, because somebody took over their claim.
        """
        now = self._clock()
        with self._fenced() as connection:
            refused = records.record(connection, self._id, results, run_id, now)
            taken = [result for result in results if result.key not in refused]
            self._claim(
                connection,
                {result.key: result.names or () for result in taken if result.gone or result.names is not None},
            )
            wrong = {result.key: result.problems for result in taken if result.problems is not None}
            problems.replace(connection, self._id, wrong, now)
            if run_id is not None and counts:
                data_runs.change(connection, self._id, run_id, {}, counts)
        return refused

    def failed(
        self, key: str, attempts: int, retry_at: datetime | None, *, dead: bool = False, token: str | None = None
    ) -> None:
        """Record a try that failed for reasons that are not the record's. Needs the lock. It stays open, unless `dead`.

        Args:
            key: the record.
            attempts: how many tries failed by now.
            retry_at: when to try again.
            dead: leave it alone until it is wanted again.
            token: the claim under which it was tried.
        """
        with self._fenced() as connection:
            records.failed(
                connection,
                self._id,
                key,
                attempts,
                retry_at,
                self._clock(),
                dead=dead,
                token=token,
                run_id=self._run_id,
            )

    def seen(
        self, run_id: str | None, revisions: Mapping[str, int | None], counts: Mapping[str, int] | None = None
    ) -> None:
        """Record that nothing is to be done on records. Needs the lock.

        Their problems and `due_at` stay as they are. Rows are made where there are none.

        Args:
            run_id: the run that saw them; None: none did, and a walk may still find that they are gone.
            revisions: by key, the wanted revision as it was before the source was read; None: as it is now.
            counts: added to the run's.
        """
        with self._fenced() as connection:
            records.seen(connection, self._id, run_id, revisions, self._clock())
            if run_id is not None and counts:
                data_runs.change(connection, self._id, run_id, {}, counts)

    def claim_due(self, limit: int, now: datetime, lease_seconds: float, token: str) -> list[Level]:
        """Claim records that are open or due and that nobody has claimed, the longest waiting first. Needs the lock.

        Args:
            limit: how many at most.
            now: what time it is, in the clock of `retry_at` and `due_at`: the source's.
            lease_seconds: how long the claim holds. `record`, `failed` and `seen` end it.
            token: names the claim.
        """
        ours = self._clock()
        until = ours + timedelta(seconds=lease_seconds)
        with self._fenced() as connection:
            return records.claim_due(connection, self._id, limit, now, ours, until, token)

    def open_count(self, run_id: str | None = None) -> int:
        """Return how many records are open, dead ones left out; with a run, only those that it saw."""
        with self._transaction() as connection:
            return records.open_count(connection, self._id, run_id)

    def unseen(self, run_id: str, after: str | None, limit: int) -> list[Level]:
        """Return records of which the target may hold something and that a run did not see, by key, after a key.

        Those that are gone already are left out.
        """
        with self._transaction() as connection:
            return records.unseen(connection, self._id, run_id, after, limit)

    def sample(self, latest: int, random: int) -> list[Level]:
        """Return the records that were written last and some at random, all with fingerprints, none of them gone."""
        with self._transaction() as connection:
            return records.sample(connection, self._id, latest, random)

    def forget_prints(self, keys: Collection[str] | None = None) -> None:
        """Forget the fingerprints of these records, or of all: the target is not what it was. Needs the lock."""
        with self._fenced() as connection:
            records.forget_prints(connection, self._id, keys)

    def drop(self, keys: Collection[str]) -> int:
        """Give up on those of the records that are dead, failed or have problems.

        They count as applied, and their problems as mended. The others stay as they are.

        Returns:
            How many there were.
        """
        with self._transaction() as connection:
            stuck = self._stuck(connection) & set(keys)
            problems.replace(connection, self._id, dict.fromkeys(sorted(stuck), ()), self._clock())
            return records.drop(connection, self._id, sorted(stuck))

    def retry(self, keys: Collection[str] | None = None) -> int:
        """Want these records again, or all that are dead, failed or have problems. Returns how many they are."""
        with self._transaction() as connection:
            if keys is None:
                keys = self._stuck(connection)
            return records.want(connection, self._id, sorted(keys), self._clock())

    def counts(self, now: datetime) -> LevelCounts:
        """Return how many records and problems there are."""
        with self._transaction() as connection:
            return overview.counts(connection, self._id, now)

    # Problems and the sync log

    def to_log(self, limit: int) -> tuple[list[LoggedProblem], list[str]]:
        """Return what the sync log should be told next, and note that it may know it from now on. Needs the lock.

        At most `MOST_LOGGED` errors are in the log, the oldest problems first. What was returned and not confirmed by
        `logged` is returned again.

        Returns:
            Errors to be added or changed, one per external ID, and external IDs to be resolved; each up to `limit`.
        """
        with self._fenced() as connection:
            return problems.to_log(connection, self._id, limit, MOST_LOGGED)

    def logged(self, external_ids: Collection[str], resolved: Collection[str]) -> None:
        """Record that the sync log took them. Needs the lock."""
        with self._fenced() as connection:
            problems.logged(connection, self._id, external_ids, resolved)

    def close_unconfirmed(self, run_id: str) -> int:
        """Forget, at the end of a walk, the records that it did not see and of which the target holds nothing.

        Their problems are mended thereby, and their names free. Needs the lock. Returns how many they were.
        """
        with self._fenced() as connection:
            keys = records.take_unconfirmed(connection, self._id, run_id)
            problems.replace(connection, self._id, dict.fromkeys(keys, ()), self._clock())
            self._claim(connection, dict.fromkeys(keys, ()))
            return len(keys)

    def problems(self, limit: int, offset: int = 0, code: str | None = None) -> list[OpenProblem]:
        """Return open problems, the oldest first."""
        with self._transaction() as connection:
            return problems.listed(connection, self._id, limit, offset, code)

    def open_problems(self) -> int:
        """Return how many external IDs have a problem."""
        with self._transaction() as connection:
            return problems.open_count(connection, self._id)

    def problems_since(self, moment: datetime) -> int:
        """Return how many external IDs have problems of which none was found before a moment."""
        with self._transaction() as connection:
            return problems.found_since(connection, self._id, moment)

    def logged_count(self) -> int:
        """Return how many of them the sync log has, or may have."""
        with self._transaction() as connection:
            return problems.logged_count(connection, self._id)

    def log_dates(self) -> LogDates:
        """Return what we last wrote to the sync log."""
        with self._transaction() as connection:
            return data_runs.log_dates(connection, self._id)

    def remember_log(self, dates: LogDates) -> None:
        """Remember what we wrote to the sync log. Needs the lock. None leaves as it is."""
        with self._fenced() as connection:
            data_runs.remember_log(connection, self._id, dates)

    def _stuck(self, connection: Connection) -> set[str]:
        return {*records.stuck(connection, self._id), *problems.keys_with_problems(connection, self._id)}

    def _claim(self, connection: Connection, wishes: Mapping[str, Collection[Name]]) -> dict[str, dict[Name, str]]:
        taken, woken = names.claim(connection, self._id, wishes)
        records.want(connection, self._id, woken, self._clock())
        return taken
