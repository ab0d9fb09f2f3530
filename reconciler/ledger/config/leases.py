"""Leases: pauses taken by hand. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from reconciler.ledger.tables import leases
from reconciler.pause.lease import Lease


def of_apis(connection: Connection, api_urls: Collection[str]) -> tuple[Lease, ...]:
    """Read the leases on objects of some APIs."""
    return tuple(
        Lease(row.kind, row.live_id, row.holder, row.until, row.reason)
        for row in connection.execute(select(leases).where(leases.c.api_url.in_(list(api_urls))))
    )
