"""`reconciler sync status`: where data syncs stand, once or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import click

from reconciler.app.status import paused_in, statuses_of_each
from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.exit_status import Status, combine
from reconciler.cli.options import Options
from reconciler.cli.terminal.failure import report_failure
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.reconcile.session import Session
from reconciler.report.renderers import SYNC_STATUS

_REFRESH_SECONDS = 1.0
EXAMPLES = """
reconciler sync status -e production
reconciler sync status shop -e production --live
reconciler sync status -e all --format json
"""


@command("status", formats=SYNC_STATUS.formats, examples=EXAMPLES, environments="several")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_data_syncs)
@click.option("--live", "lively", is_flag=True, help="Keep showing it, until Ctrl-C. On a terminal only.")
@click.pass_obj
def status(options: Options, names: tuple[str, ...], lively: bool) -> Status:
    """Show the runs, open problems and freshness of data syncs.

    Everything is read from the ledger; no API is asked. Whether another integration writes the sync log is what
    `drift` finds out.
    """
    sessions, failures = options.project.sessions(utc_now())
    if lively:
        if options.format != "text" or options.output is not None:
            raise UsageError("--live shows text on a terminal", next_step="Leave --format and --output out.")
        _live(sessions, names, options)
    elif sessions:
        write_result(options, _rendered(sessions, names, options))
    return combine(report_failure(error, options) for error in failures)


def _rendered(sessions: Sequence[Session], names: Sequence[str], options: Options) -> str:
    now = utc_now()
    found = statuses_of_each(sessions, names, now)
    values = [(session.name, now, found[session.name], paused_in(session)) for session in sessions]
    return SYNC_STATUS.render_each(options.format, values, style=result_style(options))


def _live(sessions: Sequence[Session], names: Sequence[str], options: Options) -> None:
    """Show where data syncs stand, again every second, until Ctrl-C."""
    if sys.stdout is None or not sys.stdout.isatty():
        raise UsageError("--live needs a terminal", next_step="Leave it out.")
    from reconciler.cli.terminal.bar import live_view

    with suppress(KeyboardInterrupt), live_view(options.color) as refresh:
        while True:
            refresh(_rendered(sessions, names, options))
            time.sleep(_REFRESH_SECONDS)
