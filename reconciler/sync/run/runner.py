"""Runner of a DataSync: one run from its choice to its report, and the orderly ways to end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler import tracing
from reconciler.errors import ApiError, LedgerError, ReconcilerError
from reconciler.ledger.data.face import AsyncStore
from reconciler.ledger.data.model import CANCELLED, FINISHED, INTERRUPTED, STOPPED, DataRun
from reconciler.ledger.data.store import Store
from reconciler.sync.datatype import Telling
from reconciler.sync.heldback import HeldBack, held_back
from reconciler.sync.mode import Mode
from reconciler.sync.run.breaker import Outage
from reconciler.sync.run.context import Job, RunContext, begin, obeys, open_context
from reconciler.sync.run.counts import parts_in
from reconciler.sync.run.deletes import TooManyGone
from reconciler.sync.run.due import Past, choose, may_spare, walks_spare
from reconciler.sync.run.hearing import weigh
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.run.listening import Listening
from reconciler.sync.run.outages import tell, why_away
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.report import LimitReached, RunReport, State
from reconciler.sync.run.stages import Incomplete, Stages, Stopped
from reconciler.sync.run.stopping import CANCEL_GRACE_SECONDS
from reconciler.sync.run.synclog import Logbook

_GRACE_SECONDS = 30.0
_BEAT_SECONDS = 1.0
# Hands of other processes hear within a second that a run ends, and what they sent may be answered by then.
_DISMISSAL_SECONDS = 4.5
# What is under way of a run that ends to come back: it gives its slot back, and does not wait for that.
_SHORT_GRACE_SECONDS = 4.5
_LEDGER_STATES = {
    State.FINISHED: FINISHED,
    State.INTERRUPTED: INTERRUPTED,
    State.CANCELLED: CANCELLED,
    State.STOPPED: STOPPED,
}


async def run_sync(
    job: Job,
    asked: Mode | None,
    *,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None] = lambda _: None,
    listening: Listening | None = None,
) -> RunReport:
    """Run a sync once, while the caller holds its lock.

    Args:
        job: what to work with.
        asked: how to run; None: whatever is due. A run that was cut off is gone on with where it does at least that.
        stop: once set, nothing new is begun, and what is under way may end.
        on_progress: told about once a second; must not raise.
        listening: an incremental run listens for events once all else is done, until told that it is enough.

    Returns:
        What became of it, also where an API stayed away or a limit stopped it.

    Raises:
        NotApplied: other settings were applied than those that the job has; nothing was changed.
        TargetIncomplete: something that manifests declare is not at the target; nothing was changed.
        SourceIncomplete: something that decides the scope is not at the source; nothing was changed.
        LedgerError: the ledger cannot be used, or the lock was lost.
    """
    for traffic in (job.source_traffic, job.target_traffic):
        traffic.begin()
    # Of its own: what ends this run alone, such as a cancellation, is no end of what comes after it.
    own = asyncio.Event()
    if stop.is_set():
        own.set()
    passing = asyncio.create_task(_pass_on(stop, own))
    try:
        async with LedgerThread() as thread:
            await thread.call(job.set_clock)
            past = await thread.call(past_of, job.store)
            context = await _chosen(job, asked, past, AsyncStore(job.store, thread), own, on_progress, listening)
            scope = job.store.scope
            about = {
                "reconciler.environment": scope.environment,
                "reconciler.integration": scope.integration,
                "reconciler.data_type": scope.data_type,
                "reconciler.run.id": context.run.id,
                "reconciler.run.mode": context.run.mode,
            }
            with tracing.span("sync run", about) as under_way:
                report = await _Run(context, asked).go()
                if under_way is not None:
                    under_way.set_attribute("reconciler.run.state", report.state)
                return report
    finally:
        passing.cancel()


def past_of(store: Store) -> Past:
    """Return what the ledger knows of earlier runs."""
    runs = store.runs
    return Past(
        newest=runs.last(state=None),
        unfinished=runs.unfinished(),
        last=runs.last(),
        last_look=runs.last(lists=True),
        last_walk=runs.last(walks=True),
        last_whole=runs.last(walks=True, spares=False),
        last_full=runs.last(full=True),
        wanted=runs.wanted(),
        distrusts=store.memos.distrusted() is not None,
    )


async def _pass_on(stop: asyncio.Event, own: asyncio.Event) -> None:
    await stop.wait()
    own.set()


async def _chosen(
    job: Job,
    asked: Mode | None,
    past: Past,
    ledger: AsyncStore,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None],
    listening: Listening | None,
) -> RunContext:
    """Choose how to run, and begin or resume that run."""
    weighed = await weigh(job, ledger, past)
    choice = choose(asked, past, weighed.settings, job.data.digest, job.now())
    if choice.resume is None:
        spares = walks_spare(job.data, job.settings) and may_spare(
            choice.mode, past, job.settings.walk_interval, job.now()
        )
        run = await begin(job, ledger, choice.mode, spares=spares)
    else:
        run = await ledger.runs.resume(choice.resume.id, job.holder, obeys=obeys(job, choice.mode))
    if weighed.gaps:
        await ledger.hearing.note(weighed.since(run.started_at))
    context = open_context(
        job,
        ledger,
        run,
        stop,
        on_progress,
        resumed=choice.resume is not None,
        since=None if past.last is None else past.last.watermark,
        previous=past.newest,
        listening=listening,
    )
    if choice.resume is not None:
        context.meter.go_on(choice.resume.counts)
    return context


class _Ending(Struct, frozen=True):
    """How a run ended: its state, why, what to do, and the error that the caller is to meet."""

    state: State
    message: str | None = None
    next_step: str | None = None
    raised: ReconcilerError | None = None
    limit: LimitReached | None = None
    outage: Outage | None = None
    again_in: timedelta | None = None

    @property
    def noted(self) -> str | None:
        """What the ledger keeps. A run that was stopped waits for somebody: status says what for."""
        if self.state is State.STOPPED and self.next_step is not None:
            return f"{self.message}. {self.next_step}"
        return self.message


class _Run:
    """The life of one run."""

    def __init__(self, context: RunContext, asked: Mode | None) -> None:
        self._context = context
        self._asked = asked
        self._logbook = Logbook(context)
        self._stages = Stages(context, self._logbook)
        self._cancelled = asyncio.Event()
        self._superseded = False
        self._ended = False

    async def go(self) -> RunReport:
        """Run, and report."""
        body = asyncio.create_task(self._stages.do())
        beat = asyncio.create_task(self._beat())
        stopped = asyncio.create_task(self._context.stop.wait())
        try:
            with self._hurried():
                await asyncio.wait({body, stopped, beat}, return_when=asyncio.FIRST_COMPLETED)
                if not body.done() and not beat.done() and self._context.meter.phase is not Phase.CHECKING:
                    await self._hear_answers(body, beat)
            if beat.done() and not body.done():
                beat.result()  # the ledger failed it
            if not body.done():
                body.cancel()
            return await self._told(body)
        finally:
            for task in (body, beat, stopped):
                task.cancel()
            await asyncio.gather(body, beat, stopped, return_exceptions=True)
            await self._context.drafts.close()

    async def _hear_answers(self, body: asyncio.Task[None], beat: asyncio.Task[None]) -> None:
        """Wait for what was sent; a cancellation, whenever it is heard, leaves little time for that."""
        cancelled = asyncio.create_task(self._cancelled.wait())
        grace = _GRACE_SECONDS if self._context.back.asked is None else _SHORT_GRACE_SECONDS
        try:
            await asyncio.wait({body, beat, cancelled}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
            if cancelled.done():
                await asyncio.wait({body, beat}, timeout=CANCEL_GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()

    async def _told(self, body: asyncio.Task[None]) -> RunReport:
        """End the run and report, also when a second signal comes in between."""
        ending = asyncio.create_task(self._end(body))
        try:
            with self._hurried():
                await asyncio.wait({ending})
            return await ending
        finally:
            ending.cancel()

    @contextmanager
    def _hurried(self) -> Iterator[None]:
        """Within, a cancellation after `stop` ends the waiting, not the run: what is known is still told."""
        try:
            yield
        except asyncio.CancelledError:
            if not self._context.stop.is_set():
                raise

    async def _beat(self) -> None:
        """Note progress, and hear whether somebody cancels."""
        context, meter = self._context, self._context.meter
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            if self._ended:
                return
            meter.show()
            heard = await context.ledger.runs.beat(context.run.id, meter.news(), meter.phase.value)
            if heard.cancel:
                self._cancelled.set()
                context.stop.set()
            if heard.superseded and obeys(context.job, context.mode):
                self._superseded = True
                context.stop.set()

    async def _end(self, body: asyncio.Task[None]) -> RunReport:
        ending = await self._ending(body)
        if isinstance(ending.raised, LedgerError):
            raise ending.raised
        run = await self._noted(ending)
        if ending.outage is not None:
            again_in = await tell(self._context.job, self._context.ledger, ending.outage)
            ending = replace(ending, again_in=again_in)
        if ending.raised is not None:
            raise ending.raised
        self._context.meter.show()
        return await self._report(run, ending)

    async def _ending(self, body: asyncio.Task[None]) -> _Ending:
        """How the run ended: what it was made of decides, and what is no ending of a run goes on to the caller."""
        try:
            await body
        except (Stopped, asyncio.CancelledError):
            if self._cancelled.is_set():
                return _Ending(State.CANCELLED, "cancelled")
            if self._superseded:
                return _Ending(State.INTERRUPTED, "other settings were applied", "Run what was applied.")
            if (asked := self._context.back.asked) is not None:
                return self._away(asked)
            return self._interrupted("asked to stop")
        except (BaseExceptionGroup, Outage, TooManyGone, Incomplete, ReconcilerError) as error:
            match _first(error):
                case Outage() as outage:
                    return self._away(outage)
                case Incomplete() as incomplete:
                    return self._interrupted(str(incomplete))
                case TooManyGone() as limit:
                    return _Ending(State.STOPPED, limit.message, limit.next_step, limit=limit.limit)
                case ApiError() as failed:
                    return self._interrupted(failed.message, failed.next_step)
                case ReconcilerError() as refused:
                    return _Ending(State.STOPPED, refused.message, refused.next_step, refused)
                case unexpected:
                    raise unexpected from error
        listening = self._context.listening
        if self._cancelled.is_set() and listening is not None and listening.begun.is_set():
            return _Ending(State.CANCELLED, "cancelled")
        return _Ending(State.FINISHED)

    def _away(self, outage: Outage) -> _Ending:
        return replace(self._interrupted(why_away(self._context.job, outage)), outage=outage)

    def _interrupted(self, message: str, next_step: str | None = None) -> _Ending:
        step = next_step or f"`reconciler sync run {self._context.job.settings.command}` goes on with it."
        return _Ending(State.INTERRUPTED, message, step)

    async def _noted(self, ending: _Ending) -> DataRun:
        """Note in the ledger how the run ended, and return it as it stands there."""
        context = self._context
        run = context.run
        # What is noted from here on is the last of this run: no progress is noted after it.
        self._ended = True
        await self._stages.crew.dismiss(_DISMISSAL_SECONDS)
        await context.ledger.runs.update(run.id, counts=context.meter.news())
        state = _LEDGER_STATES[ending.state]
        await context.ledger.runs.end(run.id, state, context.job.now(), message=ending.noted)
        return await context.ledger.runs.run(run.id) or run

    async def _report(self, run: DataRun, ending: _Ending) -> RunReport:
        context = self._context
        now = await context.ledger.records.counts(context.job.now())
        return RunReport(
            sync=context.job.settings.name,
            data_type=context.data.name,
            entries=context.data.entries,
            ends=context.data.ends,
            mode=Mode.of(run.mode),
            asked=self._asked,
            run_id=run.id,
            state=ending.state,
            resumed=context.resumed,
            started_at=run.started_at,
            ended_at=run.ended_at or context.job.now(),
            counts={
                **run.counts,
                "problems": now.problems,
                "logged_problems": now.logged,
                "new_problems": await context.ledger.problems.found_since(run.started_at),
                "resolved": self._logbook.resolved,
            },
            parts=parts_in(run.counts, context.data.parts),
            requests=context.meter.requests(),
            held_back=await self._held_back(),
            remarks=(*context.remarks, *_told(context.sink), *context.meter.remarks()),
            message=ending.message,
            next_step=ending.next_step,
            limit=ending.limit,
            overrides=run.overrides,
            away=None if ending.outage is None else ending.outage.provider,
            again_in=ending.again_in,
        )

    async def _held_back(self) -> HeldBack:
        context = self._context
        counts = await context.ledger.records.counts(context.source_now)
        codes = await context.ledger.problems.by_code() if counts.held_back else ()
        allowed = context.job.settings.max_held_back_percent
        return held_back(context.data, allowed, counts.held_back, counts.in_scope, codes)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _told(sink: object) -> Sequence[str]:
    return sink.remarks if isinstance(sink, Telling) else ()
