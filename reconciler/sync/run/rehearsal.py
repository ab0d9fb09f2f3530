"""Rehearsal of a run: the same run with a sink that has nothing to write with, and notes what would be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from reconciler.errors import ApiError, TargetIncomplete
from reconciler.sync.datatype import Held, Observation, Target, TargetState, Telling, Written
from reconciler.sync.run.abilities import Foreseeing

_NOTED = 20


class Rehearsal(Struct):
    """What a rehearsal noted.

    Args:
        written: the first records of which something would be written.
        discontinued: the first records that would be discontinued.
        lacks: what the target has not, and a run needs; None: nothing.
    """

    written: list[str] = []
    discontinued: list[str] = []
    lacks: TargetIncomplete | None = None


class RehearsedSink:
    """Stands for a sink where nothing may be written: all of it goes through.

    Args:
        target: reads what is there.
        rehearsal: takes the notes.
    """

    def __init__(self, target: Target[Any], rehearsal: Rehearsal) -> None:
        self._target = target
        self._rehearsal = rehearsal
        self.counts: Counter[str] = Counter()

    async def facts(self) -> Any:
        """Read what the mapper must know of the target; what is missing there is noted and not known."""
        try:
            return await self._target.facts()
        except TargetIncomplete as error:
            self._rehearsal.lacks = error
            return None

    async def whole(self, *, sample: bool = False) -> Any:
        return await self._target.whole(sample=sample)

    async def observe(self, states: Sequence[TargetState], whole: Any) -> Observation:
        return await self._target.observe(states, whole)

    async def observe_held(self, held: Mapping[str, Held], whole: Any) -> Observation:
        return await self._target.observe_held(held, whole)

    @property
    def remarks(self) -> Sequence[str]:
        """What the target found out."""
        return self._target.remarks if isinstance(self._target, Telling) else ()

    async def write(self, state: TargetState, parts: Collection[str]) -> Written:
        """Note that these parts of a record would be written."""
        if isinstance(self._target, Foreseeing) and (problems := tuple(await self._target.foresee(state))):
            return Written(frozenset(), problems)
        noted = self._rehearsal.discontinued if state.gone else self._rehearsal.written
        if len(noted) < _NOTED:
            noted.append(state.key)
        self.counts.update(parts)
        return Written(frozenset(parts))

    def why_failed(self, error: ApiError) -> str:
        return error.message
