"""`reconciler apply`: carry out what was reviewed, exactly that, and say truly what became of it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, apply_status
from reconciler.cli.options import Options
from reconciler.cli.plan_options import commit_option, plan_options, plan_request
from reconciler.cli.saved_plans import gate_of, refusal_written, reviewed_plans, saved_plan_options
from reconciler.cli.terminal.ask import can_ask
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import is_read_with_stderr, show
from reconciler.clock import utc_now
from reconciler.errors import Interrupted, UsageError
from reconciler.report.renderers import APPLY

_GO_ON = (
    "Carry on with `reconciler apply --resume`; it looks before it writes. "
    "Where it says that there is nothing to resume, nothing had begun: run this command again."
)

EXAMPLES = """
reconciler apply -e sandbox                 # shows the plan and asks
reconciler apply plan.json                  # what was approved, no more
reconciler apply approved/production        # all plans of a folder
reconciler apply plan.json --digest sha256:3f61c0… # that plan, or nothing
reconciler apply -e sandbox --yes           # for scripts: plan and apply
reconciler apply -e sandbox --resume        # after an interruption
"""


@command("apply", formats=APPLY.formats, examples=EXAMPLES)
@click.argument("files", metavar="[PLAN.json|FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--resume", is_flag=True, help="Carry on with the apply that was interrupted.")
@click.option("--lock-wait", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait for another apply.")
@commit_option("What the manifests stand at, remembered once all is applied; else git is asked.")
@saved_plan_options
@click.option("--ephemeral-ledger", is_flag=True, help="Accept a ledger that is gone after this job.")
@plan_options
@click.pass_obj
def apply(
    options: Options,
    files: tuple[Path, ...],
    yes: bool,
    resume: bool,
    lock_wait: float,
    commit: str | None,
    gated: Path | None,
    digest: str | None,
    ephemeral_ledger: bool,
    targets: tuple[str, ...],
    excluded: tuple[str, ...],
    overridden: tuple[str, ...],
    reason: str | None,
    push_secrets: bool,
    no_token_cache: bool,
) -> Status:
    """Carry out plans: those that were saved and reviewed, or a new one after asking.

    A saved plan is an approval. Manifests and live are read again, and only changes that are still exactly as they
    were reviewed are carried out; what moved since is refused. Several plans are carried out in one run, such as those
    of all pull requests that were merged since; one that approves nothing any more is left out, and told. What a plan
    overrode is overridden here anew, or by a reviewed line in the manifests. Where RECONCILER_PLAN_KEY is set, only
    plans that are signed with it are taken.
    """
    from reconciler.app.apply import Approval, apply_session
    from reconciler.app.commits import clean_commit
    from reconciler.app.saved_plans import open_for_saved
    from reconciler.cli.terminal.faces import ApplyTerminal
    from reconciler.ledger.url import require_durable
    from reconciler.reconcile.digests import PLAN_KEY
    from reconciler.reconcile.session import PlanRequest

    request = plan_request(targets, excluded, overridden, reason, push_secrets)
    if (files or gated) and resume:
        raise UsageError(
            "--resume carries on with the apply that was interrupted, and needs no plan file",
            next_step="Carry on with `reconciler apply --resume`; leave it out to apply the file.",
        )
    if (files or gated) and request != PlanRequest(overrides=request.overrides):
        raise UsageError(
            "a saved plan is applied as it was reviewed",
            next_step="Leave the other options out; only --override and --reason may stand.",
        )
    with refusal_written(options, files, gated, request.overrides):
        project = options.project
        commit = commit or clean_commit(project.manifests)
        reviewed = reviewed_plans(options, files, gated, digest)
        saved = None
        if reviewed:
            key = os.environ.get(PLAN_KEY)
            session, request, saved = open_for_saved(project, reviewed, utc_now(), request.overrides, key)
        else:
            session = project.session(utc_now())
        if resume:
            require_durable(session.settings.ledger, os.environ, "--resume", ephemeral=ephemeral_ledger)
        agreed = yes or saved is not None or resume
        face, listener, token_cache = ApplyTerminal(options), Listener(options.verbosity), not no_token_cache
        gate = gate_of(gated, listener)
        approval = Approval(saved, resume=resume, agreed=agreed, accept_unsure=ephemeral_ledger, gate=gate)
        if not approval.agreed and not can_ask():
            raise UsageError("there is no terminal to ask on", next_step="Apply a saved plan, or say --yes.")
        run = partial(apply_session, lock_wait=lock_wait, token_cache=token_cache, commit=commit)
        try:
            report = run_to_end(run(session, request, approval, face, listener))
        except KeyboardInterrupt:
            raise Interrupted("Interrupted: whether anything was sent is not known", next_step=_GO_ON) from None
    if report is not None:
        told = {"told": face.told} if options.format == "text" and is_read_with_stderr(options) else {}
        show(options, APPLY, report, **told)
    return apply_status(report)
