"""Snooze the drift of one object for a while, and end that."""

from __future__ import annotations

import os

from msgspec import Struct

from reconciler.app.project import Project
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.ledger.config.model import Snooze
from reconciler.ledger.url import require_durable
from reconciler.registry import kinds
from reconciler.words import parse_duration


class Snoozed(Struct, frozen=True):
    """A snooze, and the environment that it holds in."""

    environment: str
    snooze: Snooze


def start_snooze(project: Project, key: str, duration: str, reason: str, *, ephemeral: bool = False) -> Snoozed:
    """Mute the drift of one object.

    Args:
        project: its environment.
        key: the object, as `Kind/name`.
        duration: how long, e.g. `7d`.
        reason: why; shown in every drift report.
        ephemeral: whether a ledger that is gone after this job will do.

    Raises:
        UsageError: no such kind, or no such duration.
        LedgerNotDurable: the ledger would forget it.
    """
    from reconciler.ledger.process import describe_holder
    from reconciler.ledger.writer import Ledger

    kind, name = _parts(key)
    try:
        until = utc_now() + parse_duration(duration)
    except ValueError as error:
        raise UsageError(f"--for {duration}: {error}") from None
    session = project.session(utc_now())
    require_durable(session.settings.ledger, os.environ, "A snooze", ephemeral=ephemeral)
    snooze = Snooze(kind, name, until, reason.strip(), describe_holder("drift snooze"))
    with Ledger.open(session.settings.ledger) as ledger:
        ledger.snooze(session.name, snooze)
    return Snoozed(session.name, snooze)


def end_snooze(project: Project, key: str) -> tuple[str, bool]:
    """End the snooze of one object; return its environment, and whether there was a snooze."""
    from reconciler.ledger.writer import Ledger

    kind, name = _parts(key)
    session = project.session(utc_now())
    with Ledger.open(session.settings.ledger) as ledger:
        return session.name, ledger.unsnooze(session.name, kind, name)


def _parts(key: str) -> tuple[str, str]:
    kind, slash, name = key.partition("/")
    if not slash or not name or kind not in kinds():
        raise UsageError(f"{key} is not KIND/NAME", next_step=f"The kinds are {', '.join(kinds())}.")
    return kind, name
