"""Hand of a run that another process keeps: it works off what is open, and leaves the rest to the keeper.

A hand lists nothing but ranges of a walk that is divided, never closes the run, never writes the sync log, and deletes
only what the ledger has room for. Its fence is its membership in the run: without that, nothing that it did is noted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum

from msgspec import Struct, field

from reconciler.errors import ApiError, LedgerError, LockLost, ReconcilerError
from reconciler.ledger.data.face import AsyncStore
from reconciler.ledger.data.model import DataRun
from reconciler.sync.run.abilities import Learning, Remembering
from reconciler.sync.run.breaker import Outage
from reconciler.sync.run.context import Job, RunContext, open_context
from reconciler.sync.run.counts import Requests, Tally
from reconciler.sync.run.deletes import Deletes, TooManyGone
from reconciler.sync.run.feed import Feed
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.run.outages import tell, why_away
from reconciler.sync.run.pipeline import Pipeline
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.ranges import Ranges
from reconciler.sync.run.stopping import CANCEL_GRACE_SECONDS

_BEAT_SECONDS = 1.0
_GRACE_SECONDS = 30.0


class End(StrEnum):
    """Why a hand ended."""

    DONE = "nothing was left to do"
    NOT_UNDER_WAY = "the run is not under way, or takes no hands"
    OTHER_SETTINGS = "the run has other settings"
    OVER = "the run ended, or went on without this hand"
    CANCELLED = "the run was cancelled"
    STOPPED = "asked to stop"
    AWAY = "an API is away, or asks to be left alone"
    LIMIT = "more would be deleted than may be"
    FAILED = "something could not be read or written"


class HandReport(Struct, frozen=True):
    """What a hand did.

    Args:
        run_id: the run.
        end: why it ended.
        message: what failed, for people; None: nothing did.
        tally: records by outcome.
        requests: by provider.
    """

    run_id: str
    end: End
    message: str | None = None
    tally: Tally = field(default_factory=Tally)
    requests: Mapping[str, Requests] = {}


async def lend_hand(
    job: Job,
    run_id: str,
    *,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None] = lambda _: None,
    part: int | None = None,
) -> HandReport:
    """Work for a run that another process keeps: list ranges of its walk, and work off what is open or due now.

    Args:
        job: what to work with; its store is that of nobody else.
        run_id: the run. That it is over, or takes no hands, is no error.
        stop: once set, nothing new is begun, and what is under way may end.
        on_progress: told about once a second; must not raise.
        part: the range of the walk to list first, where nobody does; None: whichever.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    for traffic in (job.source_traffic, job.target_traffic):
        traffic.begin()
    async with LedgerThread() as thread:
        ledger = AsyncStore(job.store, thread)
        if job.shared and (away := await ledger.outages.standing(job.shared.values())) is not None:
            return HandReport(run_id, End.AWAY, f"{away.reason}, as {away.holder} found")
        await thread.call(job.set_clock)
        try:
            run = await ledger.hands.join(run_id, job.holder)
        except LockLost:
            return HandReport(run_id, End.NOT_UNDER_WAY)
        hand = _Hand(job, ledger, run, on_progress)
        try:
            if run.config != job.data.digest:
                return HandReport(run_id, End.OTHER_SETTINGS)
            return await hand.work(stop, part)
        finally:
            with suppress(LockLost):
                await ledger.hands.leave(hand.meter.news())


class _Hand:
    """One hand, from its joining to its leaving."""

    def __init__(self, job: Job, ledger: AsyncStore, run: DataRun, on_progress: Callable[[Progress], None]) -> None:
        self._own = asyncio.Event()
        self._context: RunContext = open_context(
            job, ledger, run, self._own, on_progress, resumed=True, since=None, previous=None, keeps=False
        )
        self._enough = asyncio.Event()
        self._limit: TooManyGone | None = None
        self._heard: End | None = None
        self.meter = self._context.meter

    async def work(self, stop: asyncio.Event, part: int | None) -> HandReport:
        """Work, and report."""
        body, beat = asyncio.create_task(self._work(part)), asyncio.create_task(self._beat())
        stopped, own = asyncio.create_task(stop.wait()), asyncio.create_task(self._own.wait())
        try:
            await asyncio.wait({body, beat, stopped, own}, return_when=asyncio.FIRST_COMPLETED)
            if not body.done():
                self._own.set()
                if not beat.done() and self._context.back.asked is None:
                    await asyncio.wait({body, beat}, timeout=_GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({body}, timeout=CANCEL_GRACE_SECONDS)
                body.cancel()
            if beat.done() and not beat.cancelled() and (failed := beat.exception()) is not None:
                raise failed
            return await self._report(body, stop)
        finally:
            for task in (body, beat, stopped, own):
                task.cancel()
            await asyncio.gather(body, beat, stopped, own, return_exceptions=True)
            await self._context.drafts.close()

    async def _work(self, part: int | None) -> None:
        """Look at both sides as a run does, list what nobody lists, and work off what is open."""
        context = self._context
        context.meter.phase = Phase.RETRYING
        # The answer carries the source's clock.
        await context.source.census()
        context.facts = await context.sink.facts()
        if isinstance(context.source, Learning):
            context.source.learn(context.facts)
        if isinstance(context.source, Remembering):
            context.source.remember(context.ledger.memos, skips=context.run.spares)
        async with asyncio.TaskGroup() as hands:
            pipeline = Pipeline(context, hands)
            with pipeline.coming():
                await Ranges(context, pipeline).walk_free(part)
            deletes = Deletes(context, pipeline)
            feed = Feed(context, pipeline, deletes, hands)
            await feed.drain(self._enough)
            await pipeline.drain()
        self._limit = feed.limit
        if context.back.asked is not None:
            raise context.back.asked

    async def _beat(self) -> None:
        """Give signs of life until the run has no more use for this hand."""
        context = self._context
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self.meter.show()
            try:
                orders = await context.ledger.hands.beat(self.meter.news())
            except LockLost:
                self._heard = End.OVER
                return
            if orders.cancel:
                self._heard = End.CANCELLED
                return
            if not orders.takes_hands:
                self._enough.set()

    async def _report(self, body: asyncio.Task[None], stop: asyncio.Event) -> HandReport:
        try:
            await body
        except asyncio.CancelledError:
            if not body.cancelled():
                raise
            asked = self._context.back.asked
            return self._ended(self._heard or End.STOPPED) if asked is None else await self._away(asked)
        except (BaseExceptionGroup, Outage, ReconcilerError) as error:
            match first_of(error):
                case LockLost():
                    return self._ended(self._heard or End.OVER)
                case LedgerError() as failed:
                    raise failed from None
                case Outage() as outage:
                    return await self._away(outage)
                case ApiError() | ReconcilerError() as failed:
                    return self._ended(End.FAILED, failed.message)
                case unexpected:
                    raise unexpected from error
        if self._heard is not None:
            return self._ended(self._heard)
        if self._limit is not None:
            return self._ended(End.LIMIT, self._limit.message)
        return self._ended(End.STOPPED if stop.is_set() else End.DONE)

    async def _away(self, outage: Outage) -> HandReport:
        await tell(self._context.job, self._context.ledger, outage)
        return self._ended(End.AWAY, why_away(self._context.job, outage))

    def _ended(self, end: End, message: str | None = None) -> HandReport:
        return HandReport(self._context.run.id, end, message, self.meter.tally, self.meter.requests())


def first_of(error: BaseException) -> BaseException:
    """Return the first error of a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
