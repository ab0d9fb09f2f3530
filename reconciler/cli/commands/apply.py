"""`reconciler apply`: carry out what was reviewed, exactly that, and say truly what became of it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from reconciler.app.apply import Approval, apply_session, open_for_saved
from reconciler.app.commits import clean_commit
from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, apply_status
from reconciler.cli.options import Options
from reconciler.cli.plan_options import commit_option, plan_options, plan_request
from reconciler.cli.terminal.ask import can_ask
from reconciler.cli.terminal.faces import ApplyTerminal
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import is_read_with_stderr, show
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.ledger.url import require_durable
from reconciler.reconcile.digests import PLAN_KEY
from reconciler.reconcile.planread import read_plan
from reconciler.reconcile.session import PlanRequest
from reconciler.report.renderers import APPLY

EXAMPLES = """
reconciler apply -e sandbox                 # shows the plan and asks
reconciler apply plan.json                  # what was approved, no more
reconciler apply -e sandbox --yes           # for scripts: plan and apply
reconciler apply -e sandbox --resume        # after an interruption
"""


@command("apply", formats=APPLY.formats, examples=EXAMPLES)
@click.argument("plan_file", metavar="[PLAN.json]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--resume", is_flag=True, help="Carry on with the apply that was interrupted.")
@click.option("--lock-wait", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait for another apply.")
@commit_option("What the manifests stand at, remembered once all is applied; else git is asked.")
@click.option("--ephemeral-ledger", is_flag=True, help="Accept a ledger that is gone after this job.")
@plan_options
@click.pass_obj
def apply(
    options: Options,
    plan_file: Path | None,
    yes: bool,
    resume: bool,
    lock_wait: float,
    commit: str | None,
    ephemeral_ledger: bool,
    targets: tuple[str, ...],
    excluded: tuple[str, ...],
    overridden: tuple[str, ...],
    reason: str | None,
    push_secrets: bool,
    no_token_cache: bool,
) -> Status:
    """Carry out a plan: the one that was saved and reviewed, or a new one after asking.

    A saved plan is an approval. Manifests and live are read again, and only changes that are still exactly as they
    were reviewed are carried out; what moved since is refused. What the plan overrode is overridden here anew, or by a
    reviewed line in the manifests. Where RECONCILER_PLAN_KEY is set, only plans that are signed with it are taken.
    """
    request = plan_request(targets, excluded, overridden, reason, push_secrets)
    if plan_file is not None and resume:
        raise UsageError(
            "--resume carries on with the apply that was interrupted, and needs no plan file",
            next_step="Carry on with `reconciler apply --resume`; leave it out to apply the file.",
        )
    if plan_file is not None and request != PlanRequest(overrides=request.overrides):
        raise UsageError(
            "a saved plan is applied as it was reviewed",
            next_step="Leave the other options out; only --override and --reason may stand.",
        )
    saved = read_plan(plan_file) if plan_file is not None else None
    project = options.project
    commit = commit or clean_commit(project.manifests)
    if saved is not None:
        session, request = open_for_saved(project, saved, utc_now(), request.overrides, os.environ.get(PLAN_KEY))
    else:
        session = project.session(utc_now())
    if resume:
        require_durable(session.settings.ledger, os.environ, "--resume", ephemeral=ephemeral_ledger)
    approval = Approval(saved, resume=resume, agreed=yes or saved is not None or resume, accept_unsure=ephemeral_ledger)
    if not approval.agreed and not can_ask():
        raise UsageError("there is no terminal to ask on", next_step="Apply a saved plan, or say --yes.")
    face, listener, token_cache = ApplyTerminal(options), Listener(options.verbosity), not no_token_cache
    run = partial(apply_session, lock_wait=lock_wait, token_cache=token_cache, commit=commit)
    report = run_to_end(run(session, request, approval, face, listener))
    if report is not None:
        told = {"told": face.told} if options.format == "text" and is_read_with_stderr(options) else {}
        show(options, APPLY, report, **told)
    return apply_status(report)
