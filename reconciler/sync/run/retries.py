"""Records that are open or due, one by one: read by ID, and brought to where they should be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from reconciler.ledger.data.model import Level
from reconciler.ledger.data.store import Levels
from reconciler.ordercloud.readers.records import Freshness, Product
from reconciler.sync.products.source import ProductSource, ids_of
from reconciler.sync.run.breaker import Patience
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.run.pipeline import Pipeline

_AT_ONCE = 100
_LEASE_SECONDS = 600.0
_LAG = timedelta(seconds=30)
_POLL_SECONDS = 0.5
_STALE_READS = 5
# Longer than any wait between two tries of a record.
_LONGEST_IDLE = 180.0


class Retries:
    """Works off what the ledger says is open or due.

    Args:
        run_id: the run, which names the claims.
        source: where to read.
        pipeline: how to write.
        levels: the ledger.
        thread: the ledger's thread.
        patience: how failures are borne.
        now: the source's clock.
    """

    def __init__(
        self,
        run_id: str,
        source: ProductSource,
        pipeline: Pipeline,
        levels: Levels,
        thread: LedgerThread,
        patience: Patience,
        now: Callable[[], datetime],
    ) -> None:
        self._run_id = run_id
        self._source = source
        self._pipeline = pipeline
        self._levels = levels
        self._thread = thread
        self._patience = patience
        self._now = now
        self._stale: dict[str, int] = {}

    async def work_off(self, stopping: Callable[[], bool], *, patiently: bool) -> None:
        """Work until nothing is open or due now; patiently: until nothing of it will be tried again either.

        Raises:
            ApiError: the source or the target could not be read.
            Outage: the target is away.
        """
        idle = 0.0
        while not stopping():
            claimed = await self._thread.call(
                self._levels.claim_due, _AT_ONCE, self._now(), _LEASE_SECONDS, self._run_id
            )
            if claimed:
                idle = 0.0
                await self._bring(claimed)
            elif patiently and idle < _LONGEST_IDLE and await self._thread.call(self._levels.open_count, None) > 0:
                idle += _POLL_SECONDS
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return

    async def _bring(self, claimed: Sequence[Level]) -> None:
        levels = {level.key: level for level in claimed}
        products = await self._patience.bear(lambda: self._source.some(levels))
        missing = [key for key in levels if key not in set(ids_of(products))]
        await self._pipeline.take(products, levels)
        for key in missing:
            await self._bring_one(key, levels)
        await self._pipeline.drain()

    async def _bring_one(self, key: str, levels: Mapping[str, Level]) -> None:
        reading = await self._patience.bear(lambda: self._source.one(key))
        product: Product | None = reading.record
        if reading.freshness is Freshness.STALE and self._may_wait(key):
            level = levels[key]
            await self._thread.call(self._levels.failed, key, level.attempts, self._now() + _LAG, token=self._run_id)
        elif product is not None:
            await self._pipeline.take([product], levels)
        else:
            # It does not exist. A walk that does not see it either discontinues it.
            await self._thread.call(self._levels.seen, None, {key: levels[key].wanted})

    def _may_wait(self, key: str) -> bool:
        self._stale[key] = self._stale.get(key, 0) + 1
        return self._stale[key] <= _STALE_READS
