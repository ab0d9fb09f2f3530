"""Deletes: records that a complete walk did not see and that do not exist at the source any more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from reconciler.ledger.data.model import Level
from reconciler.sync.run.context import RunContext
from reconciler.sync.run.pipeline import Pipeline
from reconciler.words import counted

_CHUNK = 100


class TooManyGone(Exception):
    """More records are gone than a run may delete. The run ends with it.

    Args:
        message: how many of how many.
        next_step: what to do.
    """

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Deletes:
    """What became of the records that were not seen.

    Args:
        gone: they do not exist any more.
        left: they exist, and the walk did not list them, or not yet.
    """

    gone: int = 0
    left: int = 0


async def delete_unseen(context: RunContext, pipeline: Pipeline, known: int) -> Deletes:
    """Ask by ID for every record that the walk did not see, and delete those that do not exist.

    Nothing is deleted before all of them were asked for, or more are gone than may be.

    Args:
        context: of the run, whose walk is complete.
        pipeline: how to delete.
        known: how many records the ledger knows, of which the limit is a share.

    Raises:
        TooManyGone: more are gone than `maxDeletePercent` allows; none was deleted.
        ApiError: a read failed.
    """
    gone: list[Level] = []
    checked = 0
    after: str | None = None
    allowed = known * context.job.settings.max_delete_percent / 100
    while not context.stopping:
        unseen = await context.ledger.records.unseen(context.run.id, after, _CHUNK)
        if not unseen:
            break
        after = unseen[-1].key
        answers = await asyncio.gather(*(context.source.is_gone(level.key) for level in unseen))
        gone += [level for level, answer in zip(unseen, answers, strict=True) if answer]
        checked += len(unseen)
        context.meter.checked(checked)
        if len(gone) > allowed:
            raise _too_many(context, len(gone), known)
    for start in range(0, len(gone), _CHUNK):
        if context.stopping:
            break
        await pipeline.delete(gone[start : start + _CHUNK])
    await pipeline.drain()
    return Deletes(len(gone), checked - len(gone))


async def verify_deleted(context: RunContext, pipeline: Pipeline) -> None:
    """Look at what the target holds of records that were deleted before, and delete again what came back there.

    Raises:
        ApiError: the target could not be read.
    """
    after: str | None = None
    while not context.stopping:
        deleted = await context.ledger.records.unseen(context.run.id, after, _CHUNK, gone=True)
        if not deleted:
            break
        after = deleted[-1].key
        await pipeline.delete(deleted)
    await pipeline.drain()


def _too_many(context: RunContext, gone: int, known: int) -> TooManyGone:
    return TooManyGone(
        f"at least {counted(gone, context.data.noun)} of {known:,} are gone at the source, and maxDeletePercent "
        f"allows {context.job.settings.max_delete_percent:g} %; none was discontinued",
        "Look whether they are meant to be gone; if so, raise maxDeletePercent, apply, and run again.",
    )
