"""Deletes: records that are gone at the source or left the scope are deleted or discontinued at the target.

Whether one is gone or out of scope, the source itself says, asked by its ID.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial

from msgspec import Struct

from reconciler.ledger.data.model import Level
from reconciler.sync.datatype import Reading
from reconciler.sync.mode import LIMIT, Mode, most_deletes
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.pipeline import Pipeline
from reconciler.sync.run.report import LimitReached
from reconciler.words import counted, some

_A_DAY = timedelta(hours=24)
_CHUNK = 100
# So many have to go that are named before the run ends without looking for more.
_NAMED = 500
# The ID of none: it has seen nothing.
_NO_RUN = ""


class TooManyGone(Exception):
    """More records have to go than may be deleted within a day. The run ends with it.

    Args:
        message: how many of how many.
        next_step: what to do.
        limit: the limit that was reached.
    """

    def __init__(self, message: str, next_step: str, limit: LimitReached) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.limit = limit


class _Leaving(Struct, frozen=True):
    """A record to be deleted at the target.

    Args:
        level: of it.
        outside: it exists, and left the scope; else it is gone.
        claimed: it was asked for, and stays open until it is deleted.
    """

    level: Level
    outside: bool
    claimed: bool


class Deletes:
    """Collects the records that have to be deleted at the target, and deletes them if they are not too many.

    Args:
        context: of the run.
        pipeline: how to delete.
    """

    def __init__(self, context: RunContext, pipeline: Pipeline) -> None:
        self._context = context
        self._pipeline = pipeline
        self._leaving: dict[str, _Leaving] = {}

    @property
    def waiting(self) -> int:
        """How many records that were asked for stay open until they are deleted."""
        return sum(leaving.claimed for leaving in self._leaving.values())

    def add(self, level: Level, reading: Reading[object], *, claimed: bool = False) -> None:
        """Take in a record of which the target may hold something, as it was read."""
        self._leaving.setdefault(level.key, _Leaving(level, reading.outside, claimed))

    async def take_all(self) -> None:
        """Take in every record of which the target may hold something, and close those of which it holds nothing.

        Raises:
            TooManyGone: so many have to go that the rest need not be looked at.
        """
        records = self._context.ledger.records
        after: str | None = None
        while not self._context.stopping:
            levels = await records.unseen(_NO_RUN, after, _CHUNK)
            if not levels:
                break
            after = levels[-1].key
            for level in levels:
                if may_hold(level):
                    self.add(level, Reading(None))
            await records.seen(None, {level.key: level.wanted for level in levels if not may_hold(level)})
            if len(self._leaving) >= _NAMED:
                await self._check(self._leaving.values(), whole=False)

    async def look_for_unseen(self) -> int:
        """Read by ID every record that a complete walk did not see: write what is there, and take in what has to go.

        Returns:
            How many exist and cannot be read yet.

        Raises:
            ApiError: a read failed.
            TooManyGone: so many have to go that the rest need not be asked for.
        """
        context = self._context
        after: str | None = None
        checked = left = 0
        while not context.stopping:
            unseen = await context.ledger.records.unseen(context.run.id, after, _CHUNK)
            if not unseen:
                break
            after = unseen[-1].key
            # One that is to be written is read by its ID anyway.
            written = [level for level in unseen if level.is_written and level.key not in self._leaving]
            left += await self._look_at(written)
            checked += len(unseen)
            context.meter.checked(checked)
            if len(self._leaving) >= _NAMED:
                await self._check(self._leaving.values(), whole=False)
        await self._pipeline.drain()
        return left

    async def _look_at(self, unseen: Sequence[Level]) -> int:
        readings = await asyncio.gather(*(self._context.source.one(level.key) for level in unseen))
        there = []
        left = 0
        for level, reading in zip(unseen, readings, strict=True):
            if reading.is_gone or reading.outside:
                # Of what the target does not hold nothing has to go: the end of the walk forgets it.
                if may_hold(level):
                    self.add(level, reading)
            elif reading.stale:
                left += 1
            else:
                there.append(reading.record)
        if there:
            await self._pipeline.take(there, unlisted=True)
        return left

    async def carry_out(self) -> None:
        """Delete what was taken in, all of it or nothing.

        Raises:
            TooManyGone: that is more than `maxDeletePercent` allows in 24 h, and nobody overrode it; none was deleted.
            SourceIncomplete: something that decides the scope is missing by now.
            ApiError: a read failed.
        """
        context = self._context
        # What is taken in from here on is no part of it: it has not been counted.
        taken, self._leaving = self._leaving, {}
        try:
            leaving = await self._granted(taken)
        except BaseException:
            self._leaving = taken | self._leaving
            raise
        for start in range(0, len(leaving), _CHUNK):
            if context.stopping:
                break
            chunk = leaving[start : start + _CHUNK]
            claimed = {each.level.key: each.level for each in chunk if each.claimed}
            outside = {each.level.key for each in chunk if each.outside}
            await self._pipeline.delete([each.level for each in chunk], claimed, outside)
        if leaving:
            await self._pipeline.drain()

    async def _granted(self, taken: dict[str, _Leaving]) -> list[_Leaving]:
        """Return those that may be deleted: all that nothing names any more, or none."""
        context = self._context
        await self._leave_what_is_named(taken)
        if not taken or context.stopping:
            return []
        await self._check(taken.values())
        if any(leaving.outside for leaving in taken.values()):
            # What decides the scope may have gone since the run began, and everything with it.
            await context.source.census()
        return list(taken.values())

    async def _leave_what_is_named(self, leaving: dict[str, _Leaving]) -> None:
        """Put off what other data types' records, or the manifest, still name: the next walk asks for it again."""
        context = self._context
        names = {key: context.data.named(each.level.held) for key, each in leaving.items()}
        words = {name for name in names.values() if name is not None}
        if not words:
            return
        reserved = words & context.data.reserved
        mentioned = reserved | await context.ledger.records.mentioned(words - reserved)
        left = [leaving.pop(key) for key, name in names.items() if name in mentioned]
        if left:
            await context.ledger.records.seen(
                None, {each.level.key: each.level.wanted for each in left if each.claimed}, token=context.run.id
            )
            # Nothing of them is looked at any more, so that nobody could mend what was wrong with them.
            await context.ledger.problems.close([each.level.key for each in left])
            stays, it = ("stays", "it") if len(left) == 1 else ("stay", "them")
            what = counted(len(left), context.data.noun)
            context.remarks.append(f"{what} no longer needed {stays} until nothing names {it} any more")

    async def verify(self) -> None:
        """Look at what the target holds of records that were deleted before, and delete again what came back there.

        Raises:
            ApiError: the target could not be read.
        """
        context = self._context
        after: str | None = None
        while not context.stopping:
            deleted = await context.ledger.records.unseen(context.run.id, after, _CHUNK, gone=True)
            if not deleted:
                break
            after = deleted[-1].key
            await self._pipeline.delete(deleted)
        await self._pipeline.drain()

    def _goes(self, leaving: _Leaving) -> bool:
        """Whether the target loses it: what is left alone does not count for the limit."""
        state = self._context.data.deleted(leaving.level.key, {}, leaving.level.held, outside=leaving.outside)
        return bool(state.prints or state.removes)

    async def _check(self, leaving: Collection[_Leaving], *, whole: bool = True) -> None:
        """Refuse more deletes than may be; whole: all that have to go are known."""
        context, settings = self._context, self._context.job.settings
        new = [each for each in leaving if not each.level.gone and self._goes(each)]
        if not new:
            return
        now = context.job.now()
        # Only the keeper may pass a limit, and note why.
        reason = context.job.overrides.get(LIMIT) if context.keeps else None
        most = partial(most_deletes, percent=settings.max_delete_percent)
        keys = tuple(sorted(leaving.level.key for leaving in new))
        room = await context.ledger.hands.make_room(keys, now - _A_DAY, now, most, takes=whole)
        if room.is_there:
            return
        if reason is not None:
            if whole:
                context.limit_lifted = True
                await context.ledger.runs.update(context.run.id, overrides={LIMIT: reason})
                context.remarks.append(f"{LIMIT} was overridden: {reason}")
            return
        raise _too_many(context, LimitReached(LIMIT, room.allowed, room.recent, keys, complete=whole), room.known, new)


def may_hold(level: Level) -> bool:
    """Whether the target may hold something of a record."""
    return bool(level.held or level.prints or level.doubtful)


def _too_many(context: RunContext, limit: LimitReached, known: int, leaving: Sequence[_Leaving]) -> TooManyGone:
    settings, noun, removes = context.job.settings, context.data.noun, context.mode is Mode.REMOVE
    outside = sum(each.outside for each in leaving)
    why = [f"{len(leaving) - outside:,} gone at the source", *([f"{outside:,} out of scope"] if outside else [])]
    if removes:
        why = ["the data sync was removed"]
    least = "" if limit.complete else "at least "
    before = f", after {limit.recent:,} in the last 24 h" if limit.recent else ""
    raising = "" if removes else f", or raise {LIMIT} and apply"
    return TooManyGone(
        f"{least}{counted(len(leaving), noun)} would be {context.data.ends} ({', '.join(why)}){before}, and {LIMIT} "
        f"({settings.max_delete_percent:g} %) allows {limit.allowed:,} of {known:,} in 24 h; none was: "
        f"{some(limit.ids)}",
        f"Look whether they are meant to go; if so, `reconciler sync run {settings.command} --override {LIMIT} "
        f"--reason TEXT`{raising}.",
        limit,
    )
