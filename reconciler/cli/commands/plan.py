"""`reconciler plan`: read live, show what would change, change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, combine, plan_status
from reconciler.cli.options import Options
from reconciler.cli.plan_file import failure_saved, planned_commit, save_plan
from reconciler.cli.plan_options import commit_option, plan_options, plan_request, save_option
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import result_style, say, write_result
from reconciler.clock import utc_now
from reconciler.errors import ReconcilerError, UsageError
from reconciler.report.escape import terminal
from reconciler.report.renderers import PLAN

if TYPE_CHECKING:
    from reconciler.reconcile.session import Session

EXAMPLES = """
reconciler plan                                # the only environment
reconciler plan -e sandbox --save plan.json    # to be reviewed, then applied
reconciler plan -e all --exit-code             # 2 where something is pending
reconciler plan -e sandbox --target EntitySync/categories
reconciler plan -e sandbox --format html --output plan.html
reconciler plan -e sandbox --base main        # what it changes in the rules
reconciler plan --save plan.json --secrets-at-apply    # for pull requests
"""


@command("plan", formats=PLAN.formats, examples=EXAMPLES, environments="several")
@save_option("Write the plan for `apply` and `show` to a file.")
@click.option(
    "--base",
    metavar="DIR|REF",
    help="Show what changes in the rules since: a folder of manifests, or a commit or branch of git.",
)
@click.option(
    "--since-applied",
    is_flag=True,
    help="The same since the commit that was applied last, as the ledger knows it.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 2 where changes are pending.")
@commit_option("What the manifests stand at; else the head of the pull request, or git is asked.")
@click.option(
    "--secrets-at-apply",
    is_flag=True,
    help="Plan without the secrets of targets: apply compares them and checks their hosts.",
)
@plan_options
@click.pass_obj
def plan(
    options: Options,
    save: Path | None,
    base: str | None,
    since_applied: bool,
    exit_code: bool,
    commit: str | None,
    secrets_at_apply: bool,
    targets: tuple[str, ...],
    excluded: tuple[str, ...],
    overridden: tuple[str, ...],
    reason: str | None,
    push_secrets: bool,
    no_token_cache: bool,
) -> Status:
    """Compare the manifests with what is live and show what `apply` would change.

    Nothing is written: a plan has a connection that can only read. What a guardrail refuses is shown with the way to
    override it, and makes the exit status 3; --override shows what would pass, and approves nothing. A file that is
    saved where a guardrail refuses or planning fails says so, and approves nothing.
    """
    from reconciler.app.base import open_base
    from reconciler.app.plan import plan_each
    from reconciler.cli.terminal.failure import report_failure
    from reconciler.reconcile.plan import Plan

    if base is not None and since_applied:
        raise UsageError("--base and --since-applied are two bases", next_step="Leave one of them out.")
    request = plan_request(targets, excluded, overridden, reason, push_secrets)
    request = replace(request, secrets_at_apply=secrets_at_apply)
    known = planned_commit(options, commit) if save is not None or options.format == "json" else None
    with failure_saved(save, options, known):
        sessions, failures = options.project.sessions(utc_now())
        _check_one(sessions, save, options)
        compared = None if base is None else open_base(base, options.project.manifests, options.project.load())
        listener = Listener(options.verbosity)
        since = options.project if since_applied else None
        planning = plan_each(
            sessions, request, listener, token_cache=not no_token_cache, base=compared, since_applied=since
        )
        found = run_to_end(planning)
        errors = [*(item for item in found if isinstance(item, ReconcilerError)), *failures]
        if len(found) == 1 and not failures and errors:
            raise errors[0]
    plans = [replace(item, commit=known) for item in found if isinstance(item, Plan)]
    if save is not None:
        for one in plans:
            save_plan(save, one)
            say(f"Saved the plan as {save}")
    if plans:
        details: dict[str, Any] = {"saved_as": str(save)} if save is not None and options.format == "text" else {}
        rendered = PLAN.render_each(options.format, [(one,) for one in plans], style=result_style(options), **details)
        write_result(options, rendered)
    for breach in (breach for one in plans for breach in one.refused if options.output is not None):
        say(terminal(f"Refused by {breach.rule}: {breach.message}"))
    return combine([*(report_failure(error, options) for error in errors), plan_status(plans, exit_code=exit_code)])


def _check_one(sessions: Sequence[Session], save: Path | None, options: Options) -> None:
    """Refuse what takes one environment where several are meant.

    Raises:
        UsageError: several are.
    """
    if save is not None and len(sessions) > 1:
        raise UsageError("--save takes the plan of one environment", next_step="Name one with -e/--environment.")
    if options.format == "html" and len(sessions) > 1:
        raise UsageError("an HTML page shows one environment", next_step="Name one with -e/--environment.")
