"""`sync run` beside workers: say that a run is wanted, lend a hand, show the whole run, and leave it to others."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app.chosen import Chosen, HowToRun, opened_ledger
from reconciler.app.lend import lend
from reconciler.app.sync import FEATURE, mode_of, require_connected, run_once
from reconciler.clock import utc_now
from reconciler.errors import Interrupted, LedgerLocked
from reconciler.ledger.data.model import RUNNING
from reconciler.ledger.reader import Ledgers
from reconciler.sync.datasync import require_applied
from reconciler.sync.heldback import held_back
from reconciler.sync.mode import Mode
from reconciler.sync.run.counts import Tally, parts_in, requests_in
from reconciler.sync.run.progress import Phase, Progress
from reconciler.sync.run.queue import JobKind, QueuedJob
from reconciler.sync.run.report import RunReport, State

if TYPE_CHECKING:
    from reconciler.app.sync_faces import LendingFace
    from reconciler.http.observe import Observer
    from reconciler.ledger.data.model import DataRun
    from reconciler.ledger.data.store import Store

COMMAND = "sync run"
TAKEN_WITHIN = 20.0
"""Seconds within which a worker begins what is wanted; after that we run it ourselves."""

_LOOK_SECONDS = 0.5


def workers_of(chosen: Chosen) -> int:
    """Return how many workers take jobs of an environment now.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    with Ledgers() as ledgers:
        return ledgers.workers(chosen.session.settings.ledger, chosen.session.name)


async def want(chosen: Chosen, mode: Mode | None, how: HowToRun) -> str:
    """Record that a run is wanted, and wake workers; return the name of that request.

    Args:
        chosen: the data type.
        mode: how it is to run; None: whatever is due.
        how: has the queue.

    Raises:
        ReconcilerError: it is not what was applied, or the ledger cannot be written.
    """
    require_applied(chosen.sync)
    require_connected(chosen)
    request = f"{COMMAND}:{token_hex(8)}"
    with opened_ledger(chosen, FEATURE, ephemeral=how.ephemeral) as ledger:
        runs = ledger.store(chosen.sync.scope).runs
        await asyncio.to_thread(runs.want, request, (mode or Mode.INCREMENTAL).value)
    await how.queue.offer([QueuedJob(JobKind.RUN, chosen.session.name, chosen.sync.name, chosen.sync.type)])
    return request


async def run_beside(
    chosen: Chosen, mode: Mode | None, how: HowToRun, face: LendingFace, observer: Observer
) -> tuple[RunReport, bool]:
    """Have a data type run by workers, lend a hand, and return when that run has ended.

    Args:
        chosen: the data type.
        mode: how it is to run; None: whatever is due, and a run that is under way will do.
        how: cache, patience, and the queue.
        face: who is told; where it ends, our hand alone does.
        observer: told of our requests.

    Returns:
        The report of the run, by the ledger, and whether the face ended it: never.

    Raises:
        Interrupted: the face ended our part; it says who goes on.
        ReconcilerError: nothing was begun, or the ledger failed.
    """
    with face.lending() as stop, opened_ledger(chosen, FEATURE, ephemeral=how.ephemeral) as ledger:
        beside = _Beside(chosen, mode_of(chosen.sync, mode), how, face, observer, ledger.store(chosen.sync.scope), stop)
        return await beside.run()


class _Beside(Struct):
    """One wait for one run."""

    chosen: Chosen
    mode: Mode | None
    how: HowToRun
    face: LendingFace
    observer: Observer
    store: Store
    stop: asyncio.Event

    async def run(self) -> tuple[RunReport, bool]:
        before, was_on = await self._newest(), await self._is_on()
        if self.mode is None and before is not None and was_on and before.state == RUNNING:
            return await self._end_of(before)
        request = await want(self.chosen, self.mode, self.how)
        give_up_at = monotonic() + TAKEN_WITHIN
        while True:
            newest, is_on = await self._newest(), await self._is_on()
            if newest is not None and self._is_ours(newest, is_on, before, was_on):
                # It may have begun before it was wanted, or go on: nobody is to run it once more for that.
                await asyncio.to_thread(self.store.runs.give, request, newest.id)
                return await self._end_of(newest)
            if self.stop.is_set():
                raise Interrupted(
                    "Only this command ended: the run stays wanted, and a worker begins it",
                    next_step=f"`reconciler sync status {self.chosen.sync.name}` shows it.",
                )
            if is_on:
                give_up_at = monotonic() + TAKEN_WITHIN
            elif monotonic() >= give_up_at:
                # All workers are busy with other shops, or gone since.
                with suppress(LedgerLocked):
                    return await run_once(self.chosen, self.mode, self.how, self.face, self.observer)
            await self._moment()

    def _is_ours(self, newest: DataRun, is_on: bool, before: DataRun | None, was_on: bool) -> bool:
        """Whether a run began, or was taken up again, after we looked first, and does what is wanted."""
        if (self.mode or Mode.INCREMENTAL) not in Mode.of(newest.mode).covered:
            return False
        if before is None or newest.id != before.id:
            return True
        # Whoever has the lock may be about to begin another one: of one that is over, that says nothing.
        return not was_on and (newest.state != before.state or (is_on and newest.state == RUNNING))

    async def _end_of(self, run: DataRun) -> tuple[RunReport, bool]:
        """Lend a hand until the run has ended, or what took its place, and show the whole of it meanwhile."""
        ended = await self._over(run)
        # One that finds out at its start that more is to be done begins anew, as another run.
        while ended.state == State.INTERRUPTED and (newest := await self._newest()) and newest.id != ended.id:
            ended = await self._over(newest)
        return await asyncio.to_thread(self._report, ended), False

    async def _over(self, run: DataRun) -> DataRun:
        helping = asyncio.create_task(lend(self.chosen, run.id, self.how, self.stop, self.observer, COMMAND))
        try:
            while (now := await self._run(run)).state == RUNNING:
                self._show(now)
                if self.stop.is_set():
                    await asyncio.wait({helping})
                    raise Interrupted(
                        f"Only this command ended: the run goes on, by {now.holder}",
                        next_step=f"`reconciler sync status {self.chosen.sync.name}` shows it, `sync cancel` ends it.",
                    )
                await self._moment()
        finally:
            helping.cancel()
            await asyncio.gather(helping, return_exceptions=True)
        return now

    async def _newest(self) -> DataRun | None:
        return await asyncio.to_thread(lambda: self.store.runs.last(state=None))

    async def _run(self, run: DataRun) -> DataRun:
        return await asyncio.to_thread(self.store.runs.run, run.id) or run

    async def _is_on(self) -> bool:
        return await asyncio.to_thread(self.store.is_locked)

    async def _moment(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), _LOOK_SECONDS)

    def _show(self, run: DataRun) -> None:
        tally = Tally.of(run.counts)
        phase = Phase(run.message) if run.message in tuple(Phase) else Phase.CHECKING
        total = run.counts.get("total") or None
        several = self.chosen.sync.settings.data_type
        self.face.progresses(Progress(phase, tally.seen, total, tally.written, data_type=several))

    def _report(self, run: DataRun) -> RunReport:
        """Return the report of a run that another process kept, as far as the ledger tells."""
        data, settings, records = self.chosen.sync.data, self.chosen.sync.settings, self.store.records
        now = records.counts(utc_now())
        codes = self.store.problems.by_code() if now.held_back else ()
        return RunReport(
            sync=settings.name,
            data_type=data.name,
            entries=data.entries,
            ends=data.ends,
            mode=Mode.of(run.mode),
            asked=self.mode,
            run_id=run.id,
            state=State(run.state),
            resumed=False,
            started_at=run.started_at,
            ended_at=run.ended_at or utc_now(),
            counts={
                **run.counts,
                "problems": now.problems,
                "logged_problems": now.logged,
                "new_problems": self.store.problems.found_since(run.started_at),
                "resolved": 0,
            },
            parts=parts_in(run.counts, data.parts),
            requests=requests_in(run.counts),
            held_back=held_back(data, settings.max_held_back_percent, now.held_back, now.in_scope, codes),
            remarks=(f"It was run by {run.holder}.",),
            message=None if run.state == State.FINISHED else run.message,
            overrides=run.overrides,
        )
