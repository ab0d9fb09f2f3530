"""The JSON of `sync run --dry-run`: its shape as models, and the function that fills them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from reconciler.reconcile.planfile import Count, Document
from reconciler.report.documents.sync_problems import CodeDocument, codes_to_json
from reconciler.report.documents.sync_run import (
    FORMAT_VERSION,
    HeldBackDocument,
    ModeField,
    OutcomesDocument,
    RequestsDocument,
    held_back_to_json,
    outcomes_to_json,
    requests_to_json,
)
from reconciler.sync.run.dry_report import DryRun
from reconciler.sync.run.report import State


class DifferenceDocument(Document):
    """A value that the target has otherwise."""

    record: str
    part: str
    where: str
    target: JsonValue = Field(description="What it has; null: nothing.")
    mapped: JsonValue = Field(description="What a run would write; null: nothing.")


class SyncDryRunDocument(Document):
    """What a run of a data sync would do: printed by `reconciler sync run --dry-run --format json`."""

    format_version: Literal[1]
    environment: str
    sync: str = Field(description="Name of the DataSync.")
    data_type: str
    applied: bool = Field(description="The manifest is what was applied; a run starts only then.")
    mode: ModeField
    state: Annotated[State, Field(strict=False)] = Field(description="How the run would end.")
    records: OutcomesDocument = Field(description="By what would become of them.")
    parts: dict[str, Count] = Field(description="Records by part that would be written.")
    written: list[str] = Field(description="The first records of which something would be written.")
    discontinued: list[str] = Field(description="The first records that would be discontinued.")
    codes: list[CodeDocument] = Field(description="Problems after the run by code, the most frequent first.")
    held_back: HeldBackDocument = Field(description="After the run.")
    differences: list[DifferenceDocument] = Field(description="Of a few records that would be written.")
    lacks: str | None = Field(description="What the target has not, and a run needs.")
    requests: dict[str, RequestsDocument] = Field(description="Of the rehearsal, by provider.")
    remarks: list[str]
    message: str | None = Field(description="Why the run would not finish.")
    next_step: str | None


def dry_run_to_json(found: DryRun, environment: str) -> dict[str, Any]:
    """Return what a run would do in the shape of `SyncDryRunDocument`."""
    report = found.report
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "sync": report.sync,
        "data_type": report.data_type,
        "applied": found.applied,
        "mode": report.mode.value,
        "state": report.state.value,
        "records": outcomes_to_json(report.counts),
        "parts": dict(report.parts),
        "written": list(found.written),
        "discontinued": list(found.discontinued),
        "codes": codes_to_json(found.codes),
        "held_back": held_back_to_json(report.held_back),
        "differences": [
            {
                "record": record.key,
                "part": part.part,
                "where": each.where,
                "target": each.target,
                "mapped": each.mapped,
            }
            for record in found.shown
            for part in record.parts
            for each in part.differences
        ],
        "lacks": found.lacks,
        "requests": requests_to_json(report.requests),
        "remarks": list(report.remarks),
        "message": report.message,
        "next_step": report.next_step,
    }
