"""Crew of a run: the hands of other processes that its keeper takes, wakes, and waits for before it ends."""

from __future__ import annotations

import asyncio
from time import monotonic

from reconciler.sync.mode import Mode
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.queue import Inline, JobKind, QueuedJob

_EVERY_SECONDS = 3.0
# Each hand goes on with the next range that nobody lists.
_AT_ONCE = 3
_POLL_SECONDS = 0.25
# Those that are left by then are dead, or end with the run.
_PATIENCE_SECONDS = 60.0
_TAKES = (Mode.INCREMENTAL, Mode.LIGHT, Mode.WALK, Mode.FULL)


class Crew:
    """Takes hands for a run, once its keeper knows how the target stands.

    A run that looks at the target record by record, and one that removes, has no other hands than its keeper.

    Args:
        context: of the run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._run_id: str | None = None

    @property
    def takes(self) -> bool:
        """Whether the run takes hands."""
        return self._run_id is not None

    async def take(self) -> None:
        """Take hands from now on, where the run may have any."""
        context = self._context
        if context.job.writer is not None and context.mode in _TAKES:
            self._run_id = context.run.id
            await context.ledger.hands.take(self._run_id, takes=True)

    async def call(self) -> None:
        """Wake hands while there is something for them to do, and end those that give no sign of life."""
        context = self._context
        while self._run_id is not None:
            if not isinstance(context.job.queue, Inline) and (jobs := await self._jobs()):
                await context.job.queue.offer(jobs)
            await asyncio.sleep(_EVERY_SECONDS)
            if self._run_id is not None:
                await context.ledger.hands.others(self._run_id)

    async def dismiss(self, patience: float = _PATIENCE_SECONDS) -> bool:
        """Take no more hands, and wait until those that there are have finished what they have in hand.

        Args:
            patience: seconds to wait at most.

        Returns:
            Whether there were any: what they put back is the keeper's.
        """
        run_id, self._run_id = self._run_id, None
        if run_id is None:
            return False
        hands, give_up_at, found = self._context.ledger.hands, monotonic() + patience, False
        await hands.take(run_id, takes=False)
        while await hands.others(run_id) and monotonic() < give_up_at:
            found = True
            await asyncio.sleep(_POLL_SECONDS)
        return found

    async def _jobs(self) -> list[QueuedJob]:
        """Return what other hands could do now: ranges that nobody lists, and records that nobody has claimed."""
        context = self._context
        walked = await context.ledger.hands.walked(context.run.id)
        jobs = [self._job(JobKind.WALK, part) for part in (() if walked is None else walked.free[:_AT_ONCE])]
        records, now = context.ledger.records, context.source_now
        # To join costs a look at both sides: not for what is only tried again later, nor for what others have claimed.
        if await records.is_anything_waiting(now) and await records.waits_since(await records.clock(), now):
            jobs.append(self._job(JobKind.DRAIN))
        return jobs

    def _job(self, kind: JobKind, part: int | None = None) -> QueuedJob:
        job, scope, run_id = self._context.job, self._context.job.store.scope, self._context.run.id
        return QueuedJob(kind, scope.environment, job.settings.name, scope.data_type, run_id, part)
