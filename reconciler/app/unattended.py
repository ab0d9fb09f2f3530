"""The face of nobody: a use case that is called without somebody who watches, asks or stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.errors import ReconcilerError
    from reconciler.ledger.config.model import LockHolder
    from reconciler.reconcile.pause_report import Lifted
    from reconciler.reconcile.plan import Change, Operation, Plan
    from reconciler.reconcile.run import Progress as ApplyProgress
    from reconciler.sync.datasync import DataSync
    from reconciler.sync.run.progress import Progress
    from reconciler.sync.run.report import RunReport


class Unattended:
    """Agrees to nothing, says nothing, and stops when its event is set. Faces of services and workers build on it.

    Args:
        stop: asks for an orderly end; left out: nobody does.
    """

    def __init__(self, stop: asyncio.Event | None = None) -> None:
        self._stop = stop

    def agrees(self, plan: Plan) -> bool:  # noqa: ARG002  # whatever it says, nobody has looked at it
        """Never agree to a plan that nobody has seen."""
        return False

    def waits_for(self, holder: LockHolder) -> None: ...

    def leaves_alone(self, changes: tuple[Change | Operation, ...]) -> None: ...

    def shows(self, plan: Plan, limits: Mapping[str, str]) -> None: ...

    def lifted(self, lifted: Lifted) -> None: ...

    def left_paused(self, problem: ReconcilerError) -> None: ...

    def progresses(self, progress: ApplyProgress | Progress) -> None: ...

    def ended(self, report: RunReport, following: datetime) -> None: ...

    def lacks_something(self, error: ReconcilerError, following: datetime) -> None: ...

    def applied_anew(self, sync: DataSync) -> None: ...

    @contextmanager
    def stoppable(self) -> Iterator[asyncio.Event]:
        """Within, the event is the one that was given."""
        yield self._stop or asyncio.Event()
