"""Bracket a change of a running sync's target: lease and pause its syncs, ask the new target, and resume afterwards.

The pauses are leases around this process. Whatever becomes of it, the next command that may write resumes what nothing
holds any more; the change itself is carried out by an apply that is approved, and by nobody else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.app.overdue import Quiet, problems_of
from reconciler.app.owner import owner
from reconciler.app.pause import Desk, PauseRequest, give_back_on, pause_syncs, read_syncs
from reconciler.app.probe import probe
from reconciler.errors import ReconcilerError, TargetRefuses
from reconciler.kind.probe import Outcome as Answer
from reconciler.pause.lease import Lease
from reconciler.reconcile.plan import Outcome, StepAction
from reconciler.reconcile.steps import Entered
from reconciler.reconcile.work import Work
from reconciler.reconcile.write import Verdict

if TYPE_CHECKING:
    from reconciler.ledger.lock import Lock

# A change is a few requests; a lease that outlives it is over when its process is.
_LONGEST = timedelta(minutes=30)
_RENEW_SECONDS = 30.0
_DONE = (Outcome.APPLIED, Outcome.ALREADY)


class Brackets:
    """Brackets of one apply.

    Args:
        desk: what it takes to pause and resume.
        lock: the apply lock, held by the caller.
        now: the time that targets are judged by (timezone-aware).
    """

    def __init__(self, desk: Desk, lock: Lock, now: datetime) -> None:
        self._desk = replace(desk, face=Quiet(desk.face.waits_for))
        self._lock = lock
        self._now = now
        # One at a time: the lock of the pauses is this process's, and would wait for itself.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def around(self, work: Work) -> AsyncIterator[Entered]:
        """Within, the syncs of a change's steps are paused, and its target has been asked; see `reconcile.steps`."""
        steps = work.change.steps
        entered = Entered()
        taken: list[Lease] = []
        signs = asyncio.create_task(self._give_signs_of_life(taken))
        try:
            entered.hindrance = await self._enter(
                work,
                tuple(step.key for step in steps if step.action is StepAction.PAUSE),
                frozenset(step.key for step in steps if step.action is StepAction.PROBE),
                taken,
            )
            yield entered
        finally:
            signs.cancel()
            with suppress(asyncio.CancelledError):
                await signs
            entered.left = await self._leave([lease.lease_id for lease in taken])

    async def _enter(
        self, work: Work, paused: Collection[str], probed: Collection[str], taken: list[Lease]
    ) -> Verdict | None:
        """Pause and probe; return why the change must not be sent, or None."""
        try:
            await self._pause(work, tuple(paused), taken)
            await self._probe(probed)
        except ReconcilerError as error:
            words = f"{error.message}; the target was not changed"
            return Verdict(Outcome.FAILED, words, error, error.code, error.next_step, untouched=True)
        return None

    async def _pause(self, work: Work, keys: tuple[str, ...], taken: list[Lease]) -> None:
        words = f"the target of {', '.join(keys)} changes with {work.change.key}"
        request = PauseRequest(keys, _LONGEST, words, owner(os.environ), around=True, judged=True)
        async with self._turn:
            live = await read_syncs(self._desk, (self._live_pair(key) for key in keys))
            paused = await pause_syncs(self._desk, self._lock, request, live=live, on_taken=taken.extend)
        failed = next((result for result in paused.report.results if result.outcome not in _DONE), None)
        if failed is not None or not paused.done:
            key, words = (keys[0], "it was not tried") if failed is None else (failed.change.key, failed.message or "")
            next_step = None if failed is None else failed.next_step
            raise ReconcilerError(f"{key} could not be paused: {words}", next_step=next_step)

    def _live_pair(self, key: str) -> tuple[str, str]:
        """Return kind and live ID of a sync that a step names."""
        desired = next((each for each in self._desk.session.desired if each.key == key), None)
        kind, _, name = key.partition("/")
        return (kind, name) if desired is None else (desired.kind, desired.id)

    async def _probe(self, keys: Collection[str]) -> None:
        """Ask the targets of some objects.

        Raises:
            TargetRefuses: one of them refuses.
        """
        session = self._desk.session
        for desired in session.desired:
            if desired.key in keys:
                for verdict in await probe(session, desired, os.environ, self._now):
                    if verdict.outcome is Answer.REFUSES:
                        raise TargetRefuses(
                            f"{desired.key}: {verdict.target} refuses: {verdict.message}",
                            next_step=verdict.next_step or "`reconciler doctor --targets` asks it again.",
                        )

    async def _leave(self, lease_ids: Collection[str]) -> str | None:
        """Give the leases back and resume what nothing holds; return what is still paused and why, or None."""
        if not lease_ids:
            return None
        try:
            async with self._turn:
                lifted = await give_back_on(self._desk, lease_ids)
        except ReconcilerError as error:
            return error.message
        return "; ".join(problem.message for problem in problems_of(lifted)) or None

    async def _give_signs_of_life(self, taken: list[Lease]) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with suppress(ReconcilerError):
                self._desk.ledger.renew_leases([lease.lease_id for lease in taken])
