"""`reconciler drift snooze`: mute the drift of one object for a while."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result
from reconciler.errors import UsageError
from reconciler.report.escape import terminal

EXAMPLES = """
reconciler drift snooze EntitySync/stock -e sandbox --for 2d --reason "Load"
reconciler drift snooze EntitySync/stock -e sandbox --end
"""


@command("snooze", formats=("text",), examples=EXAMPLES)
@click.argument("key", metavar="KIND/NAME")
@click.option("--for", "duration", metavar="DURATION", help="How long, e.g. 12h or 7d.")
@click.option("--reason", metavar="TEXT", help="Why; shown in every drift report.")
@click.option("--end", is_flag=True, help="End the snooze.")
@click.option("--ephemeral-ledger", is_flag=True, help="Accept a ledger that is gone after this job.")
@click.pass_obj
def snooze(
    options: Options, key: str, duration: str | None, reason: str | None, end: bool, ephemeral_ledger: bool
) -> None:
    """Snooze the drift of one object for a while, with a reason.

    It is still shown, and does not count for the exit status.
    """
    from reconciler.app.snooze import end_snooze, start_snooze

    if end == bool(duration or reason) or (not end and not (duration and (reason or "").strip())):
        raise UsageError("say --for DURATION and --reason TEXT, or --end")
    if end:
        environment, was = end_snooze(options.project, key)
        said = f"{key} is no longer snoozed in {environment}" if was else f"{key} was not snoozed in {environment}"
    else:
        started = start_snooze(options.project, key, duration or "", reason or "", ephemeral=ephemeral_ledger)
        until, why = started.snooze.until, started.snooze.reason
        said = f"Snoozed {key} in {started.environment} until {until:%Y-%m-%d %H:%M %Z}: {why}"
    write_result(options, terminal(said))
