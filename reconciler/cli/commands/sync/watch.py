"""`reconciler sync watch`: bring what differs to the target, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.app.signals import run_for_long
from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.exit_status import Status, combine, run_status
from reconciler.cli.options import Options
from reconciler.cli.sync_options import run_options, type_option
from reconciler.cli.terminal.listen import run_listener
from reconciler.cli.terminal.output import show
from reconciler.report.escape import json_line
from reconciler.report.renderers import SYNC_RUN

if TYPE_CHECKING:
    from reconciler.sync.run.report import RunReport

EXAMPLES = """
reconciler sync watch -e production
reconciler sync watch shop -e production --format json   # a line per run
"""


@command("watch", formats=SYNC_RUN.formats, examples=EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@type_option
@run_options
@click.pass_obj
def watch(
    options: Options,
    name: str | None,
    data_type: str | None,
    lock_wait: float,
    patience: float,
    ephemeral_ledger: bool,
    no_token_cache: bool,
) -> Status:
    """Run a data sync again and again, at its `interval`.

    Its data types run one after the other. `interval` after the end of a run, the next one of that data type starts.
    It ends with Ctrl-C or SIGTERM (0 between runs, 130 within one), or when another manifest was applied. A data type
    that a limit of the manifest stops, or `sync cancel`, is left out from then on; where none is left, it ends (3, or
    130). An API that stays away does not end it.
    """
    from reconciler.app.chosen import HowToRun, choose
    from reconciler.app.sync import watch_on
    from reconciler.cli.terminal.faces import WatchTerminal
    from reconciler.cli.terminal.progress import progress_display

    chosen, listener = choose(options.project, name, data_type), run_listener(options.verbosity)

    def write(report: RunReport) -> None:
        show(options, SYNC_RUN, report, chosen[0].session.name, dump=json_line)

    how = HowToRun(ephemeral_ledger, lock_wait, not no_token_cache, patience)
    with progress_display(options.color) as display:
        reports, stopped = run_for_long(watch_on(chosen, how, WatchTerminal(display, write, options.given), listener))
    return combine(run_status(report, stopped=stopped) for report in reports)
