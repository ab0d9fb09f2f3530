"""`reconciler drift`: what differs, why, and what to do about it."""

from __future__ import annotations

import asyncio

import click

from reconciler.app.drift import Drift, adopt_into_files, find, resume_expired
from reconciler.app.project import open_sessions, utc_now
from reconciler.cli.command import Group, command
from reconciler.cli.exit_status import Status, combine
from reconciler.cli.options import Options
from reconciler.cli.plan_options import target_option, token_cache_option
from reconciler.cli.rendering import drift_to
from reconciler.cli.terminal.failure import report_failure
from reconciler.cli.terminal.output import result_style, say, write_result
from reconciler.errors import UsageError
from reconciler.report.escape import terminal

EXAMPLES = """
reconciler drift -e all                        # 2 where something differs
reconciler drift -e sandbox --resume-expired   # lift pauses that ended
reconciler drift -e sandbox --adopt EntitySync/categories
reconciler drift snooze EntitySync/stock -e sandbox --for 2d --reason "Load"
"""
_FORMATS = ("text", "json", "markdown", "html")


@click.group("drift", cls=Group, invoke_without_command=True, examples=EXAMPLES)
@click.option("--resume-expired", "resume", is_flag=True, help="First resume syncs whose declared pause has ended.")
@click.option("--adopt", "adopted", multiple=True, metavar="KIND/NAME", help="Write the live values into the manifest.")
@target_option
@token_cache_option
@click.pass_context
def drift(
    context: click.Context, resume: bool, adopted: tuple[str, ...], targets: tuple[str, ...], no_token_cache: bool
) -> Status | None:
    """Compare manifests with live; say of each difference who moved and what can be done.

    Exits with 2 where something differs and is not snoozed. Nothing is written, but for --resume-expired (live) and
    --adopt (your files).
    """
    if context.invoked_subcommand is not None:
        return None
    options = context.find_object(Options) or Options()
    if options.format not in _FORMATS:
        raise UsageError(f"drift has no format {options.format}", next_step=f"It has {', '.join(_FORMATS)}.")
    sessions, failures = open_sessions(options, utc_now())
    if len(sessions) > 1 and (adopted or options.format == "html"):
        raise UsageError("this works on one environment", next_step="Name one with -e/--environment.")
    statuses = [resume_expired(session, options, not no_token_cache) for session in sessions] if resume else []
    found = asyncio.run(find(sessions, frozenset(targets), options, token_cache=not no_token_cache))
    drifts = [item for item in found if isinstance(item, Drift)]
    if adopted:
        for line in adopt_into_files(drifts[0], adopted, options):
            say(terminal(line))
    reports = [item.without(adopted).report if isinstance(item, Drift) else item for item in found]
    if reports:
        write_result(options, drift_to(options.format, reports, result_style(options)))
    statuses += [Status.PENDING for report in reports if report.drifted]
    statuses += [report_failure(error, options) for error in failures]
    return combine([*statuses, *(Status.ERROR for item in found if not isinstance(item, Drift))])


SNOOZE_EXAMPLES = """
reconciler drift snooze EntitySync/stock -e sandbox --for 2d --reason "Load"
reconciler drift snooze EntitySync/stock -e sandbox --end
"""


@command("snooze", formats=("text",), examples=SNOOZE_EXAMPLES)
@click.argument("key", metavar="KIND/NAME")
@click.option("--for", "duration", metavar="DURATION", help="How long, e.g. 12h or 7d.")
@click.option("--reason", metavar="TEXT", help="Why; shown in every drift report.")
@click.option("--end", is_flag=True, help="Let it be heard again.")
@click.option("--ephemeral-ledger", is_flag=True, help="Accept a ledger that is gone after this job.")
@click.pass_obj
def snooze(
    options: Options, key: str, duration: str | None, reason: str | None, end: bool, ephemeral_ledger: bool
) -> None:
    """Mute the drift of one object for a while, with a reason. It is still shown, and does not count."""
    from reconciler.app.drift import end_snooze, start_snooze

    if end == bool(duration or reason) or (not end and not (duration and (reason or "").strip())):
        raise UsageError("say --for DURATION and --reason TEXT, or --end")
    if end:
        said = end_snooze(options, key)
    else:
        said = start_snooze(options, key, duration or "", reason or "", ephemeral=ephemeral_ledger)
    write_result(options, terminal(said))


drift.add_command(snooze)
