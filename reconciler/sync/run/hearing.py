"""What a run has to do with trust in messages: weigh it at its start, and note what it finds that none told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.ledger.data.face import AsyncStore
from reconciler.ledger.data.inbox_model import Gap
from reconciler.ledger.data.model import Level
from reconciler.sync.datatype import TargetState
from reconciler.sync.heard import SLACK, Evidence, Hearing, heard_parts, measured_at, missing, trusting, why_silent
from reconciler.sync.mode import Mode
from reconciler.sync.run.context import Job, RunContext
from reconciler.sync.run.due import Past
from reconciler.sync.settings import SyncSettings

_MOST_NOTED = 100
"""Records that a run notes of one part: more would say the same."""
_SOURCE_DECIDES = frozenset({Mode.INCREMENTAL, Mode.LIGHT, Mode.WALK})
"""The modes in which a difference comes from the source: others write anew for reasons of their own."""


class Weighed(Struct, frozen=True):
    """What trust in messages comes to at the start of a run.

    Args:
        settings: as they hold by it.
        gaps: what keeps messages from coming now.
    """

    settings: SyncSettings
    gaps: tuple[Gap, ...] = ()

    def since(self, moment: datetime) -> tuple[Gap, ...]:
        """Return the gaps as seen at the moment when the run began, or later: its own walk answers none of them."""
        return tuple(replace(gap, seen_at=max(gap.seen_at, moment)) for gap in self.gaps)


async def weigh(job: Job, ledger: AsyncStore, past: Past) -> Weighed:
    """Weigh how far messages can be trusted now.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    if not isinstance(job.data, Hearing):
        return Weighed(job.settings)
    now, last_walk = job.now(), measured_at(past.last_walk)
    unheard = await asyncio.to_thread(job.unheard)
    gaps = await ledger.hearing.judge(None if last_walk is None else last_walk - SLACK, now)
    evidence = Evidence((await ledger.hearing.inbox()).types, gaps, last_walk)
    parts = heard_parts(job.data, job.settings, unheard, evidence, now)
    absent = missing(job.data, job.settings, unheard, evidence, now)
    flowing = [part.part for part in parts if part.part in absent]
    return Weighed(trusting(job.settings, parts), tuple(Gap(part, absent[part], now) for part in flowing))


class Untold:
    """Takes what a run finds that no message told, and notes it in the ledger.

    Args:
        context: of the run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._data = context.data if isinstance(context.data, Hearing) else None
        self._feeds = {} if self._data is None else self._data.feeds
        self._silent = False
        self._noted: dict[str, int] = {}
        self._waiting: list[Gap] = []

    def read(self, key: str, record: Any) -> None:
        """Take in a record as the source gave it, and its key."""
        data = self._data
        if data is not None and not self._silent and data.is_silent(record):
            self._silent = True
            now = self._context.job.now()
            self._waiting.extend(Gap(part, why_silent(key), now) for part in data.flowing)

    def compared(self, state: TargetState, *levels: Level | None) -> None:
        """Take in what a record should be, and its level: as it was claimed, where it was, and as it is now."""
        known = [level for level in levels if level is not None]
        if not self._feeds or self._context.mode not in _SOURCE_DECIDES or any(level.is_told for level in known):
            return
        level = known[0] if known else None
        if level is not None and level.due_at is not None and level.due_at <= self._context.source_now:
            return
        for part in _changed(state, level):
            if self._feeds.get(part) is not None and self._noted.get(part, 0) < _MOST_NOTED:
                self._noted[part] = self._noted.get(part, 0) + 1
                revision = max((level.wanted for level in known), default=0)
                self._waiting.append(Gap(part, "", self._context.job.now(), state.key, revision))

    async def note(self) -> None:
        """Note in the ledger what was taken in."""
        if self._waiting:
            gaps, self._waiting = self._waiting, []
            await self._context.ledger.hearing.note(gaps)


def _changed(state: TargetState, level: Level | None) -> Iterable[str]:
    """Return the parts of a record that are certainly not what they were."""
    if level is None or level.seen_run is None:
        return state.prints
    if state.gone != level.gone:
        return state.prints
    return [part for part, value in state.prints.items() if level.prints.get(part, value) != value]
