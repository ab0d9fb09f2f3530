"""Retries: records that are open or due, read one by one by ID and brought to where they should be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from reconciler.ledger.data.model import Level
from reconciler.sync.run.attempts import STALE_READS, STALE_WAIT
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.deletes import Deletes, may_hold
from reconciler.sync.run.pipeline import Pipeline
from reconciler.words import some

_AT_ONCE = 100
_LEASE_SECONDS = 600.0
_POLL_SECONDS = 0.5
# Longer than any wait between two tries of a record.
_LONGEST_IDLE = 180.0


class Retries:
    """Works off what the ledger says is open or due.

    Args:
        context: of the run, which names the claims.
        pipeline: how to write.
        deletes: takes in what has to be deleted; such a record stays open until it is.
    """

    def __init__(self, context: RunContext, pipeline: Pipeline, deletes: Deletes) -> None:
        self._context = context
        self._pipeline = pipeline
        self._deletes = deletes
        self._stale: dict[str, int] = {}
        self._gone: list[str] = []
        self._outside: list[str] = []

    async def work_off(self, *, patiently: bool) -> None:
        """Work until nothing is open or due now; patiently: until nothing of it will be tried again either.

        Raises:
            ApiError: the source or the target could not be read.
            Outage: an API is away.
        """
        context = self._context
        idle = 0.0
        while not context.stopping:
            claimed = await context.ledger.records.claim_due(
                _AT_ONCE, context.source_now, _LEASE_SECONDS, context.run.id
            )
            if claimed:
                idle = 0.0
                await self._bring(claimed)
            elif patiently and idle < _LONGEST_IDLE and await self._something_waits():
                idle += _POLL_SECONDS
                await asyncio.sleep(_POLL_SECONDS)
            else:
                break
        self._tell()

    async def _something_waits(self) -> bool:
        return await self._context.ledger.records.open_count(None) > self._deletes.waiting

    async def _bring(self, claimed: Sequence[Level]) -> None:
        levels = {level.key: level for level in claimed}
        records = await self._context.source.some(levels)
        found = {self._context.data.key(record) for record in records}
        await self._pipeline.take(records, levels)
        for key in levels:
            if key not in found:
                await self._bring_one(key, levels)
        await self._pipeline.drain()

    async def _bring_one(self, key: str, levels: Mapping[str, Level]) -> None:
        context, level = self._context, levels[key]
        reading = await context.source.one(key)
        if reading.stale and self._may_wait(key):
            again = context.source_now + STALE_WAIT
            await context.ledger.records.failed(key, level.attempts, again, token=context.run.id)
        elif (reading.is_gone or reading.outside) and may_hold(level):
            self._deletes.add(level, reading, claimed=True)
        elif reading.record is not None and not reading.outside:
            await self._pipeline.take([reading.record], levels, unlisted=not reading.stale)
        else:
            if reading.is_gone or reading.outside:
                (self._outside if reading.outside else self._gone).append(key)
            await context.ledger.records.seen(None, {key: level.wanted})

    def _tell(self) -> None:
        """Say why nothing comes of records that somebody asked for and the target never had."""
        for keys, where in ((self._gone, "not at the source"), (self._outside, "outside the scope of this sync")):
            if keys:
                self._context.remarks.append(f"asked for, but {where}: {some(keys)}")
                keys.clear()

    def _may_wait(self, key: str) -> bool:
        self._stale[key] = self._stale.get(key, 0) + 1
        return self._stale[key] <= STALE_READS
