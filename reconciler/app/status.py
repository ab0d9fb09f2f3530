"""Read the status of the data syncs of environments; only their ledgers are read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.paused import paused_as_known
from reconciler.reconcile.plan import Note
from reconciler.reconcile.session import Session
from reconciler.sync.datasync import data_syncs, leaving_syncs, named
from reconciler.sync.monitor.status import SyncStatus, status_of


def statuses_of_each(sessions: Sequence[Session], names: Sequence[str], now: datetime) -> dict[str, list[SyncStatus]]:
    """Return where data syncs stand, by environment.

    Args:
        sessions: the environments.
        names: which data syncs; none: all.
        now: the moment that this is about.

    Raises:
        UsageError: there is none of this name.
        LedgerError: there is a ledger, and it cannot be read.
    """
    with Ledgers() as ledgers:
        return {session.name: _statuses(session, names, ledgers, now) for session in sessions}


def paused_in(session: Session) -> tuple[Note, ...]:
    """Return what is paused in an environment, as far as manifests and ledger tell.

    Raises:
        LedgerError: there is a ledger, and it cannot be read.
    """
    return tuple(paused_as_known(session.desired, session.memory(), session.opened_at))


def _statuses(session: Session, names: Sequence[str], ledgers: Ledgers, now: datetime) -> list[SyncStatus]:
    memory = session.memory(ledgers)
    known = (*data_syncs(session, memory), *leaving_syncs(session, memory))
    chosen = [named(known, session.name, name) for name in dict.fromkeys(names)] or known
    found = ledgers.sync_overview(session.settings.ledger, [sync.scope for sync in chosen], now)
    return [status_of(sync, found[sync.scope], now) for sync in chosen]
