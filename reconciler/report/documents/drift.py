"""The JSON of a drift report: its shape as models, and the function that fills them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.reconcile.plan import Cause, DriftItem, DriftReport
from reconciler.reconcile.planfile import (
    ChangeDocument,
    Count,
    Document,
    NoteDocument,
    Time,
    change_to_json,
    note_to_json,
    time_to_json,
)
from reconciler.reconcile.planread import change_from_json, note_from_json
from reconciler.report.documents.apply import ResultDocument, result_from_json, result_to_json

FORMAT_VERSION = 1


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
    not_healed: str | None = Field(
        default=None, description="Why `drift --heal` left it, where `drift.heal` of the Environment names its cause."
    )


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
    healed: list[ResultDocument] = Field(default=[], description="What `drift --heal` did before it looked.")
    notes: list[NoteDocument]


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
                "not_healed": item.not_healed,
            }
            for item in report.items
        ],
        "healed": [result_to_json(result) for result in report.healed],
        "notes": [note_to_json(note) for note in report.notes],
    }


def drift_from_json(data: object) -> DriftReport:
    """Read a drift report back.

    Raises:
        ValidationError: it is none.
    """
    document = DriftDocument.model_validate(data)
    items = (
        DriftItem(
            kind=item.kind,
            name=item.name,
            id=item.id,
            cause=item.cause,
            change=change_from_json(item.change) if item.change else None,
            next_steps=tuple(item.next_steps),
            snoozed_until=item.snoozed_until,
            snooze_reason=item.snooze_reason,
            message=item.message,
            not_healed=item.not_healed,
        )
        for item in document.items
    )
    notes = tuple(note_from_json(note) for note in document.notes)
    return DriftReport(
        document.environment,
        document.checked_at,
        tuple(items),
        notes,
        document.summary.unchanged,
        tuple(map(result_from_json, document.healed)),
    )
