"""What every writing command shares: lock, read, permit, carry out, and a Ctrl-C that leaves things tidy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler.app.project import writers
from reconciler.app.signals import stopped_by_signals
from reconciler.cli.exit_status import Status, combine
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import error_style, say
from reconciler.reconcile.apply import Progress, apply
from reconciler.reconcile.applying import Permission, narrowed, permit_all, permit_rest, permit_saved
from reconciler.reconcile.plan import ApplyReport, Change, Outcome, Plan
from reconciler.reconcile.session import Comparison, PlanRequest, Session
from reconciler.report.escape import json_text, terminal
from reconciler.report.style import Style
from reconciler.report.text.apply import apply_to_text
from reconciler.report.text.plan import plan_to_text

if TYPE_CHECKING:
    from reconciler.kind.connection import Reader
    from reconciler.ledger.config.model import LockHolder

_UNREVIEWED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Approval:
    """What the user has agreed to: a saved plan, the rest of an interrupted run, or whatever the plan says now.

    `only` limits the last to some changes. Where it is not `agreed`, the plan is shown and the user asked.
    """

    saved: Plan | None = None
    resume: bool = False
    agreed: bool = False
    only: Callable[[Change], bool] | None = None


def request_of(saved: Plan) -> PlanRequest:
    """Return what a saved plan was asked for, so that the same is asked again."""
    overrides = {breach.rule: breach.overridden for breach in saved.breaches if breach.overridden is not None}
    return PlanRequest(frozenset(saved.targets), overrides, saved.push_secrets)


async def apply_session(
    session: Session,
    request: PlanRequest,
    approval: Approval,
    options: Options,
    *,
    command: str = "apply",
    lock_wait: float = 0,
    token_cache: bool = True,
) -> ApplyReport | None:
    """Apply what is approved to one environment, holding the apply lock.

    Returns:
        What became of each change; None where the user said no.

    Raises:
        ReconcilerError: nothing was changed.
    """
    from reconciler.ledger.process import describe_holder
    from reconciler.ledger.writer import Ledger

    holder = describe_holder(command)
    listener = Listener(options.verbosity)
    with (
        Ledger.open(session.settings.ledger) as ledger,
        ledger.lock(holder, wait=lock_wait, on_wait=_say_who_is_waited_for) as lock,
    ):
        async with writers(session, request.targets, listener, token_cache=token_cache) as open_writers:
            readers: dict[str, Reader] = {api: writer.read_only() for api, writer in open_writers.items()}

            async def compare() -> Comparison:
                return await session.compare(readers, request, session.memory(), session.opened_at)

            comparison = await compare()
            permission = _permission(comparison, approval)
            if not approval.agreed and permission.approved:
                shown = comparison.planned.plan
                if not _agrees(shown, options):
                    return None
                # Somebody thought about it for a while: what was shown is an approval like a saved plan.
                comparison = await compare()
                permission = permit_saved(comparison, shown)
            _say_unreviewed(permission)
            with stopped_by_signals() as stop:
                return await apply(
                    comparison.planned if approval.only is None else narrowed(comparison.planned, permission),
                    session.kinds,
                    open_writers,
                    ledger,
                    lock,
                    holder=holder,
                    stop=stop,
                    approved=permission.approved,
                    earlier=permission.earlier,
                    resumed=permission.resumed,
                    on_event=lambda event: _say_progress(event, error_style(options.color)),
                )


def _permission(comparison: Comparison, approval: Approval) -> Permission:
    if approval.saved is not None:
        return permit_saved(comparison, approval.saved)
    if approval.resume:
        return permit_rest(comparison, comparison.inputs.memory.unfinished)
    return permit_all(comparison, approval.only)


def _agrees(plan: Plan, options: Options) -> bool:
    say(plan_to_text(plan, error_style(options.color)))
    if click.confirm(f"Apply this to {terminal(plan.environment)}?", err=True):
        return True
    say("Nothing was changed.")
    return False


def _say_progress(event: Progress, style: Style) -> None:
    if event.result is None:
        return
    change, outcome = event.change, event.result.outcome
    mark = "✓" if outcome in (Outcome.APPLIED, Outcome.ALREADY) else "✗"
    say(style.finish(style.wrap(f"{mark} {change.action} {change.key}: {outcome}", 0)).rstrip())


def _say_who_is_waited_for(holder: LockHolder) -> None:
    say(terminal(f"Waiting for the apply lock, held by {holder.holder} since {holder.taken_at:%H:%M:%S %Z}"))


def _say_unreviewed(permission: Permission) -> None:
    if permission.unreviewed:
        keys = [change.key for change in permission.unreviewed]
        more = f" and {len(keys) - _UNREVIEWED_SHOWN} more" if len(keys) > _UNREVIEWED_SHOWN else ""
        say(terminal(f"Left alone, because the plan does not have it: {', '.join(keys[:_UNREVIEWED_SHOWN])}{more}"))


def apply_to(format_name: str, report: ApplyReport, style: Style) -> str:
    """Return an apply report as text or JSON."""
    if format_name == "json":
        from reconciler.report.documents.plan import apply_to_json

        return json_text(apply_to_json(report))
    return apply_to_text(report, style)


def apply_status(report: ApplyReport) -> Status:
    """Return the exit status of an apply."""
    outcomes = {result.outcome for result in report.results}
    statuses: list[Status] = []
    if report.interrupted:
        statuses.append(Status.INTERRUPTED)
    if report.ledger_problem is not None or outcomes & {Outcome.FAILED, Outcome.UNKNOWN}:
        statuses.append(Status.ERROR)
    if outcomes & {Outcome.STALE, Outcome.SKIPPED}:
        statuses.append(Status.PARTLY if outcomes & {Outcome.APPLIED, Outcome.ALREADY} else Status.STALE)
    return combine(statuses)


def can_ask() -> bool:
    """Return whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()
