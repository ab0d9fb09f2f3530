"""The work of one run: look at the target, read the source, write what differs, and close the sync log."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.errors import Unreachable
from reconciler.ledger.data.model import DataRun
from reconciler.sync.mode import Mode
from reconciler.sync.products.model import Part
from reconciler.sync.products.sink import Target
from reconciler.sync.products.source import ProductSource, ids_of
from reconciler.sync.run.breaker import Outage, Patience
from reconciler.sync.run.context import Job
from reconciler.sync.run.deletes import TooManyGone, discontinue_departed
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.run.meter import Meter
from reconciler.sync.run.pipeline import Circumstances, Pipeline
from reconciler.sync.run.preflight import Finding, check_target
from reconciler.sync.run.progress import Phase
from reconciler.sync.run.retries import Retries
from reconciler.sync.run.synclog import Logbook
from reconciler.words import counted

OVERLAP = timedelta(minutes=10)
"""Longer than the search index lags behind."""


class Stopped(Exception):
    """The run was asked to stop, and nothing is under way any more."""


class Incomplete(Exception):
    """The run came to its end, and something is still to be written."""


class Work:
    """Does what a run has to do.

    Args:
        job: what to work with.
        run: the run as the ledger has it; another one where the target turns out to need a more thorough one.
        resumed: it goes on with a run that was cut off.
        since: the watermark of the last run that finished; None: there is none.
        config: digest of the settings that decide the mapping.
        thread: the ledger's thread.
        source: the products.
        target: the site.
        logbook: its sync log.
        patience: for the source.
        meter: counts.
        stop: once set, nothing new is begun.
    """

    def __init__(
        self,
        job: Job,
        run: DataRun,
        thread: LedgerThread,
        source: ProductSource,
        target: Target,
        logbook: Logbook,
        patience: Patience,
        meter: Meter,
        stop: asyncio.Event,
        *,
        resumed: bool,
        since: datetime | None,
        config: str,
    ) -> None:
        self.run = run
        self.resumed = resumed
        self.remarks: list[str] = []
        self._job = job
        self._thread = thread
        self._source = source
        self._target = target
        self._logbook = logbook
        self._patience = patience
        self._meter = meter
        self._stop = stop
        self._since = since
        self._config = config

    async def do(self) -> None:
        """Do all of it.

        Raises:
            Stopped: it was asked to stop.
            Incomplete: records are left that could not be written.
            TooManyGone: more records are gone than the manifest allows to discontinue.
            TargetIncomplete: something that manifests declare is not at the target; nothing was written.
            Outage: an API stayed away.
            ApiError: an API refused what is no record's fault.
            LedgerError: the ledger cannot be used, or the lock was lost.
        """
        try:
            async with asyncio.timeout(self._job.patience):
                finding = await self._look()
        except TimeoutError:
            words = f"OrderCloud or SparkLayer did not answer for {self._job.patience:.0f} s, and nothing was begun"
            raise Outage(Unreachable(words)) from None
        mode = Mode(self.run.mode)
        if mode.is_full and not self.run.log_opened:
            await self._logbook.open(self.run)
        prices = await self._target.all_prices() if mode is Mode.VERIFY else None
        circumstances = Circumstances(
            self.run.id,
            mode,
            self._job.settings,
            finding.list_currency,
            self._job.source_url,
            self._source_now,
            prices,
            self.run.counts,
        )
        limit: TooManyGone | None = None
        async with asyncio.TaskGroup() as hands:
            pipeline = Pipeline(circumstances, self._target, self._job.levels, self._thread, hands)
            self._meter.tally = pipeline.tally
            keeper = hands.create_task(self._logbook.keep())
            try:
                await self._work(self.run, mode, pipeline)
            except TooManyGone as error:
                # What the walk found belongs into the log all the same.
                limit = error
            finally:
                keeper.cancel()
        await self._logbook.flush()
        if limit is not None:
            raise limit
        if self._stop.is_set():
            raise Stopped
        await self._close(self.run, mode)

    async def _look(self) -> Finding:
        """Look at the target and decide how to treat it; before that nothing is written."""
        levels, call = self._job.levels, self._thread.call
        self._meter.phase = Phase.CHECKING
        # The answer carries the source's clock.
        counts = await self._patience.bear(self._source.counts)
        now = self._job.now()
        known = (await call(levels.counts, now)).records
        finding = await check_target(
            self._target,
            self._logbook,
            levels,
            self._thread,
            self._job.settings,
            Mode(self.run.mode),
            known,
            log_is_told=not self.resumed,
        )
        self.remarks += finding.remarks
        if finding.mode.value != self.run.mode:
            self.run = await call(
                levels.begin,
                finding.mode.value,
                self._config,
                self._job.holder,
                now,
                None,
                walks=finding.mode.walks,
                full=finding.mode.is_full,
            )
            self.resumed = False
            self._meter.begin_anew()
        if not self.resumed:
            watermark = self._source_now() - OVERLAP
            await call(levels.update, self.run.id, watermark=watermark)
            self.run = replace(self.run, watermark=watermark)
        if finding.repairs:
            await call(levels.forget_prints, finding.repairs)
            await call(levels.want, finding.repairs)
        self.remarks += [
            f"the catalog {catalog} has no products, or does not exist"
            for catalog, count in counts.items()
            if catalog is not None and not count
        ]
        # A product that is in two catalogs is counted twice.
        self._meter.total = sum(counts.values()) if finding.mode.walks else None
        return finding

    def _source_now(self) -> datetime:
        return self._job.now() + self._source.clock_offset

    async def _work(self, run: DataRun, mode: Mode, pipeline: Pipeline) -> None:
        levels, call = self._job.levels, self._thread.call
        if not run.listed:
            self._meter.phase = Phase.READING
            await self._read(mode, pipeline)
            await pipeline.drain()
            if self._stop.is_set():
                return
            await call(levels.update, run.id, listed=True)
        retries = Retries(run.id, self._source, pipeline, levels, self._thread, self._patience, self._source_now)
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
            self._patience,
            self._job.settings,
            counts.records - counts.gone,
            self._meter.checked,
            self._stop.is_set,
        )
        if self._stop.is_set():
            return
        if departures.left:
            pipeline.tally.left += departures.left
            self.remarks.append(
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
            raise Incomplete(f"{counted(still_open, 'record')} could not be written yet")
        now = self._job.now()
        await call(levels.update, run.id, completed_at=now)
        if mode.is_full:
            await self._logbook.close_full(now)
        elif self._meter.wrote_anything or self._logbook.added or self._logbook.resolved:
            await self._logbook.close_partial(now)
