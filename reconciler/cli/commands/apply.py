"""`reconciler apply`: carry out what was reviewed, exactly that, and say truly what became of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from reconciler.app.apply import Approval, apply_session, apply_status, apply_to, can_ask, request_of
from reconciler.app.project import open_one, utc_now
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.plan_options import plan_options, plan_request
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.errors import UsageError
from reconciler.ledger.url import require_durable
from reconciler.reconcile.approval import check_approval, check_connections
from reconciler.reconcile.planfile import read_plan
from reconciler.reconcile.session import PlanRequest

EXAMPLES = """
reconciler apply -e sandbox                 # shows the plan and asks
reconciler apply plan.json                  # what was approved, no more
reconciler apply -e sandbox --yes           # for scripts: plan and apply
reconciler apply -e sandbox --resume        # after an interruption
"""


@command("apply", formats=("text", "json"), examples=EXAMPLES)
@click.argument("plan_file", metavar="[PLAN.json]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--resume", is_flag=True, help="Carry on with the apply that was interrupted.")
@click.option("--lock-wait", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait for another apply.")
@click.option("--ephemeral-ledger", is_flag=True, help="Accept a ledger that is gone after this job.")
@plan_options
@click.pass_obj
def apply(
    options: Options,
    plan_file: Path | None,
    yes: bool,
    resume: bool,
    lock_wait: float,
    ephemeral_ledger: bool,
    targets: tuple[str, ...],
    overridden: tuple[str, ...],
    reason: str | None,
    push_secrets: bool,
    no_token_cache: bool,
) -> Status:
    """Carry out a plan: the one that was saved and reviewed, or a new one after asking.

    A saved plan is an approval. Manifests and live are read again, and only changes that are still exactly as they
    were reviewed are carried out; what moved since is refused.
    """
    request = plan_request(targets, overridden, reason, push_secrets)
    if plan_file is not None and (resume or request != PlanRequest()):
        raise UsageError("a saved plan is applied as it was reviewed", next_step="Leave the other options out.")
    now = utc_now()
    saved = read_plan(plan_file) if plan_file is not None else None
    if saved is not None:
        check_approval(saved, now)
        request = request_of(saved)
    session = open_one(options, now, environment=saved.environment if saved else None)
    if saved is not None:
        check_connections(saved, session.name, session.urls)
    if resume:
        require_durable(session.settings.ledger, os.environ, "--resume", ephemeral=ephemeral_ledger)
    approval = Approval(saved, resume=resume, agreed=yes or saved is not None or resume)
    if not approval.agreed and not can_ask():
        raise UsageError("there is no terminal to ask on", next_step="Apply a saved plan, or say --yes.")
    report = asyncio.run(
        apply_session(session, request, approval, options, lock_wait=lock_wait, token_cache=not no_token_cache)
    )
    if report is None:
        return Status.DONE
    write_result(options, apply_to(options.format, report, result_style(options)))
    return apply_status(report)
