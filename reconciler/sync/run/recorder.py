"""Recorder of results: what became of records goes to the ledger, many in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.errors import LockLost
from reconciler.sync.run.batcher import Batcher
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.work import Done

_AT_ONCE = 200
_LINGER = 0.05


class Recorder:
    """Records what became of records, and sees to those that somebody else has taken over meanwhile.

    Args:
        context: of the run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._results: Batcher[Done, None] = Batcher(self._record, most=_AT_ONCE, linger=_LINGER, side_by_side=1)

    async def record(self, done: Done) -> bool:
        """Record what became of a record, and return whether that was still this hand's to do.

        Raises:
            LedgerError: the ledger cannot be written, or the run is no longer this hand's.
        """
        recorded = done in await self._results.add([done])
        if recorded:
            self._context.meter.tally.add(done.result.counts)
        return recorded

    async def _record(self, done: Sequence[Done]) -> Mapping[Done, None]:
        store = self._context.ledger.records
        sent = {item.result.key: list(item.result.prints) for item in done if item.result.written}
        try:
            lost = set(await store.record([item.result for item in done], self._context.run.id))
        except LockLost:
            # Whoever took over may have written before what was sent here arrived.
            await store.doubt(sent)
            raise
        if late := {key: sent[key] for key in lost if key in sent}:
            await store.doubt(late)
        # What somebody else took over is theirs to record. Whether they read it later than a list did, nobody knows.
        unclaimed = {item.result.key for item in done if item.result.unclaimed}
        await store.want(unclaimed & lost - late.keys())
        return {item: None for item in done if item.result.key not in lost}
