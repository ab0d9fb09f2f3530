"""The continuous loop: run, wait for `interval` after the end, run again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from reconciler.sync.job import Job
from reconciler.sync.report import Progress, RunReport, State
from reconciler.sync.runs import run_sync

_AFTER_FAILURE = timedelta(minutes=1)
_LONGEST_AFTER_FAILURE = timedelta(minutes=15)


async def watch(
    job: Job,
    *,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_report: Callable[[RunReport, datetime], None] = lambda _report, _next: None,
) -> RunReport:
    """Run whatever is due, again and again, until told to stop; the caller holds the lock.

    Args:
        job: what to work with.
        stop: ends it.
        on_progress: told about once a second while a run is on.
        on_report: told of each run, and when the next one starts.

    Returns:
        The report of the last run: interrupted by `stop`, stopped by a limit, or cancelled.

    Raises:
        TargetIncomplete: something that manifests declare is not there.
        LedgerError: the ledger cannot be used, or the lock was lost.
    """
    failures = 0
    while True:
        report = await run_sync(job, None, stop=stop, on_progress=on_progress)
        failures = failures + 1 if report.state is State.INTERRUPTED else 0
        pause = job.settings.interval
        if failures:
            pause = min(_AFTER_FAILURE * 2 ** (failures - 1), _LONGEST_AFTER_FAILURE, job.settings.interval)
        on_report(report, report.ended_at + pause)
        if stop.is_set() or report.state in (State.STOPPED, State.CANCELLED):
            return report
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause.total_seconds())
            return report
