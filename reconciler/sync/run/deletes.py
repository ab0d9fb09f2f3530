"""Products that a complete walk did not see: gone, where the system itself says so; else left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.ledger.data.model import Level
from reconciler.ledger.data.store import Levels
from reconciler.sync.products.model import held_from_json
from reconciler.sync.products.resolve import departed
from reconciler.sync.products.source import ProductSource
from reconciler.sync.run.breaker import Patience
from reconciler.sync.run.ledger_thread import LedgerThread
from reconciler.sync.run.pipeline import Pipeline
from reconciler.sync.settings import SyncSettings
from reconciler.words import counted

_CHUNK = 100


class TooManyGone(Exception):
    """More products are gone than a run may discontinue. The run ends with it.

    Args:
        message: how many of how many.
        next_step: what to do.
    """

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Departures:
    """What became of the records that were not seen.

    Args:
        gone: they do not exist any more.
        left: they exist, outside the catalogs or not yet in the search index.
    """

    gone: int = 0
    left: int = 0


async def discontinue_departed(
    run_id: str,
    source: ProductSource,
    pipeline: Pipeline,
    levels: Levels,
    thread: LedgerThread,
    patience: Patience,
    settings: SyncSettings,
    known: int,
    on_checked: Callable[[int], None],
    stopping: Callable[[], bool],
) -> Departures:
    """Ask by ID for every record that the walk did not see, and discontinue those that do not exist.

    Nothing is discontinued before all of them were asked for, or more are gone than may be.

    Args:
        run_id: the run whose walk is complete.
        source: where to ask.
        pipeline: how to discontinue.
        levels: the ledger.
        thread: the ledger's thread.
        patience: how failures are borne.
        settings: the limit.
        known: how many records the ledger knows, of which the limit is a share.
        on_checked: told how many were asked for.
        stopping: whether to leave off.

    Raises:
        TooManyGone: more are gone than `maxDeletePercent` allows; none was discontinued.
        ApiError: a read failed.
    """
    gone: list[Level] = []
    checked = 0
    after: str | None = None
    allowed = known * settings.max_delete_percent / 100
    while not stopping():
        unseen = await thread.call(levels.unseen, run_id, after, _CHUNK)
        if not unseen:
            break
        after = unseen[-1].key
        answers = await asyncio.gather(*(_is_gone(source, patience, level.key) for level in unseen))
        gone += [level for level, answer in zip(unseen, answers, strict=True) if answer]
        checked += len(unseen)
        on_checked(checked)
        if len(gone) > allowed:
            raise TooManyGone(
                f"at least {counted(len(gone), 'product')} of {known:,} are gone at the source, and maxDeletePercent "
                f"allows {settings.max_delete_percent:g} %; none was discontinued",
                "Look whether they are meant to be gone; if so, raise maxDeletePercent, apply, and run again.",
            )
    for start in range(0, len(gone), _CHUNK):
        if stopping():
            break
        chunk = {level.key: level for level in gone[start : start + _CHUNK]}
        await pipeline.discontinue([departed(key, held_from_json(level.held)) for key, level in chunk.items()], chunk)
    await pipeline.drain()
    return Departures(len(gone), checked - len(gone))


async def _is_gone(source: ProductSource, patience: Patience, key: str) -> bool:
    return await patience.bear(lambda: source.is_gone(key))
