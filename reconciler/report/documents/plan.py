"""The JSON of apply, drift, validation and errors: their shapes as models, and the functions that fill them.

The plan's shape stands in reconcile/planfile.py, because a saved plan is read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.errors import ApiError, ManifestErrors, MissingRole, Place, Problem, ReconcilerError
from reconciler.reconcile.plan import ApplyReport, Cause, DriftReport, Outcome
from reconciler.reconcile.planfile import (
    ChangeDocument,
    Count,
    Document,
    NoteDocument,
    PlanDocument,
    SourceDocument,
    Time,
    change_to_json,
    note_to_json,
    place_to_json,
    plan_to_json,
    time_to_json,
)

__all__ = [
    "ApplyDocument",
    "DriftDocument",
    "ErrorDocument",
    "PlanDocument",
    "ValidationDocument",
    "apply_to_json",
    "drift_to_json",
    "error_to_json",
    "plan_to_json",
    "problems_to_json",
]

FORMAT_VERSION = 1


class ResultDocument(Document):
    """The true outcome of one change."""

    change: ChangeDocument
    outcome: Annotated[Outcome, Field(strict=False)]
    code: str | None = Field(description="Code of the error, see docs/errors.md.")
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


class ApplyDocument(Document):
    """What an apply did: printed by `reconciler apply --format json`."""

    format_version: Literal[1]
    environment: str
    run: str | None = Field(description="ID of the run in the ledger; null where nothing was written.")
    resumed: bool
    interrupted: bool
    summary: OutcomesDocument
    results: list[ResultDocument]


class DriftItemDocument(Document):
    """One live object that is not as desired."""

    kind: str
    name: str
    id: str
    cause: Annotated[Cause, Field(strict=False)]
    message: str | None
    change: ChangeDocument | None = Field(description="What apply would change; null where there is no such change.")
    next_steps: list[str]
    snoozed_until: Time | None
    snooze_reason: str | None


class DriftSummaryDocument(Document):
    """Counts of a drift report; `drifted` leaves out what is snoozed."""

    drifted: Count
    snoozed: Count
    unchanged: Count


class DriftDocument(Document):
    """What drift found: printed by `reconciler drift --format json`."""

    format_version: Literal[1]
    environment: str
    checked_at: Time
    drifted: bool
    summary: DriftSummaryDocument
    items: list[DriftItemDocument]
    notes: list[NoteDocument]


class ProblemDocument(Document):
    """One thing wrong with one manifest."""

    code: str = Field(description="Stable, see docs/errors.md.")
    message: str
    source: SourceDocument
    value: str | None = Field(description="The offending value, cut short, never a secret.")
    hint: str | None = Field(description="What to do.")


class ValidationSummaryDocument(Document):
    """Counts of a validation."""

    problems: Count
    warnings: Count
    files: Count = Field(description="Files with at least one problem.")


class ValidationDocument(Document):
    """Every problem of every manifest: printed by `reconciler validate --format json`."""

    format_version: Literal[1]
    valid: bool
    summary: ValidationSummaryDocument
    problems: list[ProblemDocument]
    warnings: list[ProblemDocument] = Field(description="What stands in nobody's way and should be known.")


class ErrorBodyDocument(Document):
    """What went wrong, where, and what to do now."""

    code: str = Field(description="Stable, see docs/errors.md.")
    message: str
    source: SourceDocument | None
    next_step: str | None
    exit_status: Count
    status: int | None = Field(description="HTTP status, where an API answered.")
    vendor_code: str | None = Field(description="The vendor's own code, where an API answered with one.")
    request: str | None = Field(description="METHOD path of the request, without query.")
    roles: list[str] = Field(description="Roles that are missing.")
    problems: list[ProblemDocument]


class ErrorDocument(Document):
    """An error: printed by any command with `--format json` that cannot do what it was asked."""

    format_version: Literal[1]
    error: ErrorBodyDocument


def _place(place: Place | None) -> dict[str, Any] | None:
    return place_to_json(place) if place else None


def apply_to_json(report: ApplyReport) -> dict[str, Any]:
    """Return an apply report in the shape of `ApplyDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": report.environment,
        "run": report.run,
        "resumed": report.resumed,
        "interrupted": report.interrupted,
        "summary": report.summary,
        "results": [
            {
                "change": change_to_json(result.change),
                "outcome": result.outcome.value,
                "code": result.code,
                "message": result.message,
                "next_step": result.next_step,
            }
            for result in report.results
        ],
    }


def drift_to_json(report: DriftReport) -> dict[str, Any]:
    """Return a drift report in the shape of `DriftDocument`."""
    snoozed = sum(item.snoozed_until is not None for item in report.items)
    return {
        "format_version": FORMAT_VERSION,
        "environment": report.environment,
        "checked_at": time_to_json(report.checked_at),
        "drifted": report.drifted,
        "summary": {"drifted": len(report.items) - snoozed, "snoozed": snoozed, "unchanged": report.unchanged},
        "items": [
            {
                "kind": item.kind,
                "name": item.name,
                "id": item.id,
                "cause": item.cause.value,
                "message": item.message,
                "change": change_to_json(item.change) if item.change else None,
                "next_steps": list(item.next_steps),
                "snoozed_until": time_to_json(item.snoozed_until) if item.snoozed_until else None,
                "snooze_reason": item.snooze_reason,
            }
            for item in report.items
        ],
        "notes": [note_to_json(note) for note in report.notes],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.message,
        "source": place_to_json(problem.place),
        "value": problem.value,
        "hint": problem.hint,
    }


def problems_to_json(problems: Sequence[Problem], *, warnings: Sequence[Problem] = ()) -> dict[str, Any]:
    """Return what `validate` found in the shape of `ValidationDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "valid": not problems,
        "summary": {
            "problems": len(problems),
            "warnings": len(warnings),
            "files": len({problem.place.file for problem in problems}),
        },
        "problems": [_problem(problem) for problem in problems],
        "warnings": [_problem(warning) for warning in warnings],
    }


def error_to_json(error: ReconcilerError) -> dict[str, Any]:
    """Return an error in the shape of `ErrorDocument`."""
    answer = error if isinstance(error, ApiError) else None
    return {
        "format_version": FORMAT_VERSION,
        "error": {
            "code": error.code,
            "message": error.message,
            "source": _place(error.place),
            "next_step": error.next_step,
            "exit_status": error.exit_status,
            "status": answer.status if answer else None,
            "vendor_code": answer.vendor_code if answer else None,
            "request": answer.request if answer else None,
            "roles": list(error.roles) if isinstance(error, MissingRole) else [],
            "problems": [_problem(problem) for problem in error.problems] if isinstance(error, ManifestErrors) else [],
        },
    }
