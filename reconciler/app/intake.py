"""Intake of a data sync: open its inbox, and bring what messages raised to where it should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from reconciler.app.chosen import Chosen
from reconciler.errors import LedgerError
from reconciler.intake.dependencies import flows_of
from reconciler.intake.inbox import Inbox
from reconciler.intake.raising import raise_waiting
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.database import Database
from reconciler.sync.run.listening import Bell

if TYPE_CHECKING:
    from reconciler.ledger.writer import Ledger

# Messages come in any process, so they are found by asking.
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


@asynccontextmanager
async def listening_to(database: Database, chosen: Sequence[Chosen], *, always: bool) -> AsyncIterator[Bell | None]:
    """Within, what depends on messages is raised, and the bell that `loop.watch` listens to rings where anything was.

    Args:
        database: of the open ledger.
        chosen: the data types of one data sync.
        always: else None where nobody ever took a message in for it.
    """
    inbox = await asyncio.to_thread(open_inbox, database, chosen)
    if not always and not (await asyncio.to_thread(inbox.store.overview)).taken:
        yield None
        return
    bell = Bell()
    raising = asyncio.create_task(_raise_on(inbox.store, bell))
    try:
        yield bell
    finally:
        raising.cancel()
        await asyncio.gather(raising, return_exceptions=True)


async def _raise_on(store: InboxStore, bell: Bell) -> None:
    """Raise what depends on messages, and ring, until cancelled."""
    while True:
        # A ledger that is busy now is asked again; where it is worse than that, the runs say so.
        with suppress(LedgerError):
            while await asyncio.to_thread(raise_waiting, store):
                bell.ring()
        await asyncio.sleep(_LOOK_SECONDS)
