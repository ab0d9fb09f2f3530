"""`reconciler sync status`: where data syncs stand, once or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.exit_status import Status, combine
from reconciler.cli.options import Options
from reconciler.cli.plan_options import token_cache_option
from reconciler.cli.sync_options import type_option
from reconciler.cli.terminal.output import result_style, say, write_result
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.report.renderers import SYNC_STATUS

if TYPE_CHECKING:
    from reconciler.reconcile.paused import PausedNow
    from reconciler.reconcile.session import Session

_REFRESH_SECONDS = 1.0
_ASK_SECONDS = 60.0
_Asked: TypeAlias = tuple[Sequence[str], str | None]
"""Names of data syncs, and a data type."""
EXAMPLES = """
reconciler sync status -e production
reconciler sync status shop -e production --live
reconciler sync status -e all --format json
"""


@command("status", formats=SYNC_STATUS.formats, examples=EXAMPLES, environments="several")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_data_syncs)
@type_option
@click.option("--live", "lively", is_flag=True, help="Keep showing it, until Ctrl-C; once where there is no terminal.")
@click.option("--offline", is_flag=True, help="Ask no API: pauses that were made elsewhere are not known then.")
@token_cache_option
@click.pass_obj
def status(
    options: Options,
    names: tuple[str, ...],
    data_type: str | None,
    lively: bool,
    offline: bool,
    no_token_cache: bool,
) -> Status:
    """Show the runs, open problems and freshness of data syncs.

    Runs, problems and freshness are read from the ledger. What is paused is asked of the API, for ten seconds at most;
    with --offline it is what manifests and ledger tell. Whether another integration writes the sync log is what `drift`
    finds out.
    """
    from reconciler.cli.terminal.failure import report_failure

    sessions, failures = options.project.sessions(utc_now())
    paused = _Paused(sessions, options, offline=offline, token_cache=not no_token_cache)
    if lively and (options.format != "text" or options.output is not None):
        raise UsageError("--live shows text on a terminal", next_step="Leave --format and --output out.")
    if lively and (sys.stdout is None or not sys.stdout.isatty()):
        say("--live needs a terminal; shown once.")
        lively = False
    if lively and sessions:
        _live(sessions, (names, data_type), options, paused)
    elif sessions:
        write_result(options, _rendered(sessions, (names, data_type), options, paused.now()))
    return combine(report_failure(error, options) for error in failures)


class _Paused:
    """What is paused, by environment; asked anew after a minute."""

    def __init__(self, sessions: Sequence[Session], options: Options, *, offline: bool, token_cache: bool) -> None:
        self._sessions, self._options = sessions, options
        self._offline, self._token_cache = offline, token_cache
        self._found: dict[str, PausedNow] = {}
        self._asked_at: float | None = None

    def now(self) -> dict[str, PausedNow]:
        """Return what is paused."""
        from reconciler.app.status import paused_as_told, paused_in_each

        if self._offline:
            return {session.name: paused_as_told(session, "no API was asked (--offline)") for session in self._sessions}
        if self._asked_at is None or time.monotonic() - self._asked_at >= _ASK_SECONDS:
            from reconciler.cli.terminal.listen import Listener

            listener = Listener(self._options.verbosity)
            self._found = run_to_end(paused_in_each(self._sessions, listener, token_cache=self._token_cache))
            self._asked_at = time.monotonic()
        return self._found


def _rendered(
    sessions: Sequence[Session],
    asked: _Asked,
    options: Options,
    paused: Mapping[str, PausedNow],
    **details: bool,
) -> str:
    from reconciler.app.status import statuses_of_each

    now = utc_now()
    names, data_type = asked
    found = statuses_of_each(sessions, names, now, data_type)
    values = [(session.name, now, found[session.name], paused[session.name]) for session in sessions]
    return SYNC_STATUS.render_each(options.format, values, style=result_style(options), **details)


def _live(sessions: Sequence[Session], asked: _Asked, options: Options, paused: _Paused) -> None:
    """Show where data syncs stand, again every second, until Ctrl-C."""
    from reconciler.cli.terminal.bar import live_view

    with suppress(KeyboardInterrupt), live_view(options.color) as refresh:
        while True:
            refresh(_rendered(sessions, asked, options, paused.now(), bars=True))
            time.sleep(_REFRESH_SECONDS)
