"""`reconciler drift`: what differs, why, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from reconciler.app.files import write_file
from reconciler.app.signals import run_to_end
from reconciler.cli.command import Group, tell_other_format
from reconciler.cli.commands.drift.snooze import snooze
from reconciler.cli.exit_status import Status, apply_status, combine, drift_status
from reconciler.cli.options import Options
from reconciler.cli.plan_options import exclude_option, plan_request, save_option, target_option, token_cache_option
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import error_style, result_style, say, write_result
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.report.escape import terminal
from reconciler.report.renderers import APPLY, DRIFT

if TYPE_CHECKING:
    from reconciler.app.drift import Drift
    from reconciler.app.project import Project
    from reconciler.cli.terminal.faces import ApplyTerminal
    from reconciler.reconcile.session import PlanRequest, Session

EXAMPLES = """
reconciler drift -e all                        # 2 where something differs
reconciler drift -e sandbox --resume-expired   # lift pauses that ended
reconciler drift -e sandbox --heal             # as drift.heal allows
reconciler drift -e sandbox --adopt EntitySync/categories
reconciler drift -e sandbox --save drift.json   # for `reconciler show`
reconciler drift snooze EntitySync/stock -e sandbox --for 2d --reason "Load"
"""


@click.group("drift", cls=Group, invoke_without_command=True, examples=EXAMPLES, formats=DRIFT.formats)
@click.option("--resume-expired", "resume", is_flag=True, help="First resume syncs whose declared pause has ended.")
@click.option("--heal", "healing", is_flag=True, help="First put right what drift.heal of the Environment names.")
@click.option("--ephemeral-ledger", is_flag=True, help="Heal by the clock alone, with a ledger that is gone after it.")
@click.option("--adopt", "adopted", multiple=True, metavar="KIND/NAME", help="Write the live values into the manifest.")
@save_option("Write the report for `show` to a file.")
@target_option
@exclude_option
@token_cache_option
@click.pass_context
def drift(
    context: click.Context,
    resume: bool,
    healing: bool,
    ephemeral_ledger: bool,
    adopted: tuple[str, ...],
    save: Path | None,
    targets: tuple[str, ...],
    excluded: tuple[str, ...],
    no_token_cache: bool,
) -> Status | None:
    """Compare manifests with live; say of each difference who moved and what can be done.

    Exits with 2 where something differs and is not snoozed. Nothing is written, but for --resume-expired and --heal
    (live) and --adopt (your files).
    """
    if context.invoked_subcommand is not None:
        return None
    from reconciler.app.drift import Drift, drift_of_each
    from reconciler.cli.terminal.faces import ApplyTerminal
    from reconciler.cli.terminal.failure import report_failure
    from reconciler.cli.terminal.healing import heal_each

    options = context.find_object(Options) or Options()
    if options.format not in DRIFT.formats and options.format_is_default:
        tell_other_format(context.command_path, options.format, DRIFT.formats)
        options = replace(options, format="text")
    elif options.format not in DRIFT.formats:
        raise UsageError(f"drift has no format {options.format}", next_step=f"It has {', '.join(DRIFT.formats)}.")
    project = options.project
    sessions, failures = project.sessions(utc_now())
    if len(sessions) > 1 and (adopted or save is not None or options.format == "html"):
        raise UsageError("this works on one environment", next_step="Name one with -e/--environment.")
    request = plan_request(targets, excluded)
    statuses: list[Status] = []
    for session in sessions if resume else ():
        face = ApplyTerminal(options)
        statuses.append(_resume(session, request, face, options, token_cache=not no_token_cache))
        if face.asked_to_stop:
            return Status.INTERRUPTED
    chosen = sessions if healing else ()
    healed = heal_each(
        chosen, project.manifests, request, options, ephemeral=ephemeral_ledger, token_cache=not no_token_cache
    )
    if Status.INTERRUPTED in healed.statuses:
        return Status.INTERRUPTED
    listener = Listener(options.verbosity)
    found = run_to_end(drift_of_each(sessions, request, listener, token_cache=not no_token_cache))
    if adopted:
        _adopt(project, next(item for item in found if isinstance(item, Drift)), adopted)
    reports = [healed.told_in(item.without(adopted).report if isinstance(item, Drift) else item) for item in found]
    if save is not None and reports:
        write_file(save, DRIFT.render("json", reports[0]))
        say(f"Saved the report as {save}")
    if reports:
        rendered = DRIFT.render_each(options.format, [(report,) for report in reports], style=result_style(options))
        write_result(options, rendered)
    unreachable = [Status.ERROR for item in found if not isinstance(item, Drift)]
    failed = [report_failure(error, options) for error in failures]
    return combine([*statuses, *healed.statuses, drift_status(reports), *unreachable, *failed])


def _resume(
    session: Session, request: PlanRequest, face: ApplyTerminal, options: Options, *, token_cache: bool
) -> Status:
    from reconciler.app.drift import resume_expired

    listener = Listener(options.verbosity)
    report = run_to_end(resume_expired(session, request, face, listener, token_cache=token_cache))
    if report is not None and report.results:
        say(APPLY.render("text", report, style=error_style(options.color, options.given)))
    return apply_status(report)


def _adopt(project: Project, drift: Drift, keys: tuple[str, ...]) -> None:
    from reconciler.app.adopt import adopt_into_files

    for value in adopt_into_files(project, drift, keys):
        say(terminal(f"Adopted {value.key} {value.path} in {value.file}"))


drift.add_command(snooze)
