"""Identity of an environment: its name, and the live side that each of its APIs had at the first apply."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from reconciler.errors import LedgerError
from reconciler.ledger.rows import insert_new
from reconciler.ledger.tables import environments


def require_same(connection: Connection, name: str, live_sides: Mapping[str, str]) -> None:
    """Check that an environment's name stands for the same APIs as at its first apply, or is new.

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
                f"The ledger knows the environment {name} as {_words(known[api])}, and now it is {_words(live_side)}",
                next_step="Give this environment another name or another ledger. If it is the same one at a new place, "
                f"`reconciler ledger rebind -e {name}`.",
            )


def _words(live_side: str) -> str:
    """Return a live side so that its site is read: what follows a `#` in a URL is shown to nobody."""
    url, _, site = live_side.partition("#")
    return f"the site {site} at {url}" if site else url


def remember(connection: Connection, name: str, live_sides: Mapping[str, str]) -> None:
    """Record the APIs that an environment's name stands for; see `require_same`."""
    require_same(connection, name, live_sides)
    insert_new(
        connection,
        environments,
        [{"name": name, "api": api, "live_side": live_side} for api, live_side in sorted(live_sides.items())],
    )


def forget(connection: Connection, name: str) -> bool:
    """Delete the APIs recorded for a name, so that the next apply records them anew; returns whether there were any."""
    return connection.execute(delete(environments).where(environments.c.name == name)).rowcount > 0
