"""Faces of the service's runs: they log and count what happens, and agree to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.app.unattended import Unattended
from reconciler.report.log import correlated
from reconciler.sync.run.report import RunReport, State

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError
    from reconciler.http.observe import Exchanged, Waiting
    from reconciler.serve.crew import Loop
    from reconciler.serve.metrics import Metrics
    from reconciler.sync.datasync import DataSync

_COUNTED = frozenset({"seen", "written", "unchanged", "discontinued", "failed", "held_back"})
_TROUBLE = frozenset({State.STOPPED, State.CANCELLED, State.INTERRUPTED})


class Calls:
    """Counts the requests to the APIs.

    Args:
        metrics: of the process.
        environment: name of the environment.
    """

    def __init__(self, metrics: Metrics, environment: str) -> None:
        self._metrics = metrics
        self._environment = environment

    def exchanged(self, event: Exchanged) -> None:
        """Count it."""
        self._metrics.calls.labels(self._environment, str(event.status or "none")).inc()

    def waiting(self, event: Waiting) -> None:
        """Ignore it."""


def moment_of(following: datetime, now: datetime) -> str:
    """Return when a run is due that follows another one, for people."""
    return "at once" if following <= now else f"at {following:%H:%M:%S}"


class WatchFace(Unattended):
    """The face of the runs of a DataSync.

    Args:
        loop: whose runs they are.
        sync: name of the DataSync.
    """

    def __init__(self, loop: Loop, sync: str) -> None:
        super().__init__()
        self._loop = loop
        self._sync = sync

    def progresses(self, progress: object) -> None:  # noqa: ARG002 - the ledger has it
        """Note that nothing keeps a run from its work."""
        self._loop.goes_on()

    def ended(self, report: RunReport, following: datetime) -> None:
        """Log and count a run that has ended."""
        self._loop.came_round()
        metrics, labels = self._loop.service.metrics, (self._loop.served.name, self._sync, report.data_type)
        metrics.runs.labels(*labels, report.mode.value, report.state.value).inc()
        metrics.run_seconds.labels(*labels).set((report.ended_at - report.started_at).total_seconds())
        for outcome, number in report.counts.items():
            if outcome in _COUNTED and number > 0:
                metrics.records.labels(*labels, outcome).inc(number)
        written = report.counts.get("written", 0)
        words = f"{self._sync} {report.data_type}: {report.mode} run {report.state}, {written} written"
        then = moment_of(following, self._loop.service.now())
        with correlated(report.run_id):
            self._loop.service.log.say(
                "run-ended",
                f"{words}{f': {report.message}' if report.message else ''}; the next {then}",
                level="warning" if report.state in _TROUBLE else "info",
                environment=self._loop.served.name,
                dataSync=self._sync,
                dataType=report.data_type,
                mode=report.mode.value,
                state=report.state.value,
                written=written,
            )

    def lacks_something(self, error: ReconcilerError, following: datetime) -> None:
        """Say what a run waits for, and when it is tried again."""
        self._loop.waits(f"{error.message}; tried again at {following:%H:%M:%S}", code=error.code)

    def applied_anew(self, sync: DataSync) -> None:
        """Say that the manifests here are not those that were applied."""
        self._loop.waits(f"{sync.key} was applied anew, with other settings than those here")

    @contextmanager
    def stoppable(self) -> Iterator[asyncio.Event]:
        """Within, the event is one of this watch alone, set when the loop is to end soon."""
        stop = asyncio.Event()
        passing = asyncio.create_task(self._pass_on(stop))
        try:
            yield stop
        finally:
            passing.cancel()

    async def _pass_on(self, stop: asyncio.Event) -> None:
        await self._loop.stopping.wait()
        stop.set()
