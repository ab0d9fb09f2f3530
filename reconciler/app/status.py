"""Where the data syncs of some environments stand, read once or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from reconciler.app.project import utc_now
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import result_style
from reconciler.errors import UsageError
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.session import Session
from reconciler.report.escape import json_text
from reconciler.report.style import Style
from reconciler.sync.datasync import data_syncs, named
from reconciler.sync.monitor.status import SyncStatus, status_of

_REFRESH_SECONDS = 1.0


def statuses(session: Session, names: Sequence[str], ledgers: Ledgers, now: datetime) -> list[SyncStatus]:
    """Return where data syncs of one environment stand.

    Args:
        session: the environment.
        names: which; none: all.
        ledgers: for reading.
        now: the moment that this is about.

    Raises:
        UsageError: there is none of this name.
        LedgerError: there is a ledger, and it cannot be read.
    """
    known = data_syncs(session, session.memory(ledgers))
    chosen = [named(known, session.name, name) for name in dict.fromkeys(names)] or known
    found = ledgers.sync_overview(session.settings.ledger, [sync.scope for sync in chosen], now)
    return [status_of(sync, found[sync.scope], now) for sync in chosen]


def statuses_to(format_name: str, sessions: Sequence[Session], names: Sequence[str], style: Style) -> str:
    """Return where data syncs stand as text or JSON; of several environments an array.

    Raises:
        ReconcilerError: see `statuses`.
    """
    now = utc_now()
    with Ledgers() as ledgers:
        found = [(session.name, statuses(session, names, ledgers, now)) for session in sessions]
    if format_name == "json":
        from reconciler.report.documents.sync import statuses_to_json

        documents = [statuses_to_json(name, now, each) for name, each in found]
        return json_text(documents[0] if len(documents) == 1 else documents)
    from reconciler.report.text.sync_status import statuses_to_text

    return "\n".join(statuses_to_text(name, each, style) for name, each in found)


def live(sessions: Sequence[Session], names: Sequence[str], options: Options) -> None:
    """Show where data syncs stand, again every second, until Ctrl-C.

    Raises:
        UsageError: stdout is no terminal.
        ReconcilerError: see `statuses`.
    """
    if sys.stdout is None or not sys.stdout.isatty():
        raise UsageError("--live needs a terminal", next_step="Leave it out.")
    from reconciler.cli.terminal.bar import live_view

    with suppress(KeyboardInterrupt), live_view(options.color) as show:
        while True:
            show(statuses_to("text", sessions, names, result_style(options)))
            time.sleep(_REFRESH_SECONDS)
