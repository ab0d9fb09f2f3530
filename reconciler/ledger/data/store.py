"""Store of one scope: `.runs`, `.hands`, `.records`, `.names`, `.problems`, `.log`, `.hearing`, `.memos`, `.outages`.

Every method is one durable transaction. What needs the lock or a hand asks for it in the same transaction; where that
is no longer ours, nothing is changed and LockLost is raised. Any method raises LedgerError where the ledger cannot be
read or written. `face.AsyncStore` is the same for the event loop.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from reconciler.errors import LedgerError
from reconciler.ledger.data import claims, hearing, inbox_rows, log, names, obeyed, problems, unseen, wanted
from reconciler.ledger.data import runs as data_runs
from reconciler.ledger.data.clock import LedgerClock
from reconciler.ledger.data.hand_store import HandStore
from reconciler.ledger.data.inbox_model import Gap, InboxOverview
from reconciler.ledger.data.memo_store import MemoStore
from reconciler.ledger.data.model import (
    CANCELLED,
    FINISHED,
    CodeCount,
    DataRun,
    DataScope,
    LogDates,
    LoggedProblem,
    OpenProblem,
)
from reconciler.ledger.data.names import Name
from reconciler.ledger.data.outages import OutageStore
from reconciler.ledger.data.record_store import RecordStore, claim_names
from reconciler.ledger.data.runs import Heard
from reconciler.ledger.data.scoped import Scoped
from reconciler.ledger.database import Database, Transaction
from reconciler.ledger.lock import is_held

MOST_LOGGED = 5000
"""The sync log takes no more errors."""


class Store:
    """Store of one scope, open for writing."""

    def __init__(self, database: Database, scope: DataScope) -> None:
        self.scope = scope
        self.database = database
        self._scoped = Scoped(database, scope)
        self.runs = RunStore(self._scoped)
        self.records = RecordStore(self._scoped)
        self.names = NameStore(self._scoped)
        self.problems = ProblemStore(self._scoped)
        self.log = LogStore(self._scoped)
        self.hearing = HearingStore(self._scoped)
        self.memos = MemoStore(self._scoped)
        self.hands = HandStore(self._scoped)
        self.clock = LedgerClock(self.records.clock)
        self.outages = OutageStore(database)
        self.lock, self.watching = self._scoped.lock, self._scoped.watching
        self.listening, self.is_wished = self._scoped.listening, self._scoped.is_wished

    def is_locked(self) -> bool:
        """Whether somebody holds the scope's lock, so that a run may be under way."""
        return self._scoped.read(lambda tx: is_held(tx.connection, self.scope.lock_name, tx.now))


class RunStore:
    """The runs of a scope."""

    def __init__(self, scoped: Scoped) -> None:
        self._scoped = scoped

    def begin(
        self,
        mode: str,
        config: str,
        holder: str,
        now: datetime,
        *,
        lists: bool = False,
        walks: bool,
        full: bool,
        spares: bool = False,
        begins_log: bool | None = None,
        takes: Collection[str] = (),
        obeys: bool = True,
    ) -> DataRun:
        """Record that a run starts, and keep it. Needs the lock. Earlier runs that were cut off are over by it.

        Args:
            mode: how it treats what is there.
            config: digest of what decides the mapping.
            holder: who runs it, for people.
            now: when it starts.
            lists: it lists every record, as every walk does.
            walks: it reads everything.
            full: it is a full sync.
            spares: what a stamp says has not moved is not read.
            begins_log: the sync log begins anew with it: no problem counts as logged any more. None: as `full`.
            takes: modes in which runs were asked for that it does along with its own.
            obeys: whether it is one of those that only the settings which were applied last may begin.

        Raises:
            NotApplied: other settings were applied.
        """
        scope = self._scoped.id

        def begin(tx: Transaction) -> tuple[DataRun, str]:
            if obeys:
                obeyed.require(tx.connection, scope, config)
            run = data_runs.begin(
                tx.connection, scope, mode, config, holder, now, lists=lists, walks=walks, full=full, spares=spares
            )
            if full if begins_log is None else begins_log:
                problems.unlog_all(tx.connection, scope)
            wanted.taken(tx.connection, scope, run.id, takes)
            return run, self._scoped.keep(tx, run.id, holder)

        run, hand = self._scoped.write_locked(begin)
        self._scoped.kept(run.id, hand)
        return run

    def resume(self, run_id: str, holder: str, *, obeys: bool = True) -> DataRun:
        """Record that an unfinished run goes on, and keep it. Needs the lock.

        Raises:
            NotApplied: other settings were applied than those that it began with.
        """
        scope = self._scoped.id

        def resume(tx: Transaction) -> tuple[DataRun, str]:
            run = data_runs.go_on(tx.connection, scope, run_id, holder)
            if run is None:
                raise LedgerError(f"The ledger knows no run {run_id}", next_step="Run the sync again; it begins anew.")
            if obeys:
                obeyed.require(tx.connection, scope, run.config)
            return run, self._scoped.keep(tx, run_id, holder)

        run, hand = self._scoped.write_locked(resume)
        self._scoped.kept(run_id, hand)
        return run

    def beat(self, run_id: str, counts: Mapping[str, int], message: str) -> Heard:
        """Note how far a run is, and hear whether it is to go on, in one transaction. Needs the lock."""
        scope = self._scoped.id
        return self._scoped.write_locked(lambda tx: data_runs.beat(tx.connection, scope, run_id, counts, message))

    def update(
        self,
        run_id: str,
        *,
        listed: bool | None = None,
        log_opened: bool | None = None,
        completed_at: datetime | None = None,
        message: str | None = None,
        watermark: datetime | None = None,
        overrides: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Update a run. Needs the lock. None leaves a member as it is; `counts` are added to what was counted."""
        changes = {
            "listed": listed,
            "log_opened": log_opened,
            "completed_at": completed_at,
            "message": message,
            "watermark": watermark,
            "overrides": overrides,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        self._scoped.write_locked(lambda tx: data_runs.change(tx.connection, self._scoped.id, run_id, given, counts))

    def end(self, run_id: str, state: str, now: datetime, *, message: str | None = None) -> None:
        """Record that a run ended, and its hands with it. Needs the lock. What a cancelled one did nobody wants now."""
        scope = self._scoped.id

        def end(tx: Transaction) -> None:
            data_runs.end(tx.connection, scope, run_id, state, now, message)
            if state == CANCELLED:
                wanted.forget(tx.connection, scope, run_id)

        self._scoped.write_locked(end)
        self._scoped.ended(run_id)

    def run(self, run_id: str) -> DataRun | None:
        """Return a run, or None."""
        return self._scoped.read(lambda tx: data_runs.read(tx.connection, self._scoped.id, run_id))

    def unfinished(self) -> DataRun | None:
        """Return the newest run, where it can go on: it was cut off or interrupted. Else None."""
        return self._scoped.read(lambda tx: data_runs.unfinished(tx.connection, self._scoped.id))

    def last(
        self,
        *,
        lists: bool | None = None,
        walks: bool | None = None,
        full: bool | None = None,
        spares: bool | None = None,
        state: str | None = FINISHED,
    ) -> DataRun | None:
        """Return the newest run of that sort, or None. A state of None takes any."""
        return self._scoped.read(
            lambda tx: data_runs.newest(
                tx.connection, self._scoped.id, lists=lists, walks=walks, full=full, spares=spares, state=state
            )
        )

    def wanted(self) -> frozenset[str]:
        """Return the modes of runs that requests asked for and that none has finished."""
        return self._scoped.read(lambda tx: wanted.modes(tx.connection, self._scoped.id))

    def want(self, request: str, mode: str) -> None:
        """Record that a run is wanted, which somebody asked for in this mode; once for each request."""
        self._scoped.write(lambda tx: wanted.want(tx.connection, self._scoped.id, request, mode, tx.now))

    def give(self, request: str, run_id: str) -> None:
        """Record that a run that was begun before does what a request asked for; nothing where another has taken it."""
        self._scoped.write(lambda tx: wanted.given_to(tx.connection, self._scoped.id, request, run_id))

    def cancel(self) -> data_runs.Cancelled | None:
        """Ask the run that goes on to stop; it finds that in `run`. None: there is none."""
        return self._scoped.write(lambda tx: data_runs.cancel(tx.connection, self._scoped.id))


class _ClaimedMeanwhile(Exception):
    """Records were claimed that were read without a claim: what was done on their account is undone."""

    def __init__(self, keys: Collection[str]) -> None:
        super().__init__()
        self.keys = keys


class NameStore:
    """Unique names: at most one record of the scope owns each."""

    def __init__(self, scoped: Scoped) -> None:
        self._scoped = scoped

    def claim_many(
        self, wishes: Mapping[str, Collection[Name]], *, unclaimed: Collection[str] = frozenset()
    ) -> dict[str, dict[Name, str]]:
        """Claim unique names for records, and free those that they no longer use. Needs a hand.

        Names that a record had and does not ask for are free, and the records that wait for them are wanted again.
        A name that another record has stays with it, and this record waits for it. One after the other, in order.

        Args:
            wishes: names by record.
            unclaimed: keys of those that were read without a claim. Where the run claimed one, its names are left as
                they are: what they should be, somebody reads who may know better.

        Returns:
            By key, the names that others have, and which record has each; without those that were left.
        """
        scope, run, asked = self._scoped.id, self._scoped.run_id, dict(wishes)

        def claim(tx: Transaction) -> dict[str, dict[Name, str]]:
            taken = claim_names(tx, scope, asked)
            # Only now: whoever claimed one before we had its names has noted that by now.
            if left := claims.claimed_in(tx.connection, scope, run, [key for key in asked if key in unclaimed]):
                raise _ClaimedMeanwhile(left)
            return taken

        while True:
            try:
                return self._scoped.write_as_hand(claim)
            except _ClaimedMeanwhile as found:
                asked = {key: names for key, names in asked.items() if key not in found.keys}

    def owners(self, asked: Collection[Name]) -> dict[Name, str]:
        """Return which record has each of these names; those that nobody has are left out."""
        return self._scoped.read(lambda tx: names.owners_of(tx.connection, self._scoped.id, asked))


class ProblemStore:
    """Problems of a scope's records."""

    def __init__(self, scoped: Scoped) -> None:
        self._scoped = scoped

    def listed(self, limit: int, offset: int = 0, code: str | None = None) -> list[OpenProblem]:
        """Return open problems by code, the most frequent first, and the oldest of each first."""
        return self._scoped.read(lambda tx: problems.listed(tx.connection, self._scoped.id, limit, offset, code))

    def by_code(self) -> tuple[CodeCount, ...]:
        """Return how often each problem is open, the most frequent first."""
        return self._scoped.read(lambda tx: problems.by_code(tx.connection, self._scoped.id))

    def open_count(self) -> int:
        """Return how many external IDs have a problem."""
        return self._scoped.read(lambda tx: problems.open_count(tx.connection, self._scoped.id))

    def found_since(self, moment: datetime) -> int:
        """Return how many external IDs have problems of which none was found before a moment, nor in the future.

        What was found in the future is older than a clock that was set back.
        """
        return self._scoped.read(lambda tx: problems.found_between(tx.connection, self._scoped.id, moment, tx.now))

    def logged_count(self) -> int:
        """Return how many of them the sync log has, or may have."""
        return self._scoped.read(lambda tx: problems.logged_count(tx.connection, self._scoped.id))

    def close(self, keys: Collection[str]) -> None:
        """Close the problems of records that are not looked at any more, and stay. Needs the lock."""
        found: dict[str, tuple[()]] = dict.fromkeys(keys, ())
        self._scoped.write_locked(lambda tx: problems.replace(tx.connection, self._scoped.id, found, tx.now))

    def close_unconfirmed(self, run_id: str) -> int:
        """Forget, at the end of a walk, the records that it did not see and of which the target holds nothing.

        Their problems are mended thereby, and their names free. Needs the lock. Returns how many they were.
        """
        scope = self._scoped.id

        def close(tx: Transaction) -> int:
            keys = unseen.take_unconfirmed(tx.connection, scope, run_id)
            problems.replace(tx.connection, scope, dict.fromkeys(keys, ()), tx.now)
            claim_names(tx, scope, dict.fromkeys(keys, ()))
            return len(keys)

        return self._scoped.write_locked(close)


class LogStore:
    """State of the sync log: the errors that it has, those that it still needs, and its dates."""

    def __init__(self, scoped: Scoped) -> None:
        self._scoped = scoped

    def begin_anew(self) -> None:
        """Take note that whoever owns the sync log began it anew: no problem counts as logged. Needs the lock."""
        self._scoped.write_locked(lambda tx: problems.unlog_all(tx.connection, self._scoped.id))

    def to_log(self, limit: int, most: int = MOST_LOGGED) -> tuple[list[LoggedProblem], list[str]]:
        """Return the next errors for the sync log, and mark them as maybe logged. Needs the lock.

        At most so many errors of ours are in the log, the oldest problems first. What was returned and not confirmed by
        `logged` is returned again.

        Returns:
            Errors to be added or changed, one per external ID, and external IDs to be resolved; each up to `limit`.
        """
        scope = self._scoped.id
        return self._scoped.write_locked(lambda tx: problems.to_log(tx.connection, scope, limit, most))

    def logged(self, external_ids: Collection[str], resolved: Collection[str]) -> None:
        """Record that the sync log took these errors and resolutions. Needs the lock."""
        scope = self._scoped.id
        self._scoped.write_locked(lambda tx: problems.logged(tx.connection, scope, external_ids, resolved))

    def dates(self) -> LogDates:
        """Return the dates that we last wrote to the sync log."""
        return self._scoped.read(lambda tx: log.dates(tx.connection, self._scoped.id))

    def forget(self) -> None:
        """Forget that we wrote a sync log, because it was deleted: no problem counts as logged."""

        def forget(tx: Transaction) -> None:
            problems.unlog_all(tx.connection, self._scoped.id)
            log.forget(tx.connection, self._scoped.id)

        self._scoped.write(forget)

    def remember(self, dates: LogDates) -> None:
        """Record the dates that we wrote to the sync log. Needs the lock. None leaves one as it is."""
        self._scoped.write_locked(lambda tx: log.remember(tx.connection, self._scoped.id, dates))


class HearingStore:
    """What speaks against trusting the messages of a scope's records; see `hearing`."""

    def __init__(self, scoped: Scoped) -> None:
        self._scoped = scoped

    def note(self, gaps: Sequence[Gap]) -> None:
        """Note gaps; one of the same part and record takes the place of an older one."""
        self._scoped.write(lambda tx: hearing.note(tx.connection, self._scoped.id, gaps))

    def judge(self, before: datetime | None, now: datetime) -> dict[str, Gap]:
        """Judge what was noted, and return by part the newest gap that counts.

        Args:
            before: what was seen before is forgotten: a walk that began later has measured anew. None: nothing is.
            now: the clock of `Gap.seen_at`.
        """

        def judge(tx: Transaction) -> dict[str, Gap]:
            hearing.judge(tx.connection, self._scoped.id, before, now)
            return hearing.newest(tx.connection, self._scoped.id, now)

        return self._scoped.write(judge)

    def inbox(self) -> InboxOverview:
        """Return what the inbox of the data sync took."""
        return self._scoped.read(lambda tx: inbox_rows.overview(tx.connection, self._scoped.scope))
