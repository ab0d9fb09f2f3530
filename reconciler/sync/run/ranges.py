"""Walks in ranges: several lists side by side, in several processes, that are together everything there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from reconciler.ledger.data.ranges import Range, Walked
from reconciler.sync.mode import Mode
from reconciler.sync.run.abilities import Ranging
from reconciler.sync.run.breaker import ComesBackAt
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.pipeline import Pipeline
from reconciler.sync.run.stopping import take_until

_RECORDS = 10_000
"""Known records of a range, about."""
_MOST = 16
_SIDE_BY_SIDE = 2
_POLL_SECONDS = 0.5
# What comes and goes while it is read; more that is missing is a gap between two ranges.
_TOLERATED, _TOLERATED_SHARE = 100, 0.1
_IN_RANGES = (Mode.WALK, Mode.FULL)


async def divide(context: RunContext) -> bool:
    """Divide the walk of a run into ranges where that is worth it, and return whether it is. Only its keeper does that.

    A verify and a rewrite have one lister: they ask the target about each record, and that is what bounds them.
    """
    source = context.source
    if context.mode not in _IN_RANGES or context.job.writer is None or not isinstance(source, Ranging):
        return False
    known = (await context.ledger.records.counts(context.job.now())).in_scope
    number = min(known // _RECORDS, _MOST)
    return await context.ledger.hands.divide(context.run.id, max(number - 1, 0), source.ranges) is not None


class Ranges:
    """Lists the ranges of a run's walk that nobody else lists.

    Args:
        context: of the run.
        pipeline: takes what comes.
    """

    def __init__(self, context: RunContext, pipeline: Pipeline) -> None:
        self._context = context
        self._pipeline = pipeline

    async def walk_all(self) -> bool:
        """Walk until every range has ended, whoever lists it; return whether they hold what there is.

        Where they do not, there is a gap between two of them: then everything is to be read in one walk.
        """
        context = self._context
        while not context.stopping:
            await self.walk_free()
            walked = await context.ledger.hands.walked(context.run.id)
            if walked is None or not walked.left:
                return walked is not None and self._is_whole(walked)
            # Somebody else lists the rest; where that one is gone, it is free in a moment.
            await asyncio.sleep(_POLL_SECONDS)
        return True

    async def walk_free(self, part: int | None = None) -> None:
        """Walk ranges that nobody lists, this part first, until there is none."""
        async with asyncio.TaskGroup() as walks:
            for _ in range(_SIDE_BY_SIDE):
                walks.create_task(self._walk_some(part))

    async def _walk_some(self, part: int | None) -> None:
        context, hands = self._context, self._context.ledger.hands
        while not context.stopping and (found := await hands.take_range(context.run.id, part)) is not None:
            await self._walk(found)

    async def _walk(self, found: Range) -> None:
        context, listed = self._context, 0

        async def take(records: list[Any]) -> None:
            nonlocal listed
            listed += len(records)
            await self._pipeline.take(records)

        with suppress(ComesBackAt):  # the run ends in order: what was read comes to its end
            await take_until(context.stop, self._chunks(found.bounds), take)
        if context.stopping:
            return
        await self._pipeline.settle()
        await context.ledger.hands.end_range(context.run.id, found.part, listed)

    async def _chunks(self, bounds: Mapping[str, Any]) -> AsyncGenerator[list[Any], None]:
        source: Any = self._context.source
        async with aclosing(source.everything_in(bounds)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _is_whole(self, walked: Walked) -> bool:
        total = self._context.meter.total
        missing = 0 if total is None else total - walked.listed
        return missing <= max(_TOLERATED, (total or 0) * _TOLERATED_SHARE)
