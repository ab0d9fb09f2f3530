"""Plan files as a comment needs them: the plan of each environment, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from reconciler.errors import PlanFileError, UsageError
from reconciler.gitops.members import items, number, text
from reconciler.reconcile.approval import check_intact
from reconciler.reconcile.plan import Plan
from reconciler.reconcile.planread import json_from_text, plan_from_json, read_saved


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A change of a rule, which has no live counterpart; `before` and `after` are None where it is absent."""

    kind: str
    name: str
    file: str
    line: int
    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no plan: the error's code, words and next step, and the problems of the manifests."""

    code: str
    message: str
    next_step: str | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentPlan:
    """A plan file.

    Args:
        file: as it was named.
        plan: what it holds; None: it could not be read, or planning failed.
        environment: whose plan it is; None: it could not be read.
        failure: why it could not be read, or why planning failed.
        commit: what its manifests stood at in git, where that is known.
        rules: the rules that changed.
        secrets_at_apply: whether it was made without the secrets of targets.
    """

    file: str
    plan: Plan | None
    environment: str | None = None
    failure: Failure | None = None
    commit: str | None = None
    rules: tuple[RuleChange, ...] = ()
    secrets_at_apply: bool = False


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
    document: Mapping[str, Any] = data if isinstance(data, dict) else {}
    failure = _failure(document)
    return EnvironmentPlan(
        str(file),
        None if failure else plan,
        plan.environment,
        failure,
        text(document, "commit"),
        tuple(_rules(items(document, "rules_changed"))),
        document.get("secrets_at_apply") is True,
    )


def _failure(document: Mapping[str, Any]) -> Failure | None:
    error = document.get("error")
    if document.get("status") != "failed" and not isinstance(error, dict):
        return None
    return Failure(
        text(error, "code") or "error",
        text(error, "message") or "planning failed",
        text(error, "next_step"),
        tuple(_problem(problem) for problem in items(error, "problems")),
    )


def _problem(problem: Any) -> str:
    place = text(problem, "source", "file")
    line = number(problem, "source", "line")
    where = f"{place}:{line}: " if place and line else f"{place}: " if place else ""
    return f"{where}{text(problem, 'message') or ''}"


def _rules(changes: Sequence[Any]) -> Iterable[RuleChange]:
    for change in changes:
        yield RuleChange(
            text(change, "kind") or "",
            text(change, "name") or "",
            text(change, "file") or "",
            number(change, "line") or 0,
            text(change, "path") or "",
            _value(change, "before"),
            _value(change, "after"),
        )


def _value(change: Any, member: str) -> str | None:
    value = change.get(member) if isinstance(change, dict) else None
    return None if value is None else str(value)
