"""Raise what depends on messages that were acknowledged: in batches, going on where a process before stopped."""

from __future__ import annotations

from reconciler.intake.dependencies import ENDING
from reconciler.ledger.data.inbox_model import Later
from reconciler.ledger.data.inbox_store import InboxStore

_BATCH = 500
_MESSAGES = 50


def raise_waiting(store: InboxStore) -> bool:
    """Raise a batch of what depends on each of the oldest messages.

    Every batch is one transaction with how far it came, so that nothing is lost or left out whoever is killed when.

    Returns:
        Whether there was anything to raise.

    Raises:
        LedgerError: the ledger cannot be used; what was raised by then stays.
    """
    waiting = store.waiting(_MESSAGES)
    for later in waiting:
        _raise_batch(store, later)
    return bool(waiting)


def _raise_batch(store: InboxStore, later: Later) -> None:
    data_type, text = (str(later.names.get(name) or "") for name in ("type", "text"))
    keys = store.known(data_type, text, later.position, _BATCH, ending=later.type == ENDING)
    more = len(keys) == _BATCH
    store.raise_from(later, {data_type: keys} if keys else {}, keys[-1] if more else None)
