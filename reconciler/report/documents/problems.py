"""The JSON of the problems that `validate` finds: its shape as models, and the functions that fill them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from reconciler.errors import Problem
from reconciler.reconcile.planfile import Count, Document, ProblemDocument, problem_to_json

FORMAT_VERSION = 1


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


def problems_to_json(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> dict[str, Any]:
    """Return what `validate` found in the shape of `ValidationDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "valid": not problems,
        "summary": {
            "problems": len(problems),
            "warnings": len(warnings),
            "files": len({problem.place.file for problem in problems}),
        },
        "problems": [problem_to_json(problem) for problem in problems],
        "warnings": [problem_to_json(warning) for warning in warnings],
    }
