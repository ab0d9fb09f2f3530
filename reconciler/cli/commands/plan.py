"""`reconciler plan`: read live, show what would change, change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from reconciler.app.project import for_each, open_sessions, readers, utc_now
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, combine
from reconciler.cli.options import Options
from reconciler.cli.plan_options import plan_options, plan_request
from reconciler.cli.terminal.failure import report_failure
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import result_style, say, write_file, write_result
from reconciler.errors import ReconcilerError, UsageError
from reconciler.ledger.reader import Ledgers
from reconciler.reconcile.plan import Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planner import require_secrets
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.report.escape import json_text, terminal

EXAMPLES = """
reconciler plan                                # the only environment
reconciler plan -e sandbox --save plan.json    # to be reviewed, then applied
reconciler plan -e all --exit-code             # 2 where something is pending
reconciler plan -e sandbox --target EntitySync/categories
reconciler plan -e sandbox --format html --output plan.html
"""


@command("plan", formats=("text", "json", "markdown", "html"), examples=EXAMPLES)
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan for `apply` to a file.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 where changes are pending.")
@plan_options
@click.pass_obj
def plan(
    options: Options,
    save: Path | None,
    exit_code: bool,
    targets: tuple[str, ...],
    overridden: tuple[str, ...],
    reason: str | None,
    push_secrets: bool,
    no_token_cache: bool,
) -> Status:
    """Compare the manifests with what is live and show what `apply` would change.

    Nothing is written: a plan has a connection that can only read. What a guardrail refuses is shown with the way to
    override it, and makes the exit status 3.
    """
    from reconciler.cli.rendering import plans_to

    request = plan_request(targets, overridden, reason, push_secrets)
    if save is not None and not save.parent.is_dir():
        raise UsageError(f"the folder {save.parent} does not exist", next_step="Name another file with --save.")
    sessions, failures = open_sessions(options, utc_now())
    if save is not None and len(sessions) > 1:
        raise UsageError("--save takes the plan of one environment", next_step="Name one with -e/--environment.")
    if options.format == "html" and len(sessions) > 1:
        raise UsageError("an HTML page shows one environment", next_step="Name one with -e/--environment.")
    found = asyncio.run(_plans(sessions, request, Listener(options.verbosity), token_cache=not no_token_cache))
    found += failures
    plans = [item for item in found if isinstance(item, Plan)]
    if save is not None:
        for one in plans:
            write_file(save, json_text(plan_to_json(one)))
            say(f"Saved the plan as {save}")
    if plans:
        write_result(options, plans_to(options.format, plans, result_style(options), save))
    for breach in (breach for one in plans for breach in one.refused if options.output is not None):
        say(terminal(f"Refused by {breach.rule}: {breach.message}"))
    return _status(found, options, exit_code=exit_code)


async def _plans(
    sessions: Sequence[Session], request: PlanRequest, listener: Listener, *, token_cache: bool
) -> list[Plan | ReconcilerError]:
    from reconciler.http.connections import Connections

    async def one(session: Session) -> Plan:
        memory = session.memory(ledgers)
        async with readers(
            session, request.targets, listener, token_cache=token_cache, connections=connections
        ) as open_readers:
            comparison = await session.compare(open_readers, request, memory, session.opened_at)
        require_secrets(comparison.inputs, comparison.planned.work.values())
        return comparison.planned.plan

    with Ledgers() as ledgers:
        async with Connections() as connections:
            return await for_each(sessions, one)


def _status(found: Sequence[Plan | ReconcilerError], options: Options, *, exit_code: bool) -> Status:
    errors = [item for item in found if isinstance(item, ReconcilerError)]
    if len(found) == 1 and errors:
        raise errors[0]
    plans = [item for item in found if isinstance(item, Plan)]
    return combine(
        [
            *(report_failure(error, options) for error in errors),
            *(Status.REFUSED for plan in plans if plan.refused),
            *(Status.PENDING for plan in plans if plan.changes and exit_code),
        ]
    )
