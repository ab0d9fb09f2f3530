"""The published JSON Schemas of what the commands print, generated from the models of those documents."""

from __future__ import annotations

import json

from pydantic import BaseModel

from reconciler.reconcile.planfile import PlanDocument
from reconciler.report.documents.apply import ApplyDocument
from reconciler.report.documents.clearing import ClearingDocument
from reconciler.report.documents.drift import DriftDocument
from reconciler.report.documents.error import ErrorDocument
from reconciler.report.documents.overview import (
    AskedDocument,
    EnvironmentsDocument,
    OverviewDocument,
    WishDocument,
)
from reconciler.report.documents.pauses import LiftedDocument, PausesDocument, TakenDocument
from reconciler.report.documents.problems import ValidationDocument
from reconciler.report.documents.resync import ResyncDocument
from reconciler.report.documents.sync_dry_run import SyncDryRunDocument
from reconciler.report.documents.sync_problems import SyncErrorsDocument
from reconciler.report.documents.sync_run import SyncRunDocument
from reconciler.report.documents.sync_status import SyncStatusesDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DOCUMENTS: dict[str, type[BaseModel]] = {
    "plan.schema.json": PlanDocument,
    "apply.schema.json": ApplyDocument,
    "resync.schema.json": ResyncDocument,
    "drift.schema.json": DriftDocument,
    "pause.schema.json": TakenDocument,
    "resume.schema.json": LiftedDocument,
    "pauses.schema.json": PausesDocument,
    "validation.schema.json": ValidationDocument,
    "error.schema.json": ErrorDocument,
    "sync-run.schema.json": SyncRunDocument,
    "clear-list.schema.json": ClearingDocument,
    "sync-dry-run.schema.json": SyncDryRunDocument,
    "sync-status.schema.json": SyncStatusesDocument,
    "sync-errors.schema.json": SyncErrorsDocument,
    "api-environments.schema.json": EnvironmentsDocument,
    "api-environment.schema.json": OverviewDocument,
    "api-request.schema.json": WishDocument,
    "api-asked.schema.json": AskedDocument,
}


def schemas() -> dict[str, bytes]:
    """Return file name to content for every published report schema; the same bytes on every call."""
    return {
        name: json.dumps({"$schema": DIALECT} | model.model_json_schema(), indent=2).encode() + b"\n"
        for name, model in _DOCUMENTS.items()
    }
