"""Retries: records that are open or due, read by their IDs and brought to where they should be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.ledger.data.inbox_model import LAG, Told
from reconciler.ledger.data.model import Level
from reconciler.sync.run.attempts import STALE_READS, STALE_WAIT, read_again_after
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.deletes import Deletes, may_hold
from reconciler.sync.run.pipeline import Pipeline
from reconciler.sync.told import contradicts
from reconciler.words import some

AT_ONCE = 100
LEASE_SECONDS = 600.0


class Retries:
    """Claims what the ledger says is open or due, and brings it on its way.

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

    async def claim(self, newest: int = 0, since: datetime | None = None) -> list[Level]:
        """Claim records that are open or due; see `RecordStore.claim_due`."""
        context = self._context
        return await context.ledger.records.claim_due(
            AT_ONCE, context.source_now, LEASE_SECONDS, context.run.id, newest, since
        )

    async def bring(self, claimed: Sequence[Level]) -> None:
        """Read records that were claimed and bring them on their way; what has to be deleted waits in `deletes`.

        A read that contradicts what a message told of a record within the source's lag is repeated later: that one is
        deleted and is there, or that a member is what it is not.
        """
        context = self._context
        levels = {level.key: level for level in claimed}
        told = await context.ledger.records.told(levels)
        fresh = {key: what for key, what in told.items() if what.age < LAG}
        # Whether there is one that was deleted, no list says that lags.
        by_id = {key for key, level in levels.items() if level.gone or (key in fresh and fresh[key].gone)}
        records = await context.source.some([key for key in levels if key not in by_id])
        found = {context.data.key(record): record for record in records}
        again = {
            key: self._again(fresh[key])
            for key, record in found.items()
            if key in fresh and contradicts(fresh[key].members, context.data.told(record))
        }
        await self._settle([key for key in found if key not in again], told, levels)
        await self._pipeline.take(records, levels, again=again)
        missing = [key for key in levels if key not in found]
        each = (self._bring_one(key, levels, told.get(key)) for key in missing)
        # Where one fails the others come to their end first: nothing goes on once this has returned.
        for ended in await asyncio.gather(*each, return_exceptions=True):
            if ended is not None:
                raise ended

    async def _bring_one(self, key: str, levels: Mapping[str, Level], told: Told | None) -> None:
        context, level = self._context, levels[key]
        reading = await context.source.one(key)
        fresh = told is not None and told.age < LAG
        if told is not None and fresh and (not reading.is_gone if told.gone else reading.stale):
            await self._put_back(level, self._again(told))
            return
        if reading.stale and self._may_wait(key):
            await self._put_back(level, context.source_now + STALE_WAIT)
            return
        if told is not None:
            await self._settle([key], {key: told}, levels)
        if (reading.is_gone or reading.outside) and may_hold(level):
            self._deletes.add(level, reading, claimed=True)
        elif reading.record is not None and not reading.outside:
            # One that was deleted, or has just been made, may be in the lists as well: the next walk says whether.
            unlisted = not reading.stale and not level.gone and told is None
            await self._pipeline.take([reading.record], levels, unlisted=unlisted)
        else:
            if told is None and (reading.is_gone or reading.outside):
                (self._outside if reading.outside else self._gone).append(key)
            await context.ledger.records.seen(None, {key: level.wanted}, token=context.run.id)
            await context.ledger.records.forget_strays([key])

    async def _settle(self, keys: Sequence[str], told: Mapping[str, Told], levels: Mapping[str, Level]) -> None:
        await self._context.ledger.records.settle_told({key: levels[key].wanted for key in keys if key in told})

    async def _put_back(self, level: Level, retry_at: datetime) -> None:
        token = self._context.run.id
        await self._context.ledger.records.failed(level.key, level.attempts, retry_at, token=token)

    def _again(self, told: Told) -> datetime:
        return self._context.source_now + read_again_after(told.age)

    def tell(self) -> None:
        """Say why nothing comes of records that somebody asked for and the target never had."""
        for keys, where in ((self._gone, "not at the source"), (self._outside, "outside the scope of this sync")):
            if keys:
                self._context.remarks.append(f"asked for, but {where}: {some(keys)}")
                keys.clear()

    def _may_wait(self, key: str) -> bool:
        self._stale[key] = self._stale.get(key, 0) + 1
        return self._stale[key] <= STALE_READS
