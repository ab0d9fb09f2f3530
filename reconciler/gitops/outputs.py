"""Outputs of a plan for later steps of a pipeline: how it went, its worst risk, and one line for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.gitops.plans import EnvironmentPlan
from reconciler.kind.semantics import Risk
from reconciler.report.escape import terminal
from reconciler.report.words import plan_counts

NO_RISK = "none"


def plan_outputs(plans: Sequence[EnvironmentPlan]) -> dict[str, str]:
    """Return `status`, `risk` and `summary` of the plans of all environments.

    `status` is the worst of failed, refused, changes and unchanged; `risk` the worst of the changes, or none.
    """
    risks = {change.risk for each in plans if each.plan for change in each.plan.changes}
    return {
        "status": _status(plans),
        "risk": next((risk.value for risk in Risk if risk in risks), NO_RISK),
        "summary": terminal("; ".join(_line(each) for each in plans)),
    }


def _status(plans: Sequence[EnvironmentPlan]) -> str:
    planned = [each.plan for each in plans if each.plan and not each.failure]
    if len(planned) < len(plans) or not plans:
        return "failed"
    if any(plan.refused for plan in planned):
        return "refused"
    return "unchanged" if all(plan.is_empty for plan in planned) else "changes"


def _line(each: EnvironmentPlan) -> str:
    counts = plan_counts(each.plan) if each.plan and not each.failure else "no plan"
    return f"{each.environment or each.file}: {counts}"
