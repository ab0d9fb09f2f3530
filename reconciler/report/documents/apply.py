"""The JSON of an apply: its shape as models, and the function that fills them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec.structs import asdict
from pydantic import Field

from reconciler.reconcile.plan import ApplyReport, ChangeResult, OperationResult, Outcome, StepResult
from reconciler.reconcile.planfile import (
    ChangeDocument,
    Count,
    Document,
    OperationDocument,
    change_to_json,
    operation_to_json,
)
from reconciler.reconcile.planread import change_from_json, operation_from_json
from reconciler.reconcile.verdict import PlanVerdict

FORMAT_VERSION = 1


class ResultDocument(Document):
    """The true outcome of one change."""

    change: ChangeDocument
    outcome: Annotated[Outcome, Field(strict=False)]
    code: str | None = Field(description="Code of the error; `reconciler explain` says what it means.")
    message: str | None
    next_step: str | None


class StepDocument(Document):
    """The true outcome of one step of a request."""

    does: str
    outcome: Annotated[Outcome, Field(strict=False)]
    message: str | None


class OperationResultDocument(Document):
    """The true outcome of one request: the worst of its steps."""

    operation: OperationDocument
    outcome: Annotated[Outcome, Field(strict=False)]
    steps: list[StepDocument]
    code: str | None = Field(description="Code of the error; `reconciler explain` says what it means.")
    message: str | None
    next_step: str | None


class OutcomesDocument(Document):
    """Counts by outcome."""

    applied: Count
    already: Count
    failed: Count
    skipped: Count
    stale: Count
    unknown: Count


class PlanVerdictDocument(Document):
    """What became of one saved plan that was to be applied."""

    file: str = Field(description="As it was named.")
    digest: str
    commit: str | None = Field(description="What its manifests stood at in git, where that is known.")
    code: str | None = Field(description="Why it approves nothing; null: it was taken, or is not needed any more.")
    message: str | None
    next_step: str | None
    overtaken: list[str] = Field(description="Its changes (Kind/name) that another plan's change took the place of.")


class ApplyDocument(Document):
    """What an apply did: printed by `reconciler apply --format json`."""

    format_version: Literal[1]
    environment: str
    run: str | None = Field(description="ID of the run in the ledger; null where nothing was written.")
    resumed: bool
    interrupted: bool
    summary: OutcomesDocument
    results: list[ResultDocument]
    operations: list[OperationResultDocument] = Field(default=[], description="What was done once, and how it went.")
    plans: list[PlanVerdictDocument] = Field(default=[], description="The saved plans, in the order they were made.")


def result_to_json(result: ChangeResult) -> dict[str, Any]:
    """Return the outcome of one change in the shape of `ResultDocument`."""
    return {
        "change": change_to_json(result.change),
        "outcome": result.outcome.value,
        "code": result.code,
        "message": result.message,
        "next_step": result.next_step,
    }


def result_from_json(document: ResultDocument) -> ChangeResult:
    """Return the outcome of one change that was read back."""
    change = change_from_json(document.change)
    return ChangeResult(change, document.outcome, document.code, document.message, document.next_step)


def apply_to_json(report: ApplyReport) -> dict[str, Any]:
    """Return an apply report in the shape of `ApplyDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": report.environment,
        "run": report.run,
        "resumed": report.resumed,
        "interrupted": report.interrupted,
        "summary": report.summary,
        "results": [result_to_json(result) for result in report.results],
        "operations": [operation_result_to_json(result) for result in report.operations],
        "plans": [asdict(plan) | {"overtaken": list(plan.overtaken)} for plan in report.plans],
    }


def operation_result_to_json(result: OperationResult) -> dict[str, Any]:
    """Return what became of an operation in the shape of `OperationResultDocument`."""
    return {
        "operation": operation_to_json(result.operation),
        "outcome": result.outcome.value,
        "steps": [{"does": step.does, "outcome": step.outcome.value, "message": step.message} for step in result.steps],
        "code": result.code,
        "message": result.message,
        "next_step": result.next_step,
    }


def _operation_result(document: OperationResultDocument) -> OperationResult:
    return OperationResult(
        operation_from_json(document.operation),
        document.outcome,
        tuple(StepResult(step.does, step.outcome, step.message) for step in document.steps),
        document.code,
        document.message,
        document.next_step,
    )


def apply_from_json(data: object) -> ApplyReport:
    """Read the report of an apply back.

    Raises:
        ValidationError: it is none.
    """
    document = ApplyDocument.model_validate(data)
    return ApplyReport(
        document.environment,
        document.run,
        tuple(map(result_from_json, document.results)),
        document.resumed,
        document.interrupted,
        operations=tuple(_operation_result(item) for item in document.operations),
        plans=tuple(PlanVerdict(**dict(item) | {"overtaken": tuple(item.overtaken)}) for item in document.plans),
    )
