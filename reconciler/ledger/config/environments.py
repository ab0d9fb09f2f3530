"""What an environment's name stands for: which live side each of its APIs had when it was first applied."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from reconciler.errors import LedgerError
from reconciler.ledger.database import insert_new
from reconciler.ledger.tables import environments


def require_same(connection: Connection, name: str, live_sides: Mapping[str, str]) -> None:
    """Make sure that the name stands for the same APIs as before, or is new.

    Args:
        connection: of the caller.
        name: of the environment.
        live_sides: API to its live side.

    Raises:
        LedgerError: it stands for others.
    """
    rows = connection.execute(select(environments).where(environments.c.name == name))
    known = {row.api: row.live_side for row in rows}
    for api, live_side in live_sides.items():
        if known.get(api, live_side) != live_side:
            raise LedgerError(
                f"The ledger knows the environment {name} as {known[api]}, and now it is {live_side}",
                next_step="Give this environment another name or another ledger. If it is the same one at a new place, "
                f"`reconciler ledger rebind -e {name}`.",
            )


def remember(connection: Connection, name: str, live_sides: Mapping[str, str]) -> None:
    """Remember what a name stands for; see `require_same`."""
    require_same(connection, name, live_sides)
    insert_new(
        connection,
        environments,
        [{"name": name, "api": api, "live_side": live_side} for api, live_side in sorted(live_sides.items())],
    )


def forget(connection: Connection, name: str) -> bool:
    """Forget what a name stands for, so that the next apply says it anew; returns whether it was known."""
    return connection.execute(delete(environments).where(environments.c.name == name)).rowcount > 0
