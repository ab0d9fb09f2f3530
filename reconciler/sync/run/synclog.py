"""Sync log that the problems of a data type go to, kept true while a run is on.

A data type owns its log, shares one that another owns, or has none: `DataType.log`. Only an owner begins it anew and
writes its dates, because that clears what others wrote there.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

from reconciler.errors import Conflict, NotFound, Rejected
from reconciler.ledger.data.model import DataRun, LogDates
from reconciler.sparklayer.sync_log import LoggedError, SyncStatus, SyncTimes, read_status, record_full, record_partial
from reconciler.sync.run.breaker import ComesBackAt
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.log_dates import recognise

_AT_ONCE = 500
# Each time costs a request of those that the limit allows.
_EVERY_SECONDS = 10.0


class Logbook:
    """Writes the sync log from what the ledger says about problems.

    Args:
        context: of the run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._ledger = context.ledger
        self._reader = context.job.target
        # None: a rehearsal, whose log only the copy of the ledger has.
        self._writer = context.job.writer
        self._kept = context.data.log
        self._log = (context.job.settings.integration, context.data.name if self._kept is None else self._kept.name)
        self._breaker = context.target_breaker
        # Nothing more is written to it in this run.
        self.lost = self._kept is None
        self._flushing = asyncio.Lock()
        self.added = 0
        self.resolved = 0

    @property
    def has_dates(self) -> bool:
        """Whether the log's dates are ours to write: it is this data type's own, and the API keeps such a one."""
        return self._kept is not None and self._kept.owned and (self._kept.sure or not self.lost)

    async def is_ours(self) -> bool:
        """Whether the log has the dates that we last wrote, or we never wrote any.

        Raises:
            ApiError: it could not be read.
        """
        if not self.has_dates or await self._ledger.log.dates() == LogDates():
            return True
        status = await self._read()
        return status is not None and await self._recognise(status)

    async def is_from_before(self) -> bool:
        """Whether the target has such a log, and this ledger knows nothing of having written one.

        Raises:
            ApiError: it could not be read.
        """
        if not self.has_dates or await self._ledger.log.dates() != LogDates():
            return False
        status = await self._read()
        return status is not None and not await self._recognise(status)

    async def begin(self) -> None:
        """Begin the log of a full sync, or look whether another data type's log was begun anew meanwhile.

        Raises:
            ApiError: it was not recorded, or could not be read.
        """
        context, kept = self._context, self._kept
        if kept is None:
            self._do_without()
        elif not kept.owned:
            await self._join(kept.name)
        elif context.mode.is_full and not context.run.log_opened:
            await self._open(context.run)
        elif not kept.sure and await self._ledger.log.dates() == LogDates():
            self._do_without()

    async def _open(self, run: DataRun) -> None:
        """Begin the log of a full sync: its problems are cleared, and the date of the last one with them."""
        times = SyncTimes(started_full_sync=run.started_at)
        if (writer := self._writer) is not None:
            try:
                await self._breaker.repeat(lambda: record_full(writer, *self._log, times))
            except (NotFound, Rejected, Conflict):
                if self._kept is None or self._kept.sure:
                    raise
                self._do_without()
                return
        await self._ledger.log.remember(LogDates(started=run.started_at))
        await self._ledger.runs.update(run.id, log_opened=True)

    async def _join(self, name: str) -> None:
        """Find out whether the owner of the log began it, and whether anew: it has nothing of ours then."""
        status = await self._read()
        if status is None:
            self.lost = True
            self._context.remarks.append(
                f"the sync log of {name} has not begun, so its problems are in `sync errors` alone until it has"
            )
            return
        started = LogDates(started=status.times.started_full_sync)
        if started != await self._ledger.log.dates():
            await self._ledger.log.begin_anew()
            await self._ledger.log.remember(started)

    def _do_without(self) -> None:
        self.lost = True
        self._context.remarks.append(
            f"SparkLayer takes no sync log of {self._log[1]}: `sync errors` alone has the problems"
        )

    async def keep(self) -> None:
        """Write problems and what was resolved as they come, until cancelled, or until the run ends to come back."""
        with suppress(ComesBackAt):
            while True:
                await asyncio.sleep(_EVERY_SECONDS)
                await self.flush(whole=False)

    async def flush(self, *, whole: bool = True) -> None:
        """Write what the log does not say yet.

        Args:
            whole: at once, and also what comes meanwhile; else at the pace of the log, and the rest waits.

        Raises:
            ApiError: the log could not be written.
        """
        async with self._flushing:
            await self._flush(whole=whole)

    async def _flush(self, *, whole: bool) -> None:
        kept = self._kept
        while kept is not None and not self.lost:
            if not whole:
                await self._context.job.pace.turn(kept.name)
            errors, resolved = await self._ledger.log.to_log(_AT_ONCE, kept.most)
            if not errors and not resolved:
                return
            logged = [LoggedError(item.external_id, item.message, item.url, item.external_id) for item in errors]
            await self._patch(SyncTimes(), logged, resolved)
            if not self.lost:
                self.added += len(errors)
                self.resolved += len(resolved)
                await self._ledger.log.logged([item.external_id for item in errors], resolved)
            if not whole and max(len(errors), len(resolved)) < _AT_ONCE:
                return

    async def close_full(self, completed: datetime) -> None:
        """Say that the full sync is finished, as the very last thing of it.

        Raises:
            ApiError: it was not recorded.
        """
        await self._patch(SyncTimes(last_full_sync=completed, last_full_sync_succeeded=True))
        await self._ledger.log.remember(LogDates(last_full=completed))
        if self._context.mode.looks and (status := await self._read()) is not None:
            # The log may have been another's, and what a full sync does not write of it is as it was.
            await self._ledger.log.remember(LogDates(last_partial=status.times.last_partial_sync))

    async def close_partial(self, moment: datetime) -> None:
        """Say that a partial sync wrote something.

        Raises:
            ApiError: it was not recorded.
        """
        await self._patch(SyncTimes(last_partial_sync=moment))
        await self._ledger.log.remember(LogDates(last_partial=moment))

    async def _recognise(self, status: SyncStatus) -> bool:
        """Whether the log says what we wrote, also where nobody noted it any more; then that is made up for."""
        ours = await self._ledger.log.dates()
        found = recognise(ours, self._context.previous, status.times)
        if found is not None and found != ours:
            await self._ledger.log.remember(found)
        return found is not None

    async def _read(self) -> SyncStatus | None:
        """Read the log's dates; None: it has not begun, or there is no such log."""
        try:
            return await self._breaker.repeat(lambda: read_status(self._reader, *self._log))
        except Rejected:
            if self._kept is None or self._kept.sure:
                raise
            return None

    async def _patch(
        self, times: SyncTimes, errors: list[LoggedError] | None = None, resolved: list[str] | None = None
    ) -> None:
        if (writer := self._writer) is None:
            return
        self._context.job.pace.sent(self._log[1])
        try:
            await self._breaker.repeat(lambda: record_partial(writer, *self._log, times, errors or [], resolved or []))
        except NotFound:
            self.lost = True
            if self._kept is not None and not self._kept.sure:
                self._do_without()
            else:
                self._context.remarks.append("the sync log is gone: somebody cleared it, or the site was emptied")
        except (Rejected, Conflict) as error:
            self.lost = True
            self._context.remarks.append(f"SparkLayer refused what the sync log should say: {error.message}")
