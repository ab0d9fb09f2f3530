"""Rehearse a run of a data sync: on a copy of the ledger, with connections that cannot write."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.app.chosen import Chosen, HowToRun
from reconciler.app.sync import mode_of, reading_job
from reconciler.clock import utc_now
from reconciler.errors import ApiError, Interrupted, NoSuchRecord, OutOfScope, TargetIncomplete
from reconciler.ledger.reader import Ledgers
from reconciler.sync.datasync import Standing

if TYPE_CHECKING:
    from reconciler.app.sync_faces import SyncFace
    from reconciler.http.observe import Observer
    from reconciler.ledger.data.model import CodeCount
    from reconciler.sync.explanation import Explanation
    from reconciler.sync.mode import Mode
    from reconciler.sync.run.context import Job
    from reconciler.sync.run.dry_report import DryRun
    from reconciler.sync.run.progress import Progress

_SHOWN = 3
_COPY, _BEFORE = "ledger.db", "before.db"


async def dry_run(
    chosen: Chosen, mode: Mode | None, how: HowToRun, face: SyncFace, observer: Observer
) -> tuple[DryRun, bool]:
    """Rehearse a run; nothing changes in ledger or target.

    Args:
        chosen: the data sync, applied or not.
        mode: how; None: whatever is due.
        how: cache, patience.
        face: who is told.
        observer: told of the requests.

    Returns:
        What the run would do, and whether the face ended it.

    Raises:
        ReconcilerError: something could not be read.
    """
    from reconciler.ledger.writer import Ledger
    from reconciler.sync.run.context import transport
    from reconciler.sync.run.dry_report import DryRun
    from reconciler.sync.run.runner import run_sync

    def tells(progress: Progress) -> None:
        face.progresses(replace(progress, rehearsed=True))

    mode = mode_of(chosen.sync, mode)
    with TemporaryDirectory(prefix="reconciler-") as folder:
        await asyncio.to_thread(_copied, chosen, Path(folder))
        with Ledger.open(f"sqlite:///{folder}/{_COPY}") as ledger, Ledger.open(f"sqlite:///{folder}/{_BEFORE}") as old:
            store = ledger.store(chosen.sync.scope)
            with store.lock("dry run"), face.stoppable() as stop:
                async with reading_job(chosen, store, "dry run", how, observer, transport(how.patience)) as job:
                    try:
                        report = await run_sync(job, mode, stop=stop, on_progress=tells)
                    except asyncio.CancelledError:
                        raise Interrupted("Stopped at once: nothing was written") from None
                    noted = job.rehearsal
                    shown = await _explained(replace(job, store=old.store(chosen.sync.scope)), noted.written[:_SHOWN])
            codes: tuple[CodeCount, ...] = store.problems.by_code()
    lacks = None if noted.lacks is None else noted.lacks.message
    applied = chosen.sync.standing is Standing.APPLIED
    found = DryRun(report, codes, tuple(noted.written), tuple(noted.discontinued), shown, lacks, applied=applied)
    return found, stop.is_set()


def _copied(chosen: Chosen, folder: Path) -> None:
    """Copy the ledger twice, as it is: one for the rehearsal, one to tell what differs."""
    from reconciler.ledger import care

    url = chosen.session.settings.ledger
    with Ledgers() as ledgers:
        if not ledgers.is_there(url):
            return
    care.backup(url, folder / _COPY)
    shutil.copy(folder / _COPY, folder / _BEFORE)


async def _explained(job: Job, keys: Sequence[str]) -> tuple[Explanation, ...]:
    """Explain a few records; one that cannot be read by its ID is left out: lists may have what no ID has."""
    found = []
    for key in keys:
        try:
            found.append(await job.data.explain(job.source, job.target, job.store, key, utc_now()))
        except (ApiError, NoSuchRecord, OutOfScope, TargetIncomplete):
            continue
    return tuple(found)
