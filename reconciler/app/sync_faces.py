"""Faces of whoever asks for runs of data syncs: a terminal, a service, a worker. Protocols."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from datetime import datetime

    from reconciler.errors import ReconcilerError
    from reconciler.ledger.config.model import LockHolder
    from reconciler.reconcile.pause_report import Lifted
    from reconciler.sync.datasync import DataSync
    from reconciler.sync.run.progress import Progress
    from reconciler.sync.run.report import RunReport


class SyncFace(Protocol):
    """Whoever asked for a run: a terminal, a service, a worker."""

    def waits_for(self, holder: LockHolder) -> None:
        """Hear that somebody else runs this data sync, and is waited for."""

    def lifted(self, lifted: Lifted) -> None:
        """Hear what became of leases that were over."""

    def left_paused(self, problem: ReconcilerError) -> None:
        """Hear of a sync that is still paused by a lease that is over, and why."""

    def progresses(self, progress: Progress, /) -> None:
        """Hear where the run stands; called about once a second."""

    def stoppable(self) -> AbstractContextManager[asyncio.Event]:
        """Within, the event is set when an orderly end is asked for."""


class LendingFace(SyncFace, Protocol):
    """Whoever asked for a run that workers make, and lends them a hand."""

    def lending(self) -> AbstractContextManager[asyncio.Event]:
        """Within, the event is set when our hand is to end in order; the run is not ours to end."""


class WatchFace(SyncFace, Protocol):
    """Whoever asked for runs again and again."""

    def ended(self, report: RunReport, following: datetime) -> None:
        """Hear of a run that has ended, and when the next one starts."""

    def lacks_something(self, error: ReconcilerError, following: datetime) -> None:
        """Hear that one side lacks something that a run needs, and when the next one tries."""

    def applied_anew(self, sync: DataSync) -> None:
        """Hear that the watch ends, because another manifest was applied."""
