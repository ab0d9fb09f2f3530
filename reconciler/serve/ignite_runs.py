"""Runs that a trigger asks for, carried out beside the requests; they end when the service does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reconciler.app.chosen import Chosen, HowToRun
from reconciler.app.sync import run_once
from reconciler.app.unattended import Unattended
from reconciler.errors import LedgerLocked, ReconcilerError
from reconciler.http.limit import Precedence, Turn
from reconciler.http.observe import Silent
from reconciler.serve.service import Service

_LOCK_WAIT = 60.0
_LOOK_SECONDS = 0.2


class LoggedFace(Unattended):
    """Face of runs that nobody watches: it hears when the service ends, and logs what is left paused.

    Args:
        service: the process.
    """

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    def left_paused(self, problem: ReconcilerError) -> None:
        """Log that a sync is still paused by a lease that is over."""
        self._service.log.say("left-paused", problem.message, level="warning", code=problem.code)

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


async def run_wanted(service: Service, chosen: Sequence[Chosen], pulls: Precedence) -> None:
    """Run data types in turn as they are wanted in the ledger, giving way to pulls; what comes of it is logged."""
    how = HowToRun(lock_wait=_LOCK_WAIT, turn=Turn(pulls, goes_first=False))
    face = LoggedFace(service)
    for each in chosen:
        if service.stopping.is_set():
            return
        name = f"{each.sync.name} {each.sync.type}"
        try:
            report, _ = await run_once(each, None, how, face, Silent())
        except LedgerLocked as error:
            # It stays wanted.
            told = f"{name}: {error.message}; the run after that one verifies"
            service.log.say("triggered-run-waits", told, level="warning")
        except ReconcilerError as error:
            service.log.say("triggered-run-failed", f"{name}: {error.message}", level="error", code=error.code)
        else:
            service.log.say("triggered-run-ended", f"{name}: {report.state}", run=report.run_id)
