"""The continuous loop: run each data type, wait for `interval` after its end, run it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
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


@dataclass(slots=True)
class _Turn:
    """Turn of one data type: when it rests, and how its last run ended.

    Args:
        job: what to work with.
        rests_since: when its last run ended.
        pause: how long it rests from then on.
        failures: runs that failed, in a row.
        report: of its last run; None: none began.
    """

    job: Job
    rests_since: datetime
    pause: timedelta = timedelta()
    failures: int = 0
    report: RunReport | None = None

    @property
    def is_over(self) -> bool:
        """Whether a limit stopped it, or somebody cancelled it: it does not run again by itself."""
        return self.report is not None and self.report.state in (State.STOPPED, State.CANCELLED)

    def left(self) -> timedelta:
        """Return how long it still rests."""
        now = self.job.now()
        # A clock that is set back makes nobody wait longer than once more.
        self.rests_since = min(self.rests_since, now)
        return self.rests_since + self.pause - now

    def may_wake(self) -> bool:
        """Return whether it has rested long enough to look whether a record cannot wait."""
        return not self.failures and self.job.now() - self.rests_since >= _SHORTEST_REST

    def rest(self, pause: timedelta) -> None:
        """Begin to rest."""
        self.rests_since, self.pause = self.job.now(), pause


async def watch(
    jobs: Sequence[Job],
    *,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_report: Callable[[RunReport, datetime], None] = lambda _report, _next: None,
    on_missing: Callable[[ReconcilerError, datetime], None] = lambda _error, _next: None,
) -> tuple[RunReport, ...]:
    """Run whatever is due of each data type, one after the other, again and again, until told to stop.

    Between two runs anybody else may run it, too. A record that is wanted, or whose sale begins or ends, does not wait
    for the next interval. A data type that a limit stopped, or that was cancelled, is left out from then on; where none
    is left, it ends.

    Args:
        jobs: what to work with, for each data type, in the order in which they run.
        stop: ends it.
        on_progress: told about once a second while a run is on.
        on_report: told of each run, and when the next one of its data type starts.
        on_missing: told of a run that could not begin because something is missing at one side, and of the next try.

    Returns:
        The last report of each data type of which a run began.

    Raises:
        LedgerError: the ledger cannot be used, or the lock was lost.
    """
    turns = [_Turn(job, job.now()) for job in jobs]
    due = list(turns)
    while due and not stop.is_set():
        for turn in due:
            if not stop.is_set():
                await _run(turn, stop, on_progress, on_report, on_missing)
        due = await _rest([turn for turn in turns if not turn.is_over], stop)
    return tuple(turn.report for turn in turns if turn.report is not None)


async def _run(
    turn: _Turn,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None],
    on_report: Callable[[RunReport, datetime], None],
    on_missing: Callable[[ReconcilerError, datetime], None],
) -> None:
    job = turn.job
    try:
        with job.store.lock(job.holder):
            report = await run_sync(job, None, stop=stop, on_progress=on_progress)
    except LedgerLocked:
        # Somebody runs it by hand, which is as good.
        turn.rest(_WHILE_LOCKED)
    except (SourceIncomplete, TargetIncomplete) as error:
        # Somebody may mend it meanwhile, as with an API that stays away.
        turn.failures += 1
        turn.rest(_pause(job, turn.failures))
        on_missing(error, turn.rests_since + turn.pause)
    else:
        turn.report = report
        turn.failures = turn.failures + 1 if report.state is State.INTERRUPTED else 0
        turn.rest(_pause(job, turn.failures))
        on_report(report, report.ended_at + turn.pause)


async def _rest(turns: Sequence[_Turn], stop: asyncio.Event) -> list[_Turn]:
    """Wait for the next run: until its time, until told to stop, or until a record cannot wait.

    Returns:
        Those whose turn it is; none where told to stop, or where none is left.
    """
    while turns and not stop.is_set():
        left = {id(turn): turn.left() for turn in turns}
        if due := [turn for turn in turns if left[id(turn)] <= timedelta()]:
            return due
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(*left.values(), _LOOK_EVERY).total_seconds())
            return []
        due = [turn for turn in turns if turn.may_wake() and await asyncio.to_thread(_something_waits, turn.job)]
        if due:
            return due
    return []


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
