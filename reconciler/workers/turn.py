"""A job in the hands of a worker: run what is due of its data type, note what became of it, and look again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.app.chosen import Chosen, HowToRun
from reconciler.app.intake import listening_to
from reconciler.app.lend import lend
from reconciler.app.sync import run_once
from reconciler.app.unattended import Unattended
from reconciler.errors import LedgerError, LedgerLocked, ReconcilerError
from reconciler.http.observe import Silent
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.data.outages import OutageStore
from reconciler.ledger.data.service_model import Turn
from reconciler.ledger.data.turns import TurnStore, Waits
from reconciler.ledger.database import Database
from reconciler.ledger.process import describe_holder
from reconciler.report.log import Log, correlated
from reconciler.sync.datasync import connections_of
from reconciler.sync.run.hand import End
from reconciler.sync.run.listening import Listening
from reconciler.sync.run.progress import Progress
from reconciler.sync.run.queue import JobKind, Queue, QueuedJob
from reconciler.sync.run.report import RunReport, State
from reconciler.workers.due import REST, begun, comes_back, ended, failed, is_due
from reconciler.workers.jobs import FEWEST_SLOTS
from reconciler.workers.start import Manned

COMMAND = "worker"
QUIET_SECONDS = 3.0
"""How long a run listens after the last event: less costs a new run for each, more holds a slot for nothing.

Where all slots of its worker are taken it does not listen: others may stand in line for one.
"""

_LOOK_SECONDS = 0.25

GIVES_BACK_SECONDS = 5.0
"""How long a run waits for an API: where it asks for more, or fails for longer, others have the slot meanwhile."""

PATIENCE_SECONDS = 60.0
"""How long it may take to look at both sides, and how long an API may ask for one short wait after the other."""


class Face(Unattended):
    """The face of a worker's runs: it notes that something moves.

    Args:
        stop: asks for an orderly end.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        super().__init__(stop)
        self.moved = asyncio.Event()
        self._counted = (0, 0, 0)

    def progresses(self, progress: object) -> None:
        """Note whether records were worked on."""
        if isinstance(progress, Progress):
            counted = progress.done, progress.written, progress.problems
            if counted != self._counted:
                self._counted = counted
                self.moved.set()


class Turns(Struct, frozen=True):
    """Works on jobs; what `take` raises nobody hears.

    Args:
        manned: the environments, by name.
        database: of the open ledger.
        queue: wakes more hands.
        log: takes what happens.
        stop: set once the worker ends: runs end in order, and others go on with them.
        busy: scopes whose run this process keeps, or lends a hand to: a second hand of it would only be in the way of
            those that other processes can lend.
        slots: how many jobs the worker works on at once.
        taken: one for each job that it works on.
    """

    manned: Mapping[str, Manned]
    database: Database
    queue: Queue
    log: Log
    stop: asyncio.Event
    busy: set[DataScope] = set()
    slots: int = FEWEST_SLOTS
    taken: list[QueuedJob] = []

    @property
    def is_full(self) -> bool:
        """Whether no slot is free."""
        return len(self.taken) >= self.slots

    async def take(self, job: QueuedJob) -> None:
        """Work on a job, as far as there is something to do: the ledger says so, not the job."""
        self.taken.append(job)
        with correlated():
            try:
                await self._take(job)
            except ReconcilerError as error:
                self._say(job, "job-failed", error.message, error.code)
            except Exception as error:  # noqa: BLE001 - a job that fails must not take the worker with it
                self._say(job, "job-failed", f"it failed: {type(error).__name__}", "internal-error")
            finally:
                self.taken.pop()

    async def _take(self, job: QueuedJob) -> None:
        manned = self.manned.get(job.environment)
        types = () if manned is None else await asyncio.to_thread(manned.chosen, job.data_sync)
        chosen = next((each for each in types if each.sync.type == job.data_type), None)
        if chosen is not None and job.kind is not JobKind.RUN and job.run_id is not None:
            # Where the run is over or under way no more, a run may be due in its place.
            await self._lend(job, chosen, job.run_id)
        # A job is looked at again at its end: what was raised meanwhile found its key taken.
        while chosen is not None and not self.stop.is_set():
            now, waits = await self._waits(chosen)
            about = waits, chosen.sync.settings, chosen.sync.data.digest, now
            if is_due(*about):
                if not await self._run(job, chosen, types, waits):
                    return
            elif is_due(*about, rest=timedelta()) and not self.is_full:
                # Something waits, and the scope still rests: that is shorter than the way through the queue.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), REST.total_seconds())
            else:
                return

    async def _lend(self, job: QueuedJob, chosen: Chosen, run_id: str) -> None:
        """Lend a hand, unless this process has one in that run: then it is offered to others again, by the keeper."""
        scope = chosen.sync.scope
        if scope in self.busy:
            return
        self.busy.add(scope)
        try:
            lent = await lend(chosen, run_id, self._how(), self.stop, Silent(), COMMAND, job.part)
        finally:
            self.busy.discard(scope)
        if lent.end is End.AWAY:
            self._say(job, "hand-waits", f"{chosen.sync.settings.command}: {lent.message}", "api-away")

    async def _waits(self, chosen: Chosen) -> tuple[datetime, Waits]:
        scope = chosen.sync.scope
        now, waits = await asyncio.to_thread(TurnStore(self.database).waits, [scope.environment])
        return now, waits.get(scope, Waits())

    async def _run(self, job: QueuedJob, chosen: Chosen, types: Sequence[Chosen], waits: Waits) -> bool:
        """Make one run; return whether one came to its end."""
        settings, before = chosen.sync.settings, waits.turn
        failures = 0 if before is None else before.failures
        newest = "" if waits.newest is None else waits.newest.id
        verdicts = OutageStore(self.database)
        keys = {each.api: each.rate_key for each in connections_of(chosen.session)}
        if (away := await asyncio.to_thread(verdicts.look, keys.values(), describe_holder(COMMAND))) is not None:
            # Others found out: nothing is sent, and the slot is free for what can be done.
            await self._note(chosen, newest, away.left, max(failures, 1))
            words = f"{settings.command}: {away.reason}, as {away.holder} found"
            self._say(job, "run-waits", f"{words}; tried again in {away.left.total_seconds():.0f} s", "api-away")
            return False
        # Before anything is begun: nobody notes the end of a process that is killed.
        await self._note(chosen, newest, begun(failures + 1, settings), failures + 1)
        self.busy.add(chosen.sync.scope)
        try:
            report, stopped = await self._one_run(chosen, types)
        except LedgerLocked:
            # Somebody runs it by hand, which is as good.
            await self._note(chosen, *_as_before(before, newest, (await self._waits(chosen))[0]))
            return False
        except LedgerError as error:
            # Somebody else may have taken it over, and what became of it is theirs to note.
            self._say(job, "run-lost", f"{settings.command}: {error.message}", error.code)
            return False
        except ReconcilerError as error:
            # Of a run that was begun and refused, its end is noted.
            last = (await self._waits(chosen))[1].newest
            again_in, failures = failed(failures, settings)
            await self._note(chosen, "" if last is None else last.id, again_in, failures)
            words = f"{settings.command}: {error.message}; tried again in {again_in.total_seconds():.0f} s"
            self._say(job, "run-waits", words, error.code)
            return False
        finally:
            self.busy.discard(chosen.sync.scope)
        due_in, failures = ended(report.state, failures, settings, drained=stopped)
        if report.again_in is not None:
            due_in = comes_back(report.again_in, failures, settings)
        elif report.state is State.FINISHED:
            await asyncio.to_thread(verdicts.over, keys.values())
        await self._note(chosen, report.run_id, due_in, failures)
        self._tell(job, report, due_in)
        return not stopped

    async def _one_run(self, chosen: Chosen, types: Sequence[Chosen]) -> tuple[RunReport, bool]:
        face, how = Face(self.stop), self._how()
        async with listening_to(self.database, types, always=False) as bell:
            listening = None if bell is None else Listening(bell)
            longest = chosen.sync.settings.interval.total_seconds()
            ending = None if listening is None else asyncio.create_task(self._end_when_quiet(listening, face, longest))
            try:
                return await run_once(chosen, None, how, face, Silent(), command=COMMAND, listening=listening)
            finally:
                if ending is not None:
                    ending.cancel()

    async def _end_when_quiet(self, listening: Listening, face: Face, longest: float) -> None:
        """End the listening of a run once no event came for a while, or somebody else may want its slot."""
        await listening.begun.wait()
        quiet = 0.0
        with suppress(TimeoutError):
            async with asyncio.timeout(longest):
                while quiet < QUIET_SECONDS and not self.is_full:
                    quiet = 0.0 if await _moves_within(face, _LOOK_SECONDS) else quiet + _LOOK_SECONDS
        listening.enough.set()

    def _how(self) -> HowToRun:
        patience, gives_back = PATIENCE_SECONDS, GIVES_BACK_SECONDS
        return HowToRun(token_cache=False, queue=self.queue, patience=patience, gives_back=gives_back)

    async def _note(self, chosen: Chosen, run: str, due_in: timedelta | None, failures: int) -> None:
        await asyncio.to_thread(TurnStore(self.database).note, chosen.sync.scope, run, due_in, failures)

    def _tell(self, job: QueuedJob, report: RunReport, due_in: timedelta | None) -> None:
        following = "" if due_in is None else f"; the next in {due_in.total_seconds():.0f} s"
        written = report.counts.get("written", 0)
        words = f"{job.data_sync} {report.data_type}: {report.mode} run {report.state}, {written} written"
        with correlated(report.run_id):
            self.log.say(
                "run-ended",
                f"{words}{f': {report.message}' if report.message else ''}{following}",
                level="info" if report.state is State.FINISHED else "warning",
                environment=job.environment,
                dataSync=job.data_sync,
                dataType=report.data_type,
                mode=report.mode.value,
                state=report.state.value,
                written=written,
            )

    def _say(self, job: QueuedJob, event: str, words: str, code: str) -> None:
        about = {"environment": job.environment, "dataSync": job.data_sync, "dataType": job.data_type}
        self.log.say(event, words, level="warning", fields=about, code=code)


def _as_before(turn: Turn | None, newest: str, now: datetime) -> tuple[str, timedelta | None, int]:
    if turn is None:
        return newest, timedelta(), 0
    return turn.run, None if turn.due_at is None else turn.due_at - now, turn.failures


async def _moves_within(face: Face, seconds: float) -> bool:
    face.moved.clear()
    try:
        return await asyncio.wait_for(face.moved.wait(), seconds)
    except TimeoutError:
        return False
