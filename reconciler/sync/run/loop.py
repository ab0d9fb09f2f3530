"""The continuous loop: run, wait for `interval` after the end, run again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from reconciler.errors import LedgerError, LedgerLocked, ReconcilerError, SourceIncomplete, TargetIncomplete
from reconciler.sync.run.context import Job
from reconciler.sync.run.progress import Progress
from reconciler.sync.run.report import RunReport, State
from reconciler.sync.run.runner import run_sync

_LOOK_EVERY = timedelta(seconds=10)
# So that what cannot be worked off does not make it run without a rest.
_SHORTEST_REST = timedelta(seconds=30)
_WHILE_LOCKED = timedelta(seconds=5)
_AFTER_FAILURE = timedelta(minutes=1)
_LONGEST_AFTER_FAILURE = timedelta(minutes=15)


async def watch(
    job: Job,
    *,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_report: Callable[[RunReport, datetime], None] = lambda _report, _next: None,
    on_missing: Callable[[ReconcilerError, datetime], None] = lambda _error, _next: None,
) -> RunReport | None:
    """Run whatever is due, again and again, until told to stop.

    Between two runs anybody else may run it, too. A record that is wanted, or whose sale begins or ends, does not wait
    for the next interval.

    Args:
        job: what to work with.
        stop: ends it.
        on_progress: told about once a second while a run is on.
        on_report: told of each run, and when the next one starts.
        on_missing: told of a run that could not begin because something is missing at one side, and of the next try.

    Returns:
        The report of the last run: interrupted by `stop`, stopped by a limit, or cancelled. None: none began.

    Raises:
        LedgerError: the ledger cannot be used, or the lock was lost.
    """
    failures = 0
    report: RunReport | None = None
    while True:
        try:
            with job.store.lock(job.holder):
                report = await run_sync(job, None, stop=stop, on_progress=on_progress)
        except LedgerLocked:
            # Somebody runs it by hand, which is as good.
            pause = _WHILE_LOCKED
        except (SourceIncomplete, TargetIncomplete) as error:
            # Somebody may mend it meanwhile, as with an API that stays away.
            failures += 1
            pause = _pause(job, failures)
            on_missing(error, job.now() + pause)
        else:
            failures = failures + 1 if report.state is State.INTERRUPTED else 0
            pause = _pause(job, failures)
            on_report(report, report.ended_at + pause)
            if report.state in (State.STOPPED, State.CANCELLED):
                return report
        if stop.is_set():
            return report
        await _rest(job, pause, stop, may_wake=not failures)
        if stop.is_set():
            return report


async def _rest(job: Job, pause: timedelta, stop: asyncio.Event, *, may_wake: bool) -> None:
    """Wait for the next run: until its time, until told to stop, or until a record cannot wait."""
    began = job.now()
    # A clock that is set back makes nobody wait longer than once more.
    while (left := (began := min(began, job.now())) + pause - job.now()) > timedelta():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(left, _LOOK_EVERY).total_seconds())
            return
        if may_wake and job.now() - began >= _SHORTEST_REST and await asyncio.to_thread(_something_waits, job):
            return


def _something_waits(job: Job) -> bool:
    try:
        counts = job.store.records.counts(job.now())
        wanted = job.store.runs.wanted()
    except LedgerError:  # busy now; where it is worse than that, the next run says so
        return False
    return counts.open > counts.waiting or counts.due > 0 or bool(wanted)


def _pause(job: Job, failures: int) -> timedelta:
    """How long to wait before the next run, after so many failures in a row."""
    if not failures:
        return job.settings.interval
    return min(_AFTER_FAILURE * 2.0 ** min(failures - 1, 10), _LONGEST_AFTER_FAILURE, job.settings.interval)
