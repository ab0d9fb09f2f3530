"""Values of the data plane in the ledger: records and their levels, runs, problems."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from reconciler.ledger.data.inbox_model import Gap, SyncInbox
from reconciler.ledger.data.service_model import Applied, RunningNow, ServiceProcess, Turn

RUNNING, FINISHED = "running", "finished"
INTERRUPTED, CANCELLED, STOPPED = "interrupted", "cancelled", "stopped"
"""Where a run stands. `running` with nobody who holds the lock: it was cut off."""

RESUMABLE = (RUNNING, INTERRUPTED)
"""The states from which a run can go on."""
SEEN_BEFORE = "seen_before"
"""Among the counts of a run: how many of those seen were so when it was last gone on with."""


class DataScope(Struct, frozen=True):
    """Scope of a data sync in the ledger: the key of its records, names, problems and runs, and what one lock covers.

    Args:
        environment: name of the Environment manifest.
        target: which live side is written: `Connection.live_side`.
        integration: live ID of the DataSync.
        data_type: of the sync log, e.g. `products`.
    """

    environment: str
    target: str
    integration: str
    data_type: str

    @property
    def lock_name(self) -> str:
        """Name of its lock: one run at a time per environment, integration and data type."""
        return f"{self.environment}/{self.integration}/{self.data_type}"

    @property
    def wish_name(self) -> str:
        """Name of the lock of who waits for its lock while its holder only listens."""
        return f"{self.lock_name}/wish"

    @property
    def listen_name(self) -> str:
        """Name of the lock that says that the holder of its lock only listens."""
        return f"{self.lock_name}/listen"

    @property
    def watch_name(self) -> str:
        """Name of the lock of `sync watch`, which holds nothing else between two runs."""
        return f"{self.lock_name}/watch"


class Level(Struct, frozen=True):
    """State of one record: revisions, fingerprints, retries.

    Args:
        key: its ID in the source.
        wanted: the revision that should be in the target.
        applied: the revision that is; never more than `wanted`.
        attempts: tries that failed since it was last wanted.
        is_open: there is something to do for it: more is wanted than applied, or a write was not settled.
        retry_at: an open record is not tried before; None: at once.
        due_at: when it must be looked at again though nobody wants it, because a sale begins or ends.
        prints: fingerprint of each part that the target certainly holds; none of one that was sent and not settled.
        held: what the target holds of it, as the sync noted.
        gone: it is gone from the source, and the target was told.
        dead: it failed too often, and is left alone until it is wanted again.
        doubtful: a part of it was sent, and nobody recorded whether it arrived.
        problems: something is wrong with it.
        seen_run: the last run that saw it and had something to note in its row; None: no run ever saw it.
        is_seen: the run under way did, where it was read by a hand of that.
        look: fingerprint of what lists showed of it last; None: not known.
        heard: the revision that a message raised last; 0: none did.
    """

    key: str
    wanted: int
    applied: int
    attempts: int
    is_open: bool
    retry_at: datetime | None
    due_at: datetime | None
    prints: Mapping[str, bytes]
    held: Mapping[str, Any]
    gone: bool
    dead: bool
    doubtful: bool
    problems: bool
    seen_run: str | None
    is_seen: bool = False
    look: bytes | None = None
    heard: int = 0

    @property
    def is_written(self) -> bool:
        """Whether nothing is to be done for it, or only once more, when no other write can arrive any more."""
        return not self.is_open or (self.applied == self.wanted and self.attempts == 0 and self.retry_at is not None)

    @property
    def is_told(self) -> bool:
        """Whether a message raised it that was not worked off yet."""
        return self.heard > self.applied


class ProblemRow(Struct, frozen=True):
    """Problem of a record: at most one per external ID, part and code.

    Args:
        external_id: the record's ID in the sync log.
        part: what it keeps from going through.
        code: stable, e.g. `no-sku`.
        message: for a merchant.
        url: link to the record.
    """

    external_id: str
    part: str
    code: str
    message: str
    url: str


class Result(Struct, frozen=True):
    """Result of the work on one record.

    Args:
        key: its ID in the source.
        revision: the wanted one as it was before the source was read; None: as it is now. Where more is wanted by
            now, the record stays open.
        prints: fingerprints of the parts that the target now holds, None for a part that it certainly does not hold
            at all; other parts stay as they are, also in doubt.
        held: what the target holds of it now, as JSON data; None: as it was.
        problems: everything that is wrong with it now; what is not among them is mended. None: as it was.
        due_at: when it must be looked at again by itself.
        gone: it is gone from the source, and the target was told.
        gone_at: when it was told, where that counts for the limit of a day.
        retry_at: it stays open whatever its revision, and is read again then; None: that is for the revision to say.
        names: kinds and values of the names that it keeps; the others become free. None: as it was, and none where it
            is gone.
        token: the claim under which it was worked on; a claim that somebody took over records nothing.
        unclaimed: it was read without a claim, as a list has it: where the run claimed it, this records nothing.
        written: something of it was sent.
        held_back: a problem keeps all of it from going through.
        look: fingerprint of what lists show of it; None: as it was.
        counts: what it adds to the counts of its run.
    """

    key: str
    revision: int | None = None
    prints: Mapping[str, bytes | None] = {}
    held: Mapping[str, Any] | None = None
    problems: tuple[ProblemRow, ...] | None = ()
    due_at: datetime | None = None
    gone: bool = False
    gone_at: datetime | None = None
    retry_at: datetime | None = None
    names: Collection[tuple[str, str]] | None = None
    token: str | None = None
    unclaimed: bool = False
    written: bool = True
    held_back: bool = False
    look: bytes | None = None
    counts: Mapping[str, int] = {}


class DataRun(Struct, frozen=True):
    """One run of a sync.

    Args:
        id: names it.
        mode: how it treats what is there, in the words of the sync.
        lists: every record of the source is listed. A walk does that, too.
        walks: every record of the source is read as a whole.
        full: it is a full sync to the sync log.
        spares: what its source's stamp said had not moved was not read, but taken as noted.
        state: `running`, `finished`, `interrupted`, `cancelled` or `stopped`.
        holder: who runs it, for people.
        started_at: when it began.
        watermark: the source's clock at its start, less the overlap: what the next run asks from.
        listed: the source was read to its end.
        log_opened: the sync log knows of it.
        completed_at: when its last record was done.
        ended_at: when it ended, whatever its state.
        config: digest of the settings that decide the mapping.
        counts: records by outcome.
        message: why it ended as it did.
        cancel_requested: somebody asked it to stop.
        overrides: limits that it overrode, each with the reason.
    """

    id: str
    mode: str
    lists: bool
    walks: bool
    full: bool
    state: str
    holder: str
    started_at: datetime
    watermark: datetime | None
    listed: bool
    log_opened: bool
    completed_at: datetime | None
    ended_at: datetime | None
    config: str
    counts: Mapping[str, int]
    message: str | None
    cancel_requested: bool
    overrides: Mapping[str, str] = {}
    spares: bool = False


class LoggedProblem(Struct, frozen=True):
    """One error of the sync log: everything that is wrong with one external ID."""

    external_id: str
    message: str
    url: str


class OpenProblem(Struct, frozen=True):
    """A problem as `sync errors` lists it; `logged`: the sync log has it."""

    key: str
    problem: ProblemRow
    found_at: datetime
    logged: bool


class CodeCount(Struct, frozen=True):
    """Count of open problems with one code.

    Args:
        code: of the problem.
        external_ids: products and variants, or whatever else the sync log has, that have it.
        held: external IDs with it of records that it may hold back as a whole, a thousand at most.
        held_back: records with it that are held back as a whole.
    """

    code: str
    external_ids: int
    held: tuple[str, ...] = ()
    held_back: int = 0


class OpenProblems(Struct, frozen=True):
    """A page of the open problems of a sync, and how many there are, all of the same moment.

    Args:
        open: external IDs with a problem.
        logged: those of them that the sync log has.
        listed: the page.
        codes: how often each problem is open, the most frequent first.
        held_back: records of which a problem keeps all from going through.
        in_scope: records that are to be in the target.
    """

    open: int = 0
    logged: int = 0
    listed: tuple[OpenProblem, ...] = ()
    codes: tuple[CodeCount, ...] = ()
    held_back: int = 0
    in_scope: int = 0


class LogDates(Struct, frozen=True):
    """The dates that we last wrote to the sync log, to tell a log that is not ours."""

    started: datetime | None = None
    last_full: datetime | None = None
    last_partial: datetime | None = None


class Distrust(Struct, frozen=True):
    """Why a source's stamps prove nothing: `key` moved though its stamp did not, as was found `since` then."""

    since: datetime
    key: str


class LevelCounts(Struct, frozen=True):
    """Counts of the records and problems of a scope.

    Args:
        records: all that are known.
        open: wanted and not applied, dead ones left out.
        dead: failed too often.
        waiting: open, and not to be tried before a moment in the future.
        due: not open, but due by itself now.
        gone: gone from the source.
        problems: external IDs with a problem.
        logged: those of them that the sync log has.
        held_back: records of which a problem keeps all from going through.
    """

    records: int = 0
    open: int = 0
    dead: int = 0
    waiting: int = 0
    due: int = 0
    gone: int = 0
    problems: int = 0
    logged: int = 0
    held_back: int = 0

    @property
    def in_scope(self) -> int:
        """Records that are to be in the target."""
        return self.records - self.gone


class SyncOverview(Struct, frozen=True):
    """Overview of one scope for `sync status` and drift, read without a lock.

    Args:
        counts: records and problems.
        running: who runs it now, or seems to.
        newest: the newest run, whatever its state.
        last_finished: the newest run that finished.
        last_look: the newest finished run that listed every record.
        last_walk: the newest finished run that read everything.
        last_whole: the newest finished run that read everything and took nothing as noted.
        last_spared: the newest finished walk that took something as noted.
        last_full: the newest finished full sync.
        unfinished: the run that the next start goes on with.
        next_due: the earliest moment at which a record is due or to be tried again.
        log: what we last wrote to the sync log.
        codes: open problems by code, the most frequent first.
        wanted: modes of runs that requests asked for and that none has finished.
        recent: runs that finished, the newest first; some dozens.
        inbox: what messages came for its data sync.
        serving: processes that serve the environment, or seem to.
        hands: who works on the newest run beside its keeper.
        applied: what the last apply said of its settings; None: it said nothing.
        gaps: by part, the newest cause why its messages may not be trusted.
        distrust: why the source's stamps prove nothing; None: they do.
        turn: of the last attempt, where that was a worker's.
    """

    counts: LevelCounts = field(default_factory=LevelCounts)
    running: RunningNow | None = None
    newest: DataRun | None = None
    last_finished: DataRun | None = None
    last_look: DataRun | None = None
    last_walk: DataRun | None = None
    last_whole: DataRun | None = None
    last_spared: DataRun | None = None
    last_full: DataRun | None = None
    unfinished: DataRun | None = None
    next_due: datetime | None = None
    log: LogDates = field(default_factory=LogDates)
    codes: tuple[CodeCount, ...] = ()
    wanted: frozenset[str] = frozenset()
    recent: tuple[DataRun, ...] = ()
    inbox: SyncInbox = field(default_factory=SyncInbox)
    serving: tuple[ServiceProcess, ...] = ()
    hands: tuple[str, ...] = ()
    applied: Applied | None = None
    gaps: Mapping[str, Gap] = {}
    distrust: Distrust | None = None
    turn: Turn | None = None


class Glance(Struct, frozen=True):
    """What a page shows of one scope beside its overview.

    Args:
        runs: those since a moment, the newest first.
        dead: some of its dead letters.
        codes: open problems by code, the most frequent first.
        problems: some of each code, in that order.
        oldest_at: since when the oldest record that is to be written now is ready; None: none is.
    """

    runs: tuple[DataRun, ...] = ()
    dead: tuple[str, ...] = ()
    codes: tuple[CodeCount, ...] = ()
    problems: tuple[OpenProblem, ...] = ()
    oldest_at: datetime | None = None
