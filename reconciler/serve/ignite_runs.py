"""Runs that a trigger asks for, carried out beside the requests; they end when the service does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.app.chosen import Chosen, HowToRun
from reconciler.app.sync import run_once
from reconciler.errors import ReconcilerError
from reconciler.http.observe import Silent
from reconciler.serve.service import Service

if TYPE_CHECKING:
    from reconciler.ledger.config.model import LockHolder
    from reconciler.reconcile.pause_report import Lifted
    from reconciler.sync.run.progress import Progress

_LOCK_WAIT = 60.0
_LOOK_SECONDS = 0.2


class LoggedFace:
    """Face of runs that nobody watches: it hears when the service ends, and says nothing.

    Args:
        service: the process.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def waits_for(self, holder: LockHolder) -> None:
        """Hear that somebody else runs this data sync."""

    def lifted(self, lifted: Lifted) -> None:
        """Hear what became of leases that were over."""

    def left_paused(self, problem: ReconcilerError) -> None:
        """Hear of a sync that is still paused."""
        self._service.log.say("left-paused", problem.message, level="warning", code=problem.code)

    def progresses(self, progress: Progress, /) -> None:
        """Hear where the run stands."""

    @contextmanager
    def stoppable(self) -> Iterator[asyncio.Event]:
        """Within, the event is set when the service is to end: its own event is another loop's."""
        stop = asyncio.Event()

        async def look() -> None:
            while not self._service.stopping.is_set():  # noqa: ASYNC110 - set in another thread's loop
                await asyncio.sleep(_LOOK_SECONDS)
            stop.set()

        looking = asyncio.create_task(look())
        try:
            yield stop
        finally:
            looking.cancel()


async def run_wanted(service: Service, chosen: Sequence[Chosen]) -> None:
    """Run data types, one after the other, as they are wanted in the ledger; what comes of it is logged."""
    face = LoggedFace(service)
    for each in chosen:
        if service.stopping.is_set():
            return
        name = f"{each.sync.name} {each.sync.type}"
        try:
            report, _ = await run_once(each, None, HowToRun(lock_wait=_LOCK_WAIT), face, Silent())
        except ReconcilerError as error:
            service.log.say("triggered-run-failed", f"{name}: {error.message}", level="error", code=error.code)
        else:
            service.log.say("triggered-run-ended", f"{name}: {report.state}", run=report.run_id)
