"""What a run finds of an API that is away, or wants to be left alone: said in the ledger for all who share it."""

from __future__ import annotations

from datetime import timedelta

from reconciler.ledger.data.face import AsyncStore
from reconciler.sync.run.breaker import ComesBackAt, Outage
from reconciler.sync.run.context import Job
from reconciler.words import spoken


def why_away(job: Job, outage: Outage) -> str:
    """Return why an API cannot be used now, for people."""
    if not isinstance(outage, ComesBackAt):
        return outage.error.message
    names = {each.provider: each.api for each in (job.source_traffic, job.target_traffic)}
    api = names.get(outage.provider or "", "the API")
    return f"{api} asks to be left alone for {spoken(timedelta(seconds=outage.seconds))}"


async def tell(job: Job, ledger: AsyncStore, outage: Outage) -> timedelta | None:
    """Say that an API is away, and return for how long nobody asks it; None: that is for each to decide.

    Raises:
        LedgerError: the ledger cannot be written.
    """
    asked = timedelta(seconds=outage.seconds) if isinstance(outage, ComesBackAt) else None
    key = job.shared.get(outage.provider or "")
    if key is None:
        return asked
    return await ledger.outages.found(key, why_away(job, outage), job.holder, asked)
