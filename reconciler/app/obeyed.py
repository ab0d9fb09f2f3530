"""Record, with an apply, which settings of each data type hold from then on: no process runs any others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sync.datasync import Standing, data_syncs

if TYPE_CHECKING:
    from reconciler.ledger.writer import Ledger
    from reconciler.reconcile.session import Session


def remember_applied(ledger: Ledger, session: Session, commit: str | None) -> None:
    """Record the digest of every data type whose DataSync is now as it was applied; others stay as they are.

    Args:
        ledger: open, with the apply lock held.
        session: the environment, with the manifests that were applied.
        commit: what the manifests stand at in git; None: not known.

    Raises:
        LedgerError: it cannot be written.
    """
    from reconciler.ledger.data.obeyed import AppliedSettings  # it brings the ledger's database layer

    syncs = data_syncs(session, session.memory())
    applied = {sync.scope: sync.data.digest for sync in syncs if sync.standing is Standing.APPLIED}
    left = {sync.scope.integration for sync in syncs if sync.standing is not Standing.APPLIED}
    AppliedSettings(ledger.database).remember(session.name, applied, left, commit)
