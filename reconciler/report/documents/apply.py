"""The JSON of an apply: its shape as models, and the function that fills them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.reconcile.plan import ApplyReport, ChangeResult, Outcome
from reconciler.reconcile.planfile import ChangeDocument, Count, Document, change_from_json, change_to_json

FORMAT_VERSION = 1


class ResultDocument(Document):
    """The true outcome of one change."""

    change: ChangeDocument
    outcome: Annotated[Outcome, Field(strict=False)]
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


class ApplyDocument(Document):
    """What an apply did: printed by `reconciler apply --format json`."""

    format_version: Literal[1]
    environment: str
    run: str | None = Field(description="ID of the run in the ledger; null where nothing was written.")
    resumed: bool
    interrupted: bool
    summary: OutcomesDocument
    results: list[ResultDocument]


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


def apply_from_json(data: object) -> ApplyReport:
    """Read the report of an apply back.

    Raises:
        ValidationError: it is none.
    """
    document = ApplyDocument.model_validate(data)
    results = (
        ChangeResult(change_from_json(item.change), item.outcome, item.code, item.message, item.next_step)
        for item in document.results
    )
    return ApplyReport(document.environment, document.run, tuple(results), document.resumed, document.interrupted)
