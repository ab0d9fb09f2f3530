"""`reconciler gitops comment`: the plans of a pull request as one comment that is kept up to date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.forge_options import ForgeOptions, forge_options
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import say, write_result
from reconciler.errors import UsageError
from reconciler.report.escape import terminal

if TYPE_CHECKING:
    from reconciler.gitops.event import Event
    from reconciler.gitops.posting import Posted

EXAMPLES = """
reconciler gitops comment plans/*/plan.json
reconciler gitops comment plan.json --print   # connects to nothing
reconciler gitops comment plan.json --pull-request 12 --commit SHA
"""


@command("comment", examples=EXAMPLES, manifests=False)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@forge_options
@click.option("--print", "only_print", is_flag=True, help="Print the text and write nothing anywhere.")
@click.pass_obj
def comment(options: Options, /, files: tuple[Path, ...], only_print: bool, **told: Any) -> Status:
    """Show saved plans of all environments in one comment at the pull request, and keep it up to date.

    FILE is what `plan --save` wrote, one for each environment; also of a plan that failed or was refused. Without any,
    the comment says that this commit has no plan. One that cannot be read is shown as that, and the exit status is 1.

    Only a comment of our own is ever changed, a run without change touches nothing, and where the pull request has a
    newer commit by now nothing is written. From a fork, for Dependabot and in a merge queue there is no comment: it
    says why, with exit status 0.
    """
    from reconciler.gitops.comment import plan_comment
    from reconciler.gitops.outputs import plan_outputs
    from reconciler.gitops.plans import read_plans
    from reconciler.gitops.step import append_summary, set_outputs

    forge = ForgeOptions(**told)
    event = _event(forge, only_print)
    if event is not None and event.no_secrets is not None:
        append_summary(event.summary, event.no_secrets)
        say(event.no_secrets)
        return Status.DONE
    plans = read_plans(files)
    body = plan_comment(plans, event.commit if event else forge.commit, url=event.run_url if event else None)
    set_outputs(os.environ, plan_outputs(plans))
    if only_print or event is None:
        write_result(options, body)
    elif event.is_queue:
        say("In a merge queue there is no comment: the check alone reports.")
    else:
        _post(options, event, body, forge.author)
    return Status.ERROR if any(plan.environment is None for plan in plans) else Status.DONE


def _event(forge: ForgeOptions, only_print: bool) -> Event | None:
    """Return what the pipeline says of itself; None where only the text is wanted, and there is no pipeline."""
    try:
        return forge.event()
    except UsageError:
        if only_print and forge.forge is None:
            return None
        raise


def _post(options: Options, event: Event, body: str, author: str | None) -> None:
    from reconciler.gitops.event import TOKEN
    from reconciler.gitops.forge_names import ForgeName

    number, head = event.pull_request, event.commit
    if number is None or head is None:
        raise UsageError(
            "no pull request is told, or not its last commit",
            next_step="Run it in a pipeline of a pull request, or give --pull-request and --commit.",
        )
    if event.forge is ForgeName.GITLAB and not event.token.is_set:
        # A protected variable is missing in pipelines of merge requests, unless their branch is protected too.
        say(f"{TOKEN[event.forge]} is not set here, so there is no note; this is what it would say.")
        say("A protected variable is missing in pipelines of merge requests: make it masked, and not protected.")
        write_result(options, body)
        return
    posted, expected = run_to_end(_posted(event, number, head, body, Listener(options.verbosity), author))
    say(_words(posted, number))
    if posted.author != expected:
        say(f"The token writes as {terminal(posted.author)}; name it with --author, and the comment is found at once.")


async def _posted(
    event: Event, number: int, head: str, body: str, listener: Listener, author: str | None
) -> tuple[Posted, str]:
    from reconciler.gitops.comment import PLAN_OPENING
    from reconciler.gitops.connect import open_forge
    from reconciler.gitops.posting import post_comment

    async with open_forge(event, listener, author=author) as forge:
        return await post_comment(forge, number, body, opening=PLAN_OPENING, head=head), forge.author


def _words(posted: Posted, number: int) -> str:
    from reconciler.gitops.posting import Did

    told = {
        Did.CREATED: "written",
        Did.UPDATED: "brought up to date",
        Did.UNCHANGED: "unchanged, it says the same",
        Did.OLDER: "left alone, because the pull request has a newer commit",
    }
    return f"Comment at pull request {number}: {told.get(posted.did, posted.did)}."
