"""Intake of a data sync: open its inbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.app.chosen import Chosen
from reconciler.intake.dependencies import flows_of
from reconciler.intake.inbox import Inbox
from reconciler.ledger.data.inbox_store import InboxStore

if TYPE_CHECKING:
    from reconciler.ledger.writer import Ledger


def open_inbox(ledger: Ledger, chosen: Sequence[Chosen]) -> Inbox:
    """Return the inbox of a data sync.

    Args:
        ledger: open for writing.
        chosen: the data types of one data sync that flow.

    Raises:
        LedgerError: it cannot be opened.
    """
    store = InboxStore(ledger.database, [each.sync.scope for each in chosen])
    return Inbox(store, flows_of(each.sync.data for each in chosen))
