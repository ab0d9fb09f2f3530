"""Writes that the ledger knows of before they are sent; where the run stops before that, it is told so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.sync.datatype import Held
from reconciler.sync.run.abilities import Announcing
from reconciler.sync.run.batcher import Batcher
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.work import Work

_AT_ONCE = 500
_LINGER = 0.05


class Begun:
    """Notes which writes are begun, and takes back those of which nothing is sent.

    Else the next run would take them for writes that may still arrive, and write the records again after that.

    Args:
        context: of the run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._returnable: set[str] = set()
        self._unsent: Batcher[str, None] = Batcher(self._take_back, most=_AT_ONCE, linger=_LINGER, side_by_side=1)

    async def begin(self, works: Sequence[Work]) -> frozenset[str]:
        """Put the parts in doubt that are to be sent, and return the keys of those that must not be sent."""
        if not works:
            return frozenset()
        sink = self._context.sink
        announced: Mapping[str, Held] = {}
        if isinstance(sink, Announcing):
            announced = await sink.announce([work.state for work in works])
        sending = [(work.state.key, list(work.parts)) for work in works]
        begun = await self._context.ledger.records.begin_writes(
            sending,
            announced,
            token=self._context.run.id,
            unclaimed=[work.state.key for work in works if work.token is None],
        )
        self._returnable |= begun.returnable
        return begun.refused

    async def give_up(self, key: str) -> None:
        """Note that nothing of a record was sent, nor will be."""
        if key in self._returnable:
            await self._unsent.add([key])

    def end(self, key: str) -> None:
        """Let go of a record: it was sent, or given up."""
        self._returnable.discard(key)

    async def _take_back(self, keys: Sequence[str]) -> Mapping[str, None]:
        await self._context.ledger.records.take_back(keys)
        return {}
