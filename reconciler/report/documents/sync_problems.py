"""The JSON of `sync errors`: its shape as models, and the function that fills them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from reconciler.ledger.data.model import CodeCount
from reconciler.reconcile.planfile import Count, Document, Time, time_to_json
from reconciler.report.documents.sync_run import HeldBackDocument, held_back_to_json
from reconciler.sync.monitor.problems import Problems

FORMAT_VERSION = 1


class ProblemDocument(Document):
    """One problem of one record."""

    external_id: str = Field(description="Of the record or the part of it, as in the sync log.")
    record: str = Field(description="ID of the record.")
    part: str
    code: str = Field(description="Stable; `reconciler explain` says what it means.")
    message: str
    url: str
    found_at: Time
    logged: bool = Field(description="The sync log has it.")


class CodeDocument(Document):
    """How often one problem is open."""

    code: str
    external_ids: Count = Field(description="How many records, or parts of records, have it.")
    held_back: Count = Field(description="Records with it of which nothing goes through.")


class SyncErrorsDocument(Document):
    """Open problems of a data sync: printed by `reconciler sync errors --format json`."""

    format_version: Literal[1]
    environment: str
    sync: str
    data_type: str
    open: Count = Field(description="How many records, or parts of records, have a problem, whatever is listed.")
    logged: Count = Field(description="Those of them that the sync log has; it takes 5,000 at most.")
    codes: list[CodeDocument] = Field(description="The most frequent first.")
    held_back: HeldBackDocument
    offset: Count
    more: bool = Field(description="There are more after these.")
    problems: list[ProblemDocument]


def problems_to_json(environment: str, found: Problems) -> dict[str, Any]:
    """Return open problems in the shape of `SyncErrorsDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "sync": found.sync,
        "data_type": found.data_type,
        "open": found.open,
        "logged": found.logged,
        "codes": codes_to_json(found.codes),
        "held_back": held_back_to_json(found.held_back),
        "offset": found.offset,
        "more": found.more,
        "problems": [
            {
                "external_id": item.problem.external_id,
                "record": item.key,
                "part": item.problem.part,
                "code": item.problem.code,
                "message": item.problem.message,
                "url": item.problem.url,
                "found_at": time_to_json(item.found_at),
                "logged": item.logged,
            }
            for item in found.listed
        ],
    }


def codes_to_json(codes: Iterable[CodeCount]) -> list[dict[str, Any]]:
    """Return counts of problems by code, each in the shape of `CodeDocument`."""
    return [{"code": item.code, "external_ids": item.external_ids, "held_back": item.held_back} for item in codes]
