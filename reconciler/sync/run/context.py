"""Context of a run: what the caller gives it, and what its stages share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.clock import utc_now
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.http.retry import PATIENT, RetryPolicy
from reconciler.ledger.data.clock import LedgerClock
from reconciler.ledger.data.face import AsyncStore
from reconciler.ledger.data.model import DataRun
from reconciler.ledger.data.store import Store
from reconciler.sync.datatype import AnyDataType, Sink, Source
from reconciler.sync.mode import Mode
from reconciler.sync.run.attempts import PATIENCE_SECONDS
from reconciler.sync.run.breaker import Breaker, GivesBack
from reconciler.sync.run.drafts import Drafts
from reconciler.sync.run.listening import Listening
from reconciler.sync.run.log_pace import LogPace
from reconciler.sync.run.meter import Meter
from reconciler.sync.run.progress import Progress
from reconciler.sync.run.queue import Inline, Queue
from reconciler.sync.run.rehearsal import Rehearsal, RehearsedSink
from reconciler.sync.run.traffic import Traffic
from reconciler.sync.settings import SyncSettings


def transport(patience: float, gives_back: float | None = None) -> RetryPolicy:
    """Return the bounds of the transport's own repeating: what failed is left to the breaker, see `attempts.py`."""
    return replace(PATIENT, seconds=patience, failures=1, gives_back=gives_back)


class Job(Struct, frozen=True):
    """What a run is given.

    Args:
        settings: of the DataSync.
        data: what flows.
        source: connection to the source.
        target: connection to the target, for what is only read.
        writer: the same for what is written; None: nothing is, the run is a rehearsal.
        store: what the ledger keeps of this sync.
        source_url: API base URL of the source, for links.
        holder: who runs it, for people.
        source_traffic: listens to `source`.
        target_traffic: listens to `target`.
        now: the clock of all dates that are noted, timezone-aware: the ledger's, where several processes share it.
        patience: seconds for which nothing may go through before the run gives up.
        overrides: limits of the manifest that this run may pass, each with the reason.
        rehearsal: takes what a run without a writer would write.
        unheard: tells by part why its messages cannot come now, as far as manifests and ledger say; it asks the ledger.
        pace: of the sync logs; data types that run side by side share it.
        queue: wakes hands of other processes.
        gives_back: seconds that it waits for an API; for longer it ends in order, and says when it comes back. None:
            it waits, for `patience` and for as long as it is asked to.
        shared: names in the ledger of the APIs, by provider, where processes share what they know of them; see
            `Connection.rate_key`.
    """

    settings: SyncSettings
    data: AnyDataType
    source: HttpReader
    target: HttpReader
    writer: HttpWriter | None
    store: Store
    source_url: str
    holder: str
    source_traffic: Traffic
    target_traffic: Traffic
    now: Callable[[], datetime] = field(default=utc_now)
    patience: float = PATIENCE_SECONDS
    overrides: Mapping[str, str] = {}
    rehearsal: Rehearsal = field(default_factory=Rehearsal)
    unheard: Callable[[], Mapping[str, str]] = dict
    pace: LogPace = field(default_factory=LogPace)
    queue: Queue = field(default_factory=Inline)
    gives_back: float | None = None
    shared: Mapping[str, str] = {}

    @property
    def machine_now(self) -> datetime:
        """The time by this machine's clock, which is what the clocks of the APIs were held against."""
        return self.now.here() if isinstance(self.now, LedgerClock) else self.now()

    @property
    def machine_ahead(self) -> timedelta:
        """How far this machine's clock is ahead of the ledger's."""
        return -self.now.ahead if isinstance(self.now, LedgerClock) else timedelta()

    def set_clock(self) -> None:
        """Ask the ledger for its time, where that is the clock; it blocks.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        if isinstance(self.now, LedgerClock):
            self.now.ask()


class RunContext(Struct, kw_only=True):
    """What the stages of a run share.

    Args:
        job: what the run was given.
        run: the run as the ledger has it; another one where the target turns out to need a more thorough one.
        ledger: what the ledger keeps of this sync, for the event loop.
        source: reads the records.
        sink: writes them.
        drafts: maps them.
        target_breaker: repeats requests to the target.
        meter: counts.
        stop: once set, nothing new is begun.
        back: sets it where an API asks for a longer wait than the run bears.
        resumed: it goes on with a run that was cut off.
        since: the watermark of the last run that finished; None: there is none.
        previous: the newest run as it was before, which may be this one; None: there is none.
        began: when this process took it up, in seconds that only grow.
        facts: what the sink told the mapper about the target.
        whole: what the target only tells as a whole, where the run verifies.
        limit_lifted: it deletes more than the manifest allows, because somebody overrode that.
        remarks: what the run went through, for people.
        listening: how it listens for events once all else is done; None: it ends then.
        keeps: whether this process keeps the run; else it lends a hand to it.
    """

    job: Job
    run: DataRun
    ledger: AsyncStore
    source: Source[Any]
    sink: Sink[Any]
    drafts: Drafts
    target_breaker: Breaker
    meter: Meter
    stop: asyncio.Event
    back: GivesBack
    resumed: bool = False
    since: datetime | None = None
    previous: DataRun | None = None
    began: float = field(default_factory=monotonic)
    facts: Any = None
    whole: Any = None
    limit_lifted: bool = False
    remarks: list[str] = []
    listening: Listening | None = None
    keeps: bool = True

    @property
    def data(self) -> AnyDataType:
        """The data type."""
        return self.job.data

    @property
    def mode(self) -> Mode:
        """How the run treats what the target should already hold."""
        return Mode.of(self.run.mode)

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to stop."""
        return self.stop.is_set()

    @property
    def source_now(self) -> datetime:
        """The time in the source's clock."""
        return self.job.machine_now + self.source.clock_offset

    @property
    def source_start(self) -> datetime:
        """The time in the source's clock when this process took the run up, whatever our own did since.

        The more answers came by now, the less does it matter what one of them says.
        """
        return self.source.time_at(self.began) or self.run.started_at

    async def begin(self, mode: Mode) -> None:
        """Begin a run in this mode, in place of the one that was chosen."""
        self.run = await begin(self.job, self.ledger, mode)
        self.resumed = False
        self.meter.begin_anew()


def obeys(job: Job, mode: Mode) -> bool:
    """Whether a run is one that only the settings which were applied last may make: no rehearsal, and no removal."""
    return job.writer is not None and mode is not Mode.REMOVE


async def begin(job: Job, ledger: AsyncStore, mode: Mode, *, spares: bool = False) -> DataRun:
    """Record in the ledger that a run begins; `spares`: it skips what stamps say has not moved."""
    return await ledger.runs.begin(
        mode.value,
        job.data.digest,
        job.holder,
        job.now(),
        lists=mode.lists,
        walks=mode.walks,
        full=mode.is_full,
        spares=spares,
        begins_log=mode.is_full and job.data.log is not None and job.data.log.owned,
        takes=mode.covered,
        obeys=obeys(job, mode),
    )


def open_context(
    job: Job,
    ledger: AsyncStore,
    run: DataRun,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None],
    *,
    resumed: bool,
    since: datetime | None,
    previous: DataRun | None,
    listening: Listening | None = None,
    keeps: bool = True,
) -> RunContext:
    """Return the context of a run that was chosen."""
    back = GivesBack(job.gives_back, stop)
    target_breaker = _breaker(job, job.target_traffic, back, probes=True)
    sink = _sink(job, target_breaker, stop)
    traffic: Sequence[Traffic] = (job.source_traffic, job.target_traffic)

    def progresses(progress: Progress) -> None:
        on_progress(replace(progress, data_type=job.settings.data_type))

    return RunContext(
        job=job,
        run=run,
        ledger=ledger,
        source=job.data.source(job.source, _breaker(job, job.source_traffic, back)),
        sink=sink,
        drafts=Drafts(job.data),
        target_breaker=target_breaker,
        meter=Meter(lambda: sink.counts, traffic, progresses),
        stop=stop,
        back=back,
        resumed=resumed,
        since=since,
        previous=previous,
        listening=listening,
        keeps=keeps,
    )


def _sink(job: Job, breaker: Breaker, stop: asyncio.Event) -> Sink[Any]:
    if job.writer is None:
        return RehearsedSink(job.data.target(job.target, breaker), job.rehearsal)
    return job.data.sink(job.writer, breaker, stop.is_set)


def _breaker(job: Job, traffic: Traffic, back: GivesBack, *, probes: bool = False) -> Breaker:
    probe = (lambda: job.target.get(job.data.probe)) if probes else None
    seconds = job.patience if back.longest is None else min(job.patience, back.longest)
    return Breaker(seconds, probe, on_wait=traffic.holds, provider=traffic.provider, back=back)
