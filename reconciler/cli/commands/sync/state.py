"""`reconciler sync status|cancel`: how data syncs are doing, and stopping one."""

from __future__ import annotations

import click

from reconciler.app.project import open_sessions, utc_now
from reconciler.app.records import cancel_run
from reconciler.app.status import live, statuses_to
from reconciler.app.sync import choose
from reconciler.cli.command import command
from reconciler.cli.completion import complete_data_syncs
from reconciler.cli.exit_status import Status, combine
from reconciler.cli.options import Options
from reconciler.cli.terminal.failure import report_failure
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.errors import UsageError
from reconciler.report.escape import terminal

STATUS_EXAMPLES = """
reconciler sync status -e production
reconciler sync status shop -e production --live
reconciler sync status -e all --format json
"""
CANCEL_EXAMPLES = """
reconciler sync cancel shop -e production
"""


@command("status", formats=("text", "json"), examples=STATUS_EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_data_syncs)
@click.option("--live", "lively", is_flag=True, help="Keep showing it, until Ctrl-C. On a terminal only.")
@click.pass_obj
def status(options: Options, names: tuple[str, ...], lively: bool) -> Status:
    """Show of each data sync what runs, what ran, what is due, open problems, and whether it is as fresh as promised.

    Everything is read from the ledger; no API is asked. Whether the sync log is still ours is what `drift` finds out.
    """
    sessions, failures = open_sessions(options, utc_now())
    if lively:
        if options.format != "text" or options.output is not None:
            raise UsageError("--live shows text on a terminal", next_step="Leave --format and --output out.")
        live(sessions, names, options)
    elif sessions:
        write_result(options, statuses_to(options.format, sessions, names, result_style(options)))
    return combine(report_failure(error, options) for error in failures)


@command("cancel", examples=CANCEL_EXAMPLES)
@click.argument("name", required=False, shell_complete=complete_data_syncs)
@click.pass_obj
def cancel(options: Options, name: str | None) -> None:
    """Stop the run of a data sync for good: what is under way is finished, and the next run begins anew.

    A run that goes on in another process hears of it within seconds. One that was cut off is not gone on with.
    """
    write_result(options, terminal(cancel_run(choose(options, name))))
