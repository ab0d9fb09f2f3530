"""Which syncs can be paused, and which of their leases are over. Apart from pausing, which brings all that applies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.pause.lease import Lease
    from reconciler.reconcile.session import Session


def pausable_kinds(session: Session) -> tuple[str, ...]:
    """Return the kinds that can be paused and whose API the environment has."""
    return tuple(name for name in session.kinds_read(()) if session.kinds[name].pause_field is not None)


def over(leases: Iterable[Lease], now: datetime, kinds: Collection[str]) -> tuple[Lease, ...]:
    """Return the leases on syncs of some kinds that are over."""
    return tuple(lease for lease in leases if lease.kind in kinds and not lease.is_active(now))
