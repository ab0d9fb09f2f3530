"""An operator's word that SparkLayer may connect once with other credentials."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from reconciler.app.ignite.credentials import API
from reconciler.app.project import Project
from reconciler.errors import UsageError
from reconciler.words import parse_duration


class Allowed(Struct, frozen=True):
    """The site that may be connected anew, and until when."""

    site: str
    until: datetime


def allow(project: Project, duration: str) -> Allowed:
    """Let SparkLayer connect the site of an environment once with other credentials.

    Args:
        project: the manifests, and the environment.
        duration: how long, e.g. `30m`.

    Raises:
        UsageError: the site is not connected, so that whoever connects needs no leave; or that is no duration.
        LedgerError: it cannot be recorded.
    """
    from reconciler.ledger.writer import Ledger

    try:
        lasts = parse_duration(duration)
    except ValueError as error:
        raise UsageError(f"--for {duration[:40]} is no duration", next_step="Write it like 30m or 2h.") from error
    connection, name = project.connection(API), project.name()
    with Ledger.open(project.settings().ledger) as ledger:
        until = ledger.ignite.allow_reconnect(name, connection.live_side, lasts)
    if until is None:
        raise UsageError(
            f"SparkLayer has not connected the site {connection.site_id} of {name}, so that it needs no leave",
            next_step="Connect it in SparkLayer's Dashboard.",
        )
    return Allowed(str(connection.site_id), until)
