"""Decide the exit status of a command: what each means, which one wins, and what a result leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `--help` needs the statuses, and nothing of what they are decided by
    from reconciler.manifest.validate import Validation
    from reconciler.reconcile.doctor import Finding
    from reconciler.reconcile.plan import ApplyReport, Breach, DriftReport, Plan
    from reconciler.sync.run.report import RunReport


class Status(IntEnum):
    """What the exit status of a command means, the one that wins first."""

    INTERRUPTED = 130
    USAGE = 64
    ERROR = 1
    REFUSED = 3
    PARTLY = 5
    STALE = 4
    PENDING = 2
    DONE = 0

    @property
    def meaning(self) -> str:
        """The sentence that help and docs show."""
        return _MEANINGS[self]


PAUSE_FAILED = 125
"""Of `pause -- COMMAND`: our pause failed or was refused before the command, whose own statuses are all others."""

_MEANINGS = {
    Status.DONE: "done, or nothing pending",
    Status.ERROR: "error",
    Status.PENDING: "changes pending (plan --exit-code), or drift (drift)",
    Status.REFUSED: "refused by a guardrail, or a sync stopped by a limit",
    Status.STALE: "stale: nothing of the approval could be applied as reviewed",
    Status.PARTLY: "partly applied; or sync run --fail-on-problems found some",
    Status.USAGE: "usage: an unknown flag, a wrong argument",
    Status.INTERRUPTED: "interrupted",
}


def combine(statuses: Iterable[int]) -> Status:
    """Return the one exit status of a run in which several hold, e.g. one for each environment.

    Precedence: 130, 64, 1, 3, 5, 4, 2, 0. (64 stands alone in practice: usage is checked before anything is done.)

    Raises:
        ValueError: a number that is no exit status of ours.
    """
    held = {Status(status) for status in statuses}
    return next((status for status in Status if status in held), Status.DONE)


def validation_status(found: Validation) -> Status:
    """Return the exit status of a validation; warnings do not count."""
    return Status.ERROR if found.problems else Status.DONE


def plan_status(plans: Iterable[Plan], *, exit_code: bool = False) -> Status:
    """Return the exit status of plans.

    Args:
        plans: one for each environment.
        exit_code: whether pending changes, and secrets that are left to apply, are worth a status of their own.
    """
    listed = list(plans)
    refused = (Status.REFUSED for plan in listed if plan.refused)
    pending = (Status.PENDING for plan in listed if exit_code and (plan.leaves_secrets or not plan.is_empty))
    return combine([*refused, *pending])


def apply_status(report: ApplyReport | None) -> Status:
    """Return the exit status of an apply; None: there was none, because nobody agreed."""
    from reconciler.errors import GuardrailBreach
    from reconciler.reconcile.plan import DONE, STILL_PAUSED, Outcome

    if report is None:
        return Status.DONE
    outcomes = {result.outcome for result in report.results}
    outcomes |= {result.outcome for result in report.operations if not result.was_refused_before}
    statuses: list[Status] = []
    if report.interrupted:
        statuses.append(Status.INTERRUPTED)
    if report.ledger_problem is not None or outcomes & {Outcome.FAILED, Outcome.UNKNOWN}:
        statuses.append(Status.ERROR)
    if any(result.code == STILL_PAUSED for result in report.results):
        statuses.append(Status.ERROR)
    codes = {plan.code for plan in report.plans} - {None}
    if GuardrailBreach.code in codes:
        statuses.append(Status.REFUSED)
    if any(each.is_part for each in report.operations):
        statuses.append(Status.PARTLY)
    if codes or outcomes & {Outcome.STALE, Outcome.SKIPPED}:
        statuses.append(Status.PARTLY if outcomes & DONE else Status.STALE)
    return combine(statuses)


def drift_status(reports: Iterable[DriftReport]) -> Status:
    """Return the exit status of drift reports: 2 where something differs and is not snoozed."""
    return combine(Status.PENDING for report in reports if report.drifted)


def heal_status(report: ApplyReport | None, refused: Iterable[Breach]) -> Status:
    """Return the exit status of a healing: of what it did, and 3 where a guardrail refused some of it."""
    return combine([apply_status(report), *(Status.REFUSED for _ in refused)])


def doctor_status(findings: Mapping[str, Iterable[Finding]]) -> Status:
    """Return the exit status of what `doctor` found, by environment."""
    from reconciler.reconcile.doctor import Verdict

    failed = any(finding.verdict is Verdict.FAILED for found in findings.values() for finding in found)
    return Status.ERROR if failed else Status.DONE


def run_status(report: RunReport | None, *, stopped: bool, fail_on_problems: bool = False) -> Status:
    """Return the exit status of a run of a data sync.

    Args:
        report: of the run; None: none began before a signal came.
        stopped: whether a signal ended it.
        fail_on_problems: whether open problems are worth a status of their own.
    """
    from reconciler.sync.run.report import State

    if report is None:
        return Status.DONE
    if report.state is State.FINISHED:
        return Status.PARTLY if fail_on_problems and report.counts.get("problems") else Status.DONE
    if report.state is State.STOPPED:
        return Status.REFUSED
    return Status.INTERRUPTED if stopped or report.state is State.CANCELLED else Status.ERROR
