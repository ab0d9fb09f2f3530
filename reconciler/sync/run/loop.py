"""The continuous loop: run each data type, listen or rest for `interval`, run it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.errors import (
    LedgerError,
    LedgerLocked,
    NotApplied,
    ReconcilerError,
    SourceIncomplete,
    TargetIncomplete,
    Unreachable,
)
from reconciler.ledger.data.model import FINISHED
from reconciler.sync.mode import Mode
from reconciler.sync.run.context import Job
from reconciler.sync.run.due import choose
from reconciler.sync.run.listening import Bell, Listening
from reconciler.sync.run.progress import Progress
from reconciler.sync.run.report import RunReport, State
from reconciler.sync.run.runner import past_of, run_sync
from reconciler.sync.run.slots import Slots
from reconciler.sync.settings import SyncSettings

_LOOK_EVERY = timedelta(seconds=10)
# So that what cannot be worked off does not make it run without a rest.
_SHORTEST_REST = timedelta(seconds=30)
_WHILE_LOCKED = timedelta(seconds=5)
_AFTER_FAILURE = timedelta(minutes=1)
_LONGEST_AFTER_FAILURE = timedelta(minutes=15)


class _Turn(Struct):
    """Turn of one data type: when it rests, and how its last run ended.

    Args:
        job: what to work with.
        rests_since: when its last run ended.
        pause: how long it rests from then on.
        failures: runs that failed, in a row.
        report: of its last run; None: none began.
        bell: rings where events raised something; None: between two runs it rests, and listens to nothing.
        listening: its run that has done all else and listens, and how to end that; None: it has none.
    """

    job: Job
    rests_since: datetime
    pause: timedelta = timedelta()
    failures: int = 0
    report: RunReport | None = None
    bell: Bell | None = None
    listening: tuple[asyncio.Task[None], Listening] | None = None

    @property
    def is_over(self) -> bool:
        """Whether a limit stopped it, or somebody cancelled it: it does not run again by itself."""
        return self.report is not None and self.report.state in (State.STOPPED, State.CANCELLED)

    def may_go_on(self) -> bool:
        """Return whether somebody has run it since it was stopped. It asks the ledger."""
        newest = self.job.store.runs.last(state=None)
        return self.report is None or newest is None or newest.id != self.report.run_id

    def rest_as_before(self) -> None:
        """Rest since the last run that came to its end, whoever made it. It asks the ledger."""
        newest = self.job.store.runs.last(state=None)
        if newest is None or newest.ended_at is None or newest.config != self.job.data.digest:
            return
        if newest.state == FINISHED:
            self.rests_since, self.pause = newest.ended_at, self.job.settings.interval

    def left(self) -> timedelta:
        """Return how long it still rests."""
        now = self.job.now()
        # A clock that is set back makes nobody wait longer than once more.
        self.rests_since = min(self.rests_since, now)
        return self.rests_since + self.pause - now

    def may_wake(self) -> bool:
        """Return whether it has rested long enough to look whether a record cannot wait."""
        return self.listening is None and not self.failures and self.job.now() - self.rests_since >= _SHORTEST_REST

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
    between: asyncio.Event | None = None,
    lasting: bool = False,
    bell: Bell | None = None,
    slots: Slots | None = None,
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
        on_missing: told of a run that could not begin because something is missing at one side, or because other
            settings were applied, and of the next try.
        between: ends it once no run is on.
        lasting: whether it goes on where earlier runs ended, and ends only when it is told to: what a limit stopped
            is taken up again after somebody has run it.
        bell: rings where events raised something: each data type listens for `interval` in place of resting, beside
            the runs of the others. None: nothing is listened to.
        slots: one is taken for each run, as long as it does more than listen. None: nothing bounds them.

    Returns:
        The last report of each data type of which a run began.

    Raises:
        LedgerError: the ledger cannot be used, or the lock was lost.
    """
    turns = [_Turn(job, job.now(), bell=bell) for job in jobs]
    ends = (stop,) if between is None else (stop, between)
    # Whoever listens begins at once; else it goes on resting where an earlier run ended.
    rests = lasting and bell is None
    if rests:
        await asyncio.to_thread(_rest_as_before, turns)
    due = await _rest(turns, *ends) if rests else await asyncio.to_thread(_in_order, turns)
    try:
        while due and not _any(ends):
            for turn in due:
                await _hear_out(turn)
                async with nullcontext() if slots is None else slots.one():
                    if not _any(ends) and (lasting or not turn.is_over):
                        await _begin(turn, stop, on_progress, on_report, on_missing)
            due = await _rest(turns if lasting else [turn for turn in turns if not turn.is_over], *ends)
    finally:
        await _end_all(turns)
    return tuple(turn.report for turn in turns if turn.report is not None)


async def _begin(
    turn: _Turn,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None],
    on_report: Callable[[RunReport, datetime], None],
    on_missing: Callable[[ReconcilerError, datetime], None],
) -> None:
    """Run a data type, and return when the run is over or listens."""
    if turn.bell is None:
        await _run(turn, stop, on_progress, on_report, on_missing)
        return
    listening = Listening(turn.bell)
    run = asyncio.create_task(_run(turn, stop, on_progress, on_report, on_missing, listening))
    begun = asyncio.create_task(listening.begun.wait())
    try:
        await asyncio.wait({run, begun}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        run.cancel()
        await asyncio.wait({run})
        raise
    finally:
        begun.cancel()
    if run.done():
        await run
    else:
        turn.listening = run, listening
        turn.rest(turn.job.settings.interval)


async def _hear_out(turn: _Turn) -> None:
    """End the listening of a data type, where it does."""
    if turn.listening is not None:
        run, listening = turn.listening
        listening.enough.set()
        await asyncio.wait({run})
        turn.listening = None
        await run


async def _end_all(turns: Sequence[_Turn]) -> None:
    """End whatever listens; the first error of one is the caller's."""
    runs = [turn.listening[0] for turn in turns if turn.listening is not None]
    for turn in turns:
        if turn.listening is not None:
            turn.listening[1].enough.set()
    if not runs:
        return
    try:
        await asyncio.wait(runs)
    except asyncio.CancelledError:
        for run in runs:
            run.cancel()
        await asyncio.wait(runs)
        raise
    for run in runs:
        await run


async def _run(
    turn: _Turn,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None],
    on_report: Callable[[RunReport, datetime], None],
    on_missing: Callable[[ReconcilerError, datetime], None],
    listening: Listening | None = None,
) -> None:
    job = turn.job
    if job.shared and (away := await asyncio.to_thread(job.store.outages.look, job.shared.values(), job.holder)):
        # Others found out: nothing is sent until one looks whether it is back.
        turn.failures = max(turn.failures, 1)
        turn.rest(away.left)
        on_missing(Unreachable(f"{away.reason}, as {away.holder} found"), turn.rests_since + turn.pause)
        return
    try:
        with job.store.lock(job.holder):
            report = await run_sync(job, None, stop=stop, on_progress=on_progress, listening=listening)
    except LedgerLocked:
        # Somebody runs it by hand, which is as good.
        turn.rest(_WHILE_LOCKED)
    except (NotApplied, SourceIncomplete, TargetIncomplete) as error:
        # Somebody may mend it meanwhile, as with an API that stays away.
        turn.failures += 1
        turn.rest(pause_after(job.settings, turn.failures))
        on_missing(error, turn.rests_since + turn.pause)
    else:
        turn.report = report
        turn.failures = turn.failures + 1 if report.state is State.INTERRUPTED else 0
        turn.rest(_next_after(turn, report, listening))
        on_report(report, report.ended_at + turn.pause)


def _next_after(turn: _Turn, report: RunReport, listening: Listening | None) -> timedelta:
    """Return how long a data type rests after a run."""
    if report.again_in is not None:
        return report.again_in
    if listening is None or report.state is not State.FINISHED:
        return pause_after(turn.job.settings, turn.failures)
    if listening.outdone or not listening.begun.is_set():
        # What is wanted begins at once. What was no incremental run does not listen: the next one is, and does.
        return timedelta()
    # It ended for its next turn, or because somebody else wants to run it.
    return _WHILE_LOCKED


async def _rest(turns: Sequence[_Turn], *ends: asyncio.Event) -> list[_Turn]:
    """Wait for the next run: until its time, until told to end, or until a record cannot wait.

    Returns:
        Those whose turn it is; none where told to end, or where none is left.
    """
    while turns and not _any(ends):
        resting = [turn for turn in turns if not turn.is_over or await asyncio.to_thread(_goes_on, turn)]
        left = {id(turn): turn.left() for turn in resting}
        if due := [turn for turn in resting if left[id(turn)] <= timedelta()]:
            return due
        listening = {turn.listening[0] for turn in turns if turn.listening is not None}
        if await _told(min([*left.values(), _LOOK_EVERY]), ends, listening):
            return []
        if over := [turn for turn in turns if turn.listening is not None and turn.listening[0].done()]:
            for turn in over:
                await _hear_out(turn)
            continue
        due = [turn for turn in resting if turn.may_wake() and await asyncio.to_thread(_something_waits, turn.job)]
        if due:
            return due
    return []


def _in_order(turns: Sequence[_Turn]) -> list[_Turn]:
    """Return all in the order in which they begin: where they listen, a walk of one holds up no change of another."""
    return sorted(turns, key=lambda turn: turn.bell is not None and _reads_everything(turn.job))


def _reads_everything(job: Job) -> bool:
    try:
        past = past_of(job.store)
    except LedgerError:  # busy now; where it is worse than that, the run says so
        return False
    return choose(None, past, job.settings, job.data.digest, job.now()).mode is not Mode.INCREMENTAL


def _rest_as_before(turns: Sequence[_Turn]) -> None:
    for turn in turns:
        turn.rest_as_before()


def _any(ends: Sequence[asyncio.Event]) -> bool:
    return any(end.is_set() for end in ends)


async def _told(duration: timedelta, ends: Sequence[asyncio.Event], listening: Collection[asyncio.Task[None]]) -> bool:
    """Wait until one of the events is set, or what listens ends; return whether one was set in time."""
    waiting = [asyncio.create_task(end.wait()) for end in ends]
    try:
        await asyncio.wait(
            {*waiting, *listening}, timeout=duration.total_seconds(), return_when=asyncio.FIRST_COMPLETED
        )
        return _any(ends)
    finally:
        for task in waiting:
            task.cancel()


def _goes_on(turn: _Turn) -> bool:
    try:
        return turn.may_go_on()
    except LedgerError:
        return False


def _something_waits(job: Job) -> bool:
    try:
        return job.store.records.is_anything_waiting(job.now())
    except LedgerError:  # busy now; where it is worse than that, the next run says so
        return False


def pause_after(settings: SyncSettings, failures: int) -> timedelta:
    """Return how long to wait before the next run, after so many failures in a row."""
    if not failures:
        return settings.interval
    return min(_AFTER_FAILURE * 2.0 ** min(failures - 1, 10), _LONGEST_AFTER_FAILURE, settings.interval)
