"""One run of a DataSync, from the look at the target to the last date in the sync log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.errors import ApiError, ReconcilerError
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.ledger.data_model import CANCELLED, FINISHED, INTERRUPTED, STOPPED, DataRun
from reconciler.ledger.levels import Levels
from reconciler.sync.checking import Finding, check_target
from reconciler.sync.choosing import Choice, Past, choose
from reconciler.sync.committer import LedgerThread
from reconciler.sync.counting import counted
from reconciler.sync.departures import TooManyGone, discontinue_departed
from reconciler.sync.logbook import Logbook
from reconciler.sync.meter import Meter
from reconciler.sync.model import Mode, Part
from reconciler.sync.patience import Outage, Patience
from reconciler.sync.pipeline import Circumstances, Pipeline
from reconciler.sync.report import Phase, Progress, RunReport, State
from reconciler.sync.retries import Retries
from reconciler.sync.settings import SyncSettings, digest
from reconciler.sync.source import ProductSource, ids_of
from reconciler.sync.target import PROBE, Target
from reconciler.sync.traffic import Traffic

DATA_TYPE = "products"
OVERLAP = timedelta(minutes=10)
"""Longer than the search index lags behind."""
_PATIENCE_SECONDS = 900.0
_GRACE_SECONDS = 30.0
_BEAT_SECONDS = 1.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """What a run works with.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer.
        levels: the ledger of this sync.
        source_url: API base URL of the source, for links.
        holder: who runs it, for people.
        source_traffic: listens to `source`.
        target_traffic: listens to `target`.
        now: our clock, timezone-aware.
        patience: seconds for which nothing may go through before the run gives up.
    """

    settings: SyncSettings
    source: HttpReader
    target: HttpWriter
    levels: Levels
    source_url: str
    holder: str
    source_traffic: Traffic
    target_traffic: Traffic
    now: Callable[[], datetime] = field(default=_utc_now)
    patience: float = _PATIENCE_SECONDS


async def run_sync(
    job: Job, asked: Mode | None, *, stop: asyncio.Event, on_progress: Callable[[Progress], None] = lambda _: None
) -> RunReport:
    """Run a sync once, while the caller holds its lock.

    Args:
        job: what to work with.
        asked: how to run; None: whatever is due. A run that was cut off is gone on with where it does at least that.
        stop: once set, nothing new is begun, and what is under way may end.
        on_progress: told about once a second; must not raise.

    Returns:
        What became of it, also where an API stayed away or a limit stopped it.

    Raises:
        UsageError: something that manifests declare is not there; nothing was changed.
        LedgerError: the ledger cannot be used, or the lock was lost.
    """
    for traffic in (job.source_traffic, job.target_traffic):
        traffic.begin()
    async with LedgerThread() as thread:
        return await _Run(job, asked, thread, stop, on_progress).go()


class _Stopped(Exception):
    """The run was asked to stop, and nothing is under way any more."""


class _Incomplete(Exception):
    """The run came to its end, and something is still to be written."""


class _Run:
    """The state of one run."""

    def __init__(
        self,
        job: Job,
        asked: Mode | None,
        thread: LedgerThread,
        stop: asyncio.Event,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._job = job
        self._asked = asked
        self._thread = thread
        self._stop = stop
        self._cancelled = False
        self._limit: TooManyGone | None = None
        self._source_patience = Patience(job.patience)
        self._patience = Patience(job.patience, lambda: job.target.get(PROBE))
        self._source = ProductSource(job.source, job.settings)
        self._target = Target(job.target, job.settings, self._patience)
        self._logbook = Logbook(job.target, job.settings.integration, DATA_TYPE, job.levels, thread, self._patience)
        self._meter = Meter(self._target.counts, (job.source_traffic, job.target_traffic), on_progress)
        self._remarks: list[str] = []
        self._config = digest(job.settings)

    async def go(self) -> RunReport:
        """Choose, run, and report."""
        choice, finding, run = await self._begin()
        self._remarks += finding.remarks
        body = asyncio.create_task(self._body(run, finding))
        beat = asyncio.create_task(self._beat(run.id))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({body, stopped, beat}, return_when=asyncio.FIRST_COMPLETED)
            if not body.done() and not beat.done():
                await asyncio.wait({body, beat}, timeout=_GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if beat.done() and not body.done():
                beat.result()  # the ledger failed it
            if not body.done():
                body.cancel()
            return await self._end(run, choice, body)
        finally:
            for task in (body, beat, stopped):
                task.cancel()
            await asyncio.gather(body, beat, stopped, return_exceptions=True)

    async def _begin(self) -> tuple[Choice, Finding, DataRun]:
        levels, settings, now = self._job.levels, self._job.settings, self._job.now()
        call = self._thread.call
        past = Past(
            await call(levels.unfinished),
            await call(levels.last),
            await call(levels.last, walks=True),
            await call(levels.last, full=True),
        )
        self._since = None if past.last is None else past.last.watermark
        choice = choose(self._asked, past, settings, self._config, now)
        known = (await call(levels.counts, now)).records if choice.resume is None else 0
        self._meter.phase = Phase.CHECKING
        try:
            finding = await check_target(
                self._target, self._logbook, levels, self._thread, settings, choice.mode, known
            )
            # The answer carries the source's clock.
            total = await self._source_patience.bear(self._source.count)
        except Outage as outage:
            raise outage.error from outage
        self._meter.total = total if finding.mode.walks else None
        if choice.resume is not None:
            self._meter.go_on(choice.resume.counts, listed=choice.resume.listed)
            return choice, finding, await call(levels.resume, choice.resume.id, self._job.holder)
        if finding.repairs:
            await call(levels.forget_prints, finding.repairs)
            await call(levels.want, finding.repairs)
        run = await call(
            levels.begin,
            finding.mode.value,
            self._config,
            self._job.holder,
            now,
            self._source_now() - OVERLAP,
            walks=finding.mode.walks,
            full=finding.mode.is_full,
        )
        return choice, finding, run

    def _source_now(self) -> datetime:
        return self._job.now() + self._source.clock_offset

    async def _body(self, run: DataRun, finding: Finding) -> None:
        mode = Mode(run.mode)
        if mode.is_full and not run.log_opened:
            await self._logbook.open(run)
        prices = await self._target.all_prices() if mode is Mode.VERIFY else None
        circumstances = Circumstances(
            run.id, mode, self._job.settings, finding.list_currency, self._job.source_url, self._source_now, prices
        )
        async with asyncio.TaskGroup() as hands:
            pipeline = Pipeline(circumstances, self._target, self._job.levels, self._thread, hands)
            self._meter.tally = pipeline.tally
            keeper = hands.create_task(self._logbook.keep())
            try:
                await self._work(run, mode, pipeline)
            except TooManyGone as error:
                # What the walk found belongs into the log all the same.
                self._limit = error
            finally:
                keeper.cancel()
        await self._logbook.flush()
        if self._limit is not None:
            raise self._limit
        if self._stop.is_set():
            raise _Stopped
        await self._close(run, mode)

    async def _work(self, run: DataRun, mode: Mode, pipeline: Pipeline) -> None:
        levels, call = self._job.levels, self._thread.call
        if not run.listed:
            self._meter.phase = Phase.READING
            await self._read(mode, pipeline)
            await pipeline.drain()
            if self._stop.is_set():
                return
            await call(levels.update, run.id, listed=True)
        retries = Retries(run.id, self._source, pipeline, levels, self._thread, self._source_patience, self._source_now)
        self._meter.phase = Phase.RETRYING
        await retries.work_off(self._stop.is_set, patiently=mode.walks)
        if not mode.walks or self._stop.is_set():
            return
        self._meter.phase = Phase.DEPARTURES
        counts = await call(levels.counts, self._source_now())
        departures = await discontinue_departed(
            run.id,
            self._source,
            pipeline,
            levels,
            self._thread,
            self._source_patience,
            self._job.settings,
            counts.records - counts.gone,
            self._meter.checked,
            self._stop.is_set,
        )
        if self._stop.is_set():
            return
        if departures.left:
            pipeline.tally.left += departures.left
            self._remarks.append(
                f"{counted(departures.left, 'product')} did not come in the lists and still exist: left as they are"
            )
        await call(levels.close_unconfirmed, run.id)
        self._meter.phase = Phase.RETRYING
        await retries.work_off(self._stop.is_set, patiently=True)

    async def _read(self, mode: Mode, pipeline: Pipeline) -> None:
        if mode.walks:
            products = self._source.everything()
        elif self._since is not None and Part.STOCK in self._job.settings.parts:
            products = self._source.stock_changed_since(self._since)
        else:
            return
        known_only = bool(self._job.settings.catalogs) and not mode.walks
        async with aclosing(products) as chunks:
            async for chunk in chunks:
                taken = chunk
                if known_only:
                    # The list knows nothing of catalogs; what is new in them comes with the next walk.
                    known = await self._thread.call(self._job.levels.levels, ids_of(chunk))
                    taken = [product for product in chunk if product["ID"] in known]
                await pipeline.take(taken)
                if self._stop.is_set():
                    return

    async def _close(self, run: DataRun, mode: Mode) -> None:
        levels, call = self._job.levels, self._thread.call
        self._meter.phase = Phase.CLOSING
        if mode.walks and (still_open := await call(levels.open_count, run.id)):
            raise _Incomplete(f"{counted(still_open, 'record')} could not be written yet")
        now = self._job.now()
        await call(levels.update, run.id, completed_at=now)
        if mode.is_full:
            await self._logbook.close_full(now)
        elif self._meter.wrote_anything or self._logbook.added or self._logbook.resolved:
            await self._logbook.close_partial(now)

    async def _beat(self, run_id: str) -> None:
        """Note progress, and hear whether somebody cancels."""
        levels = self._job.levels
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self._meter.show()
            await self._thread.call(levels.update, run_id, counts=self._meter.news(), message=self._meter.phase.value)
            run = await self._thread.call(levels.run, run_id)
            if run is not None and run.cancel_requested and not self._stop.is_set():
                self._cancelled = True
                self._stop.set()

    async def _end(self, run: DataRun, choice: Choice, body: asyncio.Task[None]) -> RunReport:
        state, message, next_step = State.FINISHED, None, None
        try:
            await body
        except (_Stopped, asyncio.CancelledError):
            state, message = State.INTERRUPTED, "asked to stop"
            if self._cancelled:
                state, message = State.CANCELLED, "cancelled"
        except BaseExceptionGroup as group:
            error = _first(group)
            state, message, next_step = _ending(error)
        except (Outage, TooManyGone, _Incomplete, ReconcilerError) as error:
            state, message, next_step = _ending(error)
        if state is State.INTERRUPTED and next_step is None:
            next_step = f"`reconciler sync run {self._job.settings.name}` goes on with it."
        levels, now = self._job.levels, self._job.now()
        await self._thread.call(levels.update, run.id, counts=self._meter.news())
        ledger_state = {
            State.FINISHED: FINISHED,
            State.INTERRUPTED: INTERRUPTED,
            State.CANCELLED: CANCELLED,
            State.STOPPED: STOPPED,
        }[state]
        await self._thread.call(levels.end, run.id, ledger_state, now, message=message)
        ended = await self._thread.call(levels.run, run.id) or run
        problems = await self._thread.call(levels.open_problems)
        self._meter.show()
        return RunReport(
            sync=self._job.settings.name,
            data_type=DATA_TYPE,
            mode=Mode(run.mode),
            asked=self._asked,
            run_id=run.id,
            state=state,
            resumed=choice.resume is not None,
            started_at=run.started_at,
            ended_at=now,
            counts={
                **ended.counts,
                "problems": problems,
                "logged_problems": await self._thread.call(levels.logged_count),
                "new_problems": self._logbook.added,
                "resolved": self._logbook.resolved,
            },
            requests=self._meter.requests(),
            remarks=(*self._remarks, *self._logbook.remarks, *self._meter.remarks()),
            message=message,
            next_step=next_step,
        )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _ending(error: BaseException) -> tuple[State, str, str | None]:
    """How a run ends by an error; what is no failure of an API or a limit goes on to the caller."""
    if isinstance(error, Outage):
        return State.INTERRUPTED, error.error.message, None
    if isinstance(error, _Incomplete):
        return State.INTERRUPTED, str(error), None
    if isinstance(error, TooManyGone):
        return State.STOPPED, error.message, error.next_step
    if isinstance(error, ApiError):
        return State.INTERRUPTED, error.message, error.next_step
    raise error
