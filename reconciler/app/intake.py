"""Intake of a data sync: open its inbox, and bring what messages raised to where it should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.app.chosen import Chosen
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.intake.dependencies import flows_of
from reconciler.intake.inbox import AsyncInbox, Inbox
from reconciler.intake.raising import raise_waiting
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.database import Database
from reconciler.sync.run.listening import Bell

if TYPE_CHECKING:
    from reconciler.ledger.writer import Ledger
    from reconciler.sync.run.context import Job
    from reconciler.sync.run.progress import Progress
    from reconciler.sync.run.report import RunReport

# What other processes took in is found by asking.
_LOOK_SECONDS = 1.0


def open_inbox(ledger: Ledger | Database, chosen: Sequence[Chosen]) -> Inbox:
    """Return the inbox of a data sync.

    Args:
        ledger: open for writing, or its database.
        chosen: the data types of one data sync that flow.

    Raises:
        LedgerError: it cannot be opened.
    """
    database = ledger if isinstance(ledger, Database) else ledger.database
    store = InboxStore(database, [each.sync.scope for each in chosen])
    return Inbox(store, flows_of(each.sync.data for each in chosen))


async def drain(
    jobs: Sequence[Job],
    inbox: AsyncInbox | Inbox,
    *,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_report: Callable[[RunReport, datetime], None] = lambda _report, _next: None,
    on_missing: Callable[[ReconcilerError, datetime], None] = lambda _error, _next: None,
) -> tuple[RunReport, ...]:
    """Run the data types of a data sync as `sync watch` does, and write what messages raise within seconds.

    In place of resting, each data type listens; where another process runs it, that one does. See `loop.watch`.

    Args:
        jobs: what to work with, for each data type, in the order in which they run.
        inbox: of the data sync; an `AsyncInbox` of this process is heard at once, what others take in a little later.
        stop: ends it.
        on_progress: told about once a second while a run is on.
        on_report: told of each run, and when the next one of its data type starts.
        on_missing: told of a run that could not begin because something is missing at one side, and of the next try.

    Returns:
        The last report of each data type of which a run began.

    Raises:
        LedgerError: the ledger cannot be used, or the lock was lost.
    """
    from reconciler.sync.run.loop import watch

    async with ringing(inbox) as bell:
        return await watch(
            jobs, stop=stop, on_progress=on_progress, on_report=on_report, on_missing=on_missing, bell=bell
        )


@asynccontextmanager
async def listening_to(
    inbox: AsyncInbox | None, database: Database, chosen: Sequence[Chosen]
) -> AsyncIterator[Bell | None]:
    """Within, see `ringing`; None where this process takes no messages in and nobody ever did.

    Args:
        inbox: of the data sync, where this process takes messages in.
        database: of the open ledger.
        chosen: the data types of the data sync.
    """
    if inbox is None:
        known = await asyncio.to_thread(open_inbox, database, chosen)
        if not (await asyncio.to_thread(known.store.overview)).taken:
            yield None
            return
    async with ringing(known if inbox is None else inbox) as bell:
        yield bell


@asynccontextmanager
async def ringing(inbox: AsyncInbox | Inbox) -> AsyncIterator[Bell]:
    """Within, what depends on messages is raised, and the bell rings where anything was raised in this process."""
    bell = Bell()
    taken = inbox.raised if isinstance(inbox, AsyncInbox) else asyncio.Event()
    store = inbox.inbox.store if isinstance(inbox, AsyncInbox) else inbox.store
    raising = asyncio.create_task(_raise_on(store, taken, bell))
    try:
        yield bell
    finally:
        raising.cancel()
        await asyncio.gather(raising, return_exceptions=True)


async def _raise_on(store: InboxStore, taken: asyncio.Event, bell: Bell) -> None:
    """Ring for whatever is taken in, and raise what depends on it, until cancelled."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await taken.wait()
        taken.clear()
        bell.ring()
        # A ledger that is busy now is asked again; where it is worse than that, the runs say so.
        with suppress(LedgerError):
            while await asyncio.to_thread(raise_waiting, store):
                bell.ring()
