"""One run of a DataSync from its choice to its report, and the orderly ways to end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reconciler.errors import ApiError, LedgerError, ReconcilerError
from reconciler.ledger.data.model import CANCELLED, FINISHED, INTERRUPTED, STOPPED, DataRun
from reconciler.sync.mode import Mode
from reconciler.sync.products.sink import PROBE, Target
from reconciler.sync.products.source import ProductSource
from reconciler.sync.run.breaker import Outage, Patience
from reconciler.sync.run.context import Job
from reconciler.sync.run.deletes import TooManyGone
from reconciler.sync.run.due import Past, choose
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.run.meter import Meter
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.report import RunReport, State
from reconciler.sync.run.stages import Incomplete, Stopped, Work
from reconciler.sync.run.synclog import Logbook
from reconciler.sync.settings import digest

DATA_TYPE = "products"
_GRACE_SECONDS = 30.0
_BEAT_SECONDS = 1.0
_LEDGER_STATES = {
    State.FINISHED: FINISHED,
    State.INTERRUPTED: INTERRUPTED,
    State.CANCELLED: CANCELLED,
    State.STOPPED: STOPPED,
}


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
        TargetIncomplete: something that manifests declare is not there; nothing was changed.
        LedgerError: the ledger cannot be used, or the lock was lost.
    """
    for traffic in (job.source_traffic, job.target_traffic):
        traffic.begin()
    async with LedgerThread() as thread:
        return await _Run(job, asked, thread, stop, on_progress).go()


class _Run:
    """The life of one run."""

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
        patience = Patience(job.patience, lambda: job.target.get(PROBE))
        self._source = ProductSource(job.source, job.settings)
        self._target = Target(job.target, job.settings, patience, stop.is_set)
        self._logbook = Logbook(job.target, job.settings.integration, DATA_TYPE, job.levels, thread, patience)
        self._meter = Meter(self._target.counts, (job.source_traffic, job.target_traffic), on_progress)

    async def go(self) -> RunReport:
        """Choose, run, and report."""
        work = await self._begin()
        body = asyncio.create_task(work.do())
        beat = asyncio.create_task(self._beat(work))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({body, stopped, beat}, return_when=asyncio.FIRST_COMPLETED)
            if not body.done() and not beat.done() and self._meter.phase is not Phase.CHECKING:
                await asyncio.wait({body, beat}, timeout=_GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if beat.done() and not body.done():
                beat.result()  # the ledger failed it
            if not body.done():
                body.cancel()
            return await self._end(work, body)
        finally:
            for task in (body, beat, stopped):
                task.cancel()
            await asyncio.gather(body, beat, stopped, return_exceptions=True)

    async def _begin(self) -> Work:
        levels, settings, now = self._job.levels, self._job.settings, self._job.now()
        call = self._thread.call
        past = Past(
            newest=await call(levels.last, state=None),
            unfinished=await call(levels.unfinished),
            last=await call(levels.last),
            last_walk=await call(levels.last, walks=True),
            last_full=await call(levels.last, full=True),
        )
        config = digest(settings)
        choice = choose(self._asked, past, settings, config, now)
        if choice.resume is not None:
            self._meter.go_on(choice.resume.counts)
            run = await call(levels.resume, choice.resume.id, self._job.holder)
        else:
            run = await call(
                levels.begin,
                choice.mode.value,
                config,
                self._job.holder,
                now,
                None,
                walks=choice.mode.walks,
                full=choice.mode.is_full,
            )
        return Work(
            self._job,
            run,
            self._thread,
            self._source,
            self._target,
            self._logbook,
            Patience(self._job.patience),
            self._meter,
            self._stop,
            resumed=choice.resume is not None and run.watermark is not None,
            since=None if past.last is None else past.last.watermark,
            config=config,
        )

    async def _beat(self, work: Work) -> None:
        """Note progress, and hear whether somebody cancels."""
        levels = self._job.levels
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self._meter.show()
            run_id, news = work.run.id, self._meter.news()
            await self._thread.call(levels.update, run_id, counts=news, message=self._meter.phase.value)
            run = await self._thread.call(levels.run, run_id)
            if run is not None and run.cancel_requested and not self._stop.is_set():
                self._cancelled = True
                self._stop.set()

    async def _end(self, work: Work, body: asyncio.Task[None]) -> RunReport:
        state, message, next_step = State.FINISHED, None, None
        raised: ReconcilerError | None = None
        try:
            await body
        except (Stopped, asyncio.CancelledError):
            state, message = State.INTERRUPTED, "asked to stop"
            if self._cancelled:
                state, message = State.CANCELLED, "cancelled"
        except (BaseExceptionGroup, Outage, TooManyGone, Incomplete, ReconcilerError) as error:
            first = _first(error)
            if isinstance(first, ReconcilerError) and not isinstance(first, ApiError):
                state, message, raised = State.STOPPED, first.message, first
            else:
                state, message, next_step = _ending(first)
        if isinstance(raised, LedgerError):
            raise raised
        step = next_step if raised is None else raised.next_step
        # A run that was stopped waits for somebody: status says what for.
        noted = f"{message}. {step}" if state is State.STOPPED and step is not None else message
        run = await self._noted(work.run, state, noted)
        if raised is not None:
            raise raised
        if state is State.INTERRUPTED and next_step is None:
            next_step = f"`reconciler sync run {self._job.settings.name}` goes on with it."
        levels, call = self._job.levels, self._thread.call
        self._meter.show()
        return RunReport(
            sync=self._job.settings.name,
            data_type=DATA_TYPE,
            mode=Mode(run.mode),
            asked=self._asked,
            run_id=run.id,
            state=state,
            resumed=work.resumed,
            started_at=run.started_at,
            ended_at=run.ended_at or self._job.now(),
            counts={
                **run.counts,
                "problems": await call(levels.open_problems),
                "logged_problems": await call(levels.logged_count),
                "new_problems": await call(levels.problems_since, run.started_at),
                "resolved": self._logbook.resolved,
            },
            requests=self._meter.requests(),
            remarks=(*work.remarks, *self._logbook.remarks, *self._meter.remarks()),
            message=message,
            next_step=next_step,
        )

    async def _noted(self, run: DataRun, state: State, message: str | None) -> DataRun:
        """Note in the ledger how the run ended, and return it as it stands there."""
        levels, call = self._job.levels, self._thread.call
        await call(levels.update, run.id, counts=self._meter.news())
        await call(levels.end, run.id, _LEDGER_STATES[state], self._job.now(), message=message)
        return await call(levels.run, run.id) or run


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _ending(error: BaseException) -> tuple[State, str, str | None]:
    """How a run ends by an error of an API or a limit; what is neither goes on to the caller."""
    if isinstance(error, Outage):
        return State.INTERRUPTED, error.error.message, None
    if isinstance(error, Incomplete):
        return State.INTERRUPTED, str(error), None
    if isinstance(error, TooManyGone):
        return State.STOPPED, error.message, error.next_step
    if isinstance(error, ApiError):
        return State.INTERRUPTED, error.message, error.next_step
    raise error
