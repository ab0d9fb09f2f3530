"""Plan files as a comment needs them: the plan of each environment, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct

from reconciler.errors import PlanFileError, UsageError
from reconciler.gitops.members import items, number, text
from reconciler.reconcile.approval import check_intact
from reconciler.reconcile.plan import Plan
from reconciler.reconcile.planread import json_from_text, plan_from_json, read_saved


class Failure(Struct, frozen=True):
    """Why there is no plan: the error's code, words and next step, and the problems of the manifests."""

    code: str
    message: str
    next_step: str | None = None
    problems: tuple[str, ...] = ()


class EnvironmentPlan(Struct, frozen=True):
    """A plan file.

    Args:
        file: as it was named.
        plan: what it holds; None: it could not be read.
        failure: why it could not be read, or why planning failed.
    """

    file: str
    plan: Plan | None
    failure: Failure | None = None

    @property
    def environment(self) -> str | None:
        """Whose plan it is; None: it could not be read."""
        return None if self.plan is None else self.plan.environment


def read_plans(files: Iterable[Path]) -> list[EnvironmentPlan]:
    """Read plan files, in the order of their environments; one that cannot be read says why.

    Raises:
        UsageError: two of them are for the same environment.
    """
    plans = sorted((_read(file) for file in files), key=lambda plan: (plan.environment or "", plan.file))
    for first, second in pairwise(plans):
        if first.environment is not None and first.environment == second.environment:
            raise UsageError(
                f"{first.file} and {second.file} are both plans for the environment {first.environment}",
                next_step="Give one plan for each environment.",
            )
    return plans


def _read(file: Path) -> EnvironmentPlan:
    try:
        data = json_from_text(read_saved(file), file=str(file))
        # Its shape is checked by the models alone: the published schema says the same again, ten times as slow.
        plan = plan_from_json(data, file=str(file), by_schema=False)
        check_intact(plan)
    except PlanFileError as error:
        return EnvironmentPlan(str(file), None, failure=Failure(error.code, error.message, error.next_step))
    return EnvironmentPlan(str(file), plan, _failure(plan))


def _failure(plan: Plan) -> Failure | None:
    if plan.error is None:
        return None
    return Failure(
        text(plan.error, "code") or "error",
        text(plan.error, "message") or "planning failed",
        text(plan.error, "next_step"),
        tuple(_problem(problem) for problem in items(plan.error, "problems")),
    )


def _problem(problem: Any) -> str:
    place = text(problem, "source", "file")
    line = number(problem, "source", "line")
    where = f"{place}:{line}: " if place and line else f"{place}: " if place else ""
    return f"{where}{text(problem, 'message') or ''}"
