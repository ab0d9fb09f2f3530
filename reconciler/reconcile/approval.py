"""A saved plan is an approval, never an instruction: which of the changes planned now does it cover? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.errors import PlanFileError, StalePlan
from reconciler.reconcile.digests import change_digest, plan_digest
from reconciler.reconcile.plan import Change, ChangeResult, Outcome, Plan
from reconciler.reconcile.work import Planned

_PLAN_AGAIN = "Plan again and have the new plan reviewed."


@dataclass(frozen=True, slots=True)
class ApprovalScope:
    """`approved` are digests of changes to carry out, `earlier` what the approval names and needs or allows no work.

    `unreviewed` are changes that live or the manifests need by now and that nobody approved: they are left alone.
    """

    approved: frozenset[str]
    earlier: tuple[ChangeResult, ...]
    unreviewed: tuple[Change, ...]


def check_approval(saved: Plan, now: datetime) -> None:
    """Check a saved plan by itself.

    Raises:
        PlanFileError: it was altered since it was saved.
        StalePlan: it has expired, or guardrails refused it when it was made.
    """
    intact = all(change.digest == change_digest(change) for change in saved.changes)
    if not intact or saved.digest != plan_digest(saved):
        raise PlanFileError("the saved plan was altered after it was made", next_step=_PLAN_AGAIN)
    if now >= saved.expires_at:
        raise StalePlan(f"the saved plan expired at {saved.expires_at:%Y-%m-%d %H:%M %Z}", next_step=_PLAN_AGAIN)


def check_connections(saved: Plan, environment: str, connections: dict[str, str]) -> None:
    """Check that a saved plan is of this environment and of the APIs that it names now.

    Raises:
        StalePlan: it is not.
    """
    if saved.environment != environment:
        raise StalePlan(
            f"the saved plan is for the environment {saved.environment}, not for {environment}", next_step=_PLAN_AGAIN
        )
    if dict(saved.connections) != connections:
        raise StalePlan(
            f"the environment {environment} names other APIs than when the plan was saved", next_step=_PLAN_AGAIN
        )


def approval_scope(saved: Plan, planned: Planned) -> ApprovalScope:
    """Match a saved plan with the plan made now from this checkout and from what is live now."""
    fresh = {change.key: change for change in planned.plan.changes}
    settled = {desired.key for desired in planned.settled}
    reviewed = {change.digest for change in saved.changes}
    approved = frozenset(change.digest for change in fresh.values() if change.digest in reviewed)
    earlier = tuple(
        _without_work(change, change.key in settled) for change in saved.changes if change.digest not in approved
    )
    unreviewed = tuple(
        change
        for change in planned.plan.changes
        if change.digest not in approved and change.key not in {result.change.key for result in earlier}
    )
    return ApprovalScope(approved, earlier, unreviewed)


def _without_work(change: Change, is_settled: bool) -> ChangeResult:
    if is_settled:
        return ChangeResult(change, Outcome.ALREADY, message="live is as wanted")
    words = "live or the manifests have moved since it was reviewed"
    return ChangeResult(change, Outcome.STALE, StalePlan.code, words, _PLAN_AGAIN)
