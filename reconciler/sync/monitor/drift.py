"""Looking after the data syncs of an environment from outside: what of them is drift."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from reconciler.kind.connection import Reader
from reconciler.ledger.config.model import Memory
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.plan import DriftItem
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.sparklayer.sync_log import read_status
from reconciler.sync.datasync import KIND, TARGET, DataSync, Standing, data_syncs, leaving_syncs, pulled_syncs
from reconciler.sync.monitor.health import drift_items


async def data_drift(
    session: Session, readers: Mapping[str, Reader], request: PlanRequest, ledgers: Ledgers, memory: Memory
) -> tuple[DriftItem, ...]:
    """Return what the data syncs of an environment do not keep.

    Args:
        session: the environment; its clock is the moment of the comparison.
        readers: a reader for each API that can be reached.
        request: what the comparison is limited to, and what is left out of it.
        ledgers: for reading.
        memory: what the ledger remembers of the environment.

    Raises:
        ApiError: a sync log could not be read.
        LedgerError: the ledger could not be read.
    """
    chosen = [
        sync
        for sync in (*data_syncs(session, memory), *pulled_syncs(session, memory), *leaving_syncs(session, memory))
        if sync.standing is not Standing.NEVER and _is_meant(request, {KIND, sync.key})
    ]
    if not chosen:
        return ()
    overviews = ledgers.sync_overview(session.settings.ledger, [sync.scope for sync in chosen], session.opened_at)

    async def one(sync: DataSync) -> list[DriftItem]:
        overview = overviews[sync.scope]
        log, kept = None, sync.data.log
        if TARGET in readers and overview.log.started is not None and kept is not None and kept.owned:
            log = await read_status(readers[TARGET], sync.settings.integration, kept.name)
        return list(drift_items(sync, overview, log, memory, session.opened_at))

    found = await asyncio.gather(*(one(sync) for sync in chosen))
    return tuple(item for items in found for item in items)


def _is_meant(request: PlanRequest, names: set[str]) -> bool:
    return (not request.targets or bool(names & request.targets)) and not names & request.excluded
