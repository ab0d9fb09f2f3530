"""One look at a ledger that serves all environments of a process: which of them has to look closer.

A process that serves two hundred environments would else ask for each of them, every few seconds, what hardly ever is
another answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct
from sqlalchemy import Connection, select

from reconciler.ledger.move_tables import config_restores
from reconciler.ledger.tables import ignite_connections, leases, snapshots

Mark: TypeAlias = tuple[frozenset[tuple[str, datetime]], tuple[bool, datetime] | None]
"""What is another one once something was applied anew, or a site was connected or disconnected."""


class Pulse(Struct, frozen=True):
    """What a ledger holds, as far as somebody waits for it to be another.

    Args:
        applied: by live side, the objects of the kind that was asked for, and when each was applied last.
        sites: by environment and live side, whether SparkLayer is connected, and since when.
        leased: live sides on whose objects there are leases that were not lifted.
        restored: live sides that were restored, after which drift was not checked yet.
    """

    applied: Mapping[str, frozenset[tuple[str, datetime]]] = {}
    sites: Mapping[tuple[str, str], tuple[bool, datetime]] = {}
    leased: frozenset[str] = frozenset()
    restored: frozenset[str] = frozenset()

    def mark(self, environment: str, target: str) -> Mark:
        """Return what changes with what was applied to a live side of an environment."""
        return self.applied.get(target, frozenset()), self.sites.get((environment, target))


def read(connection: Connection, kind: str) -> Pulse:
    """Read it, in a transaction of the caller's."""
    applied: dict[str, set[tuple[str, datetime]]] = {}
    of_kind = select(snapshots.c.api_url, snapshots.c.live_id, snapshots.c.applied_at).where(snapshots.c.kind == kind)
    for row in connection.execute(of_kind):
        applied.setdefault(row.api_url, set()).add((row.live_id, row.applied_at))
    sites = select(ignite_connections)
    unchecked = select(config_restores.c.api_url).where(config_restores.c.checked_at.is_(None))
    return Pulse(
        {target: frozenset(objects) for target, objects in applied.items()},
        {(row.environment, row.target): (row.connected, row.changed_at) for row in connection.execute(sites)},
        frozenset(connection.execute(select(leases.c.api_url).distinct()).scalars()),
        frozenset(connection.execute(unchecked).scalars()),
    )
