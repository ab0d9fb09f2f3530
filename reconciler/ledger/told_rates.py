"""What the ledger tells of rates that processes share; no HTTP client is needed for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from reconciler.ledger.rate_tables import rate_limits
from reconciler.quota import ROUND, Quota, owner_of_rate

if TYPE_CHECKING:
    from reconciler.ledger.database import Transaction


def told_rates(tx: Transaction, keys: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Return by key whose rate counts, and which it is; those that nobody used lately are left out."""
    found = {key: owner_of_rate(quota, tx.now.timestamp()) for key, quota in shown_quotas(tx, keys).items()}
    return {key: owner for key, owner in found.items() if owner is not None}


def shown_quotas(tx: Transaction, keys: Sequence[str]) -> dict[str, Quota]:
    """Return what is known of some rates by key; nothing is locked."""
    rows = tx.connection.execute(select(rate_limits).where(rate_limits.c.key.in_(list(keys))))
    return {row.key: read_quota(row.quota, tx.now) for row in rows}


def read_quota(data: Mapping[str, object], now: datetime) -> Quota:
    """Read what the database keeps of a rate; what is of another version begins anew, after what it gave."""
    try:
        return Quota.read(data)
    except ValueError:  # of another version
        at = now.timestamp()
        return Quota(at, free_at=at + 2 * ROUND)
