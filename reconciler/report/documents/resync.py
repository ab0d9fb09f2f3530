"""The JSON of a re-sync: its shape as a model, and the function that fills it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reconciler.reconcile.plan import ApplyReport
from reconciler.reconcile.planfile import Document
from reconciler.report.documents.apply import OperationResultDocument, operation_result_to_json

FORMAT_VERSION = 1


class ResyncDocument(Document):
    """What was sent again: printed by `reconciler resync --format json`."""

    format_version: Literal[1]
    environment: str
    interrupted: bool
    ledger_problem: str | None = Field(description="Why the ledger could not be written any more; null: it could.")
    result: OperationResultDocument


def resync_to_json(report: ApplyReport) -> dict[str, Any]:
    """Return what was sent again in the shape of `ResyncDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": report.environment,
        "interrupted": report.interrupted,
        "ledger_problem": report.ledger_problem,
        "result": operation_result_to_json(report.operations[0]),
    }
