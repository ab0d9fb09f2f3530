"""Lend a hand to a run of a data sync that another process keeps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.app.chosen import Chosen, HowToRun, opened_ledger
from reconciler.app.sync import FEATURE, require_connected, writing_job
from reconciler.sync.datasync import require_applied

if TYPE_CHECKING:
    from reconciler.http.observe import Observer
    from reconciler.sync.run.hand import HandReport


async def lend(
    chosen: Chosen,
    run_id: str,
    how: HowToRun,
    stop: asyncio.Event,
    observer: Observer,
    command: str,
    part: int | None = None,
) -> HandReport:
    """Work for a run that another process keeps, until nothing is left that is ready; see `lend_hand`.

    Args:
        chosen: the data type.
        run_id: the run.
        how: cache, patience.
        stop: ends our hand alone.
        observer: told of the requests.
        command: what the hand is called.
        part: the range of the walk to list first, where nobody does; None: whichever.

    Raises:
        ReconcilerError: it is not what was applied, or the ledger failed.
    """
    from reconciler.ledger.process import describe_holder
    from reconciler.sync.run.context import transport
    from reconciler.sync.run.hand import lend_hand

    require_applied(chosen.sync)
    require_connected(chosen)
    holder, policy = describe_holder(command), transport(how.patience, how.gives_back)
    with opened_ledger(chosen, FEATURE, ephemeral=how.ephemeral) as ledger:
        store = ledger.store(chosen.sync.scope)
        async with writing_job(chosen, store, holder, how, observer, policy) as job:
            return await lend_hand(job, run_id, stop=stop, part=part)
