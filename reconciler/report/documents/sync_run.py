"""The JSON of `sync run`: its shape as models, and the functions that fill them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec.structs import asdict
from pydantic import Field

from reconciler.reconcile.planfile import Count, Document, Time, time_to_json
from reconciler.sync.heldback import HeldBack
from reconciler.sync.mode import Mode
from reconciler.sync.monitor.outcomes import OUTCOMES
from reconciler.sync.run.counts import Requests
from reconciler.sync.run.report import RunReport, State

FORMAT_VERSION = 1
ModeField = Annotated[Mode, Field(strict=False)]


class OutcomesDocument(Document):
    """Records by what became of them."""

    seen: Count = Field(description="All that were looked at.")
    unchanged: Count = Field(description="As the target has them; nothing was sent.")
    written: Count
    held_back: Count = Field(description="Nothing of them could go through because of a problem.")
    discontinued: Count = Field(description="Gone at the source, and the target was told.")
    failed: Count = Field(description="Could not be written.")
    left: Count = Field(description="Not seen, and still there at the source: left as they are.")


class RequestsDocument(Document):
    """What one API was asked."""

    requests: Count
    writes: Count = Field(description="Those that may have changed a record.")
    refused: Count = Field(description="Those refused with 429.")
    log_writes: Count = Field(description="Those that wrote the sync log.")


class RunProblemsDocument(Document):
    """What has problems (of products: products and variants), counted after a run."""

    open: Count
    logged: Count = Field(description="Those of them that the sync log has; it takes 5,000 at most.")
    new: Count = Field(description="Those of them that the run found first.")
    resolved: Count = Field(description="Errors that were taken out of the sync log one by one.")


class HeldBackDocument(Document):
    """Records of which nothing goes through because of a problem."""

    records: Count
    in_scope: Count
    percent: float
    allowed_percent: float = Field(description="maxHeldBackPercent of the manifest; fewer than 3 records say nothing.")
    too_much: bool = Field(description="More than is allowed: then it is drift, too.")
    remedy: str | None = Field(description="What would let most of them through; null: no single expression would.")


class LimitDocument(Document):
    """Limit of the manifest that stopped a run."""

    rule: str
    allowed: Count = Field(description="Records that may be discontinued within 24 hours.")
    recent: Count = Field(description="Those that were in the last 24 hours.")
    ids: list[str] = Field(description="Those that would have been.")
    complete: bool = Field(description="Those are all; else the run ended before it had looked for more.")


class SyncRunDocument(Document):
    """What a run of a data sync did: printed by `reconciler sync run --format json`, a line each by `sync watch`."""

    format_version: Literal[1]
    environment: str
    sync: str = Field(description="Name of the DataSync.")
    data_type: str
    run: str = Field(description="ID of the run in the ledger.")
    mode: ModeField
    asked: ModeField | None = Field(description="What was asked for; null: whatever was due.")
    state: Annotated[State, Field(strict=False)]
    resumed: bool = Field(description="It went on with a run that was cut off.")
    started_at: Time
    ended_at: Time
    records: OutcomesDocument
    parts: dict[str, Count] = Field(
        description="Records by part that was written; one that was written twice, as after a kill, counts twice."
    )
    problems: RunProblemsDocument
    held_back: HeldBackDocument = Field(description="After the run.")
    requests: dict[str, RequestsDocument] = Field(description="By provider.")
    remarks: list[str] = Field(description="What it went through.")
    message: str | None = Field(description="Why it did not finish.")
    next_step: str | None
    limit: LimitDocument | None = Field(description="What stopped it, where a limit did.")
    overrides: dict[str, str] = Field(description="Limits that it overrode, each with the reason.")


def run_to_json(report: RunReport, environment: str) -> dict[str, Any]:
    """Return a report in the shape of `SyncRunDocument`."""
    counts = report.counts
    problems = {
        "open": counts.get("problems", 0),
        "logged": counts.get("logged_problems", 0),
        "new": counts.get("new_problems", 0),
        "resolved": counts.get("resolved", 0),
    }
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "sync": report.sync,
        "data_type": report.data_type,
        "run": report.run_id,
        "mode": report.mode.value,
        "asked": None if report.asked is None else report.asked.value,
        "state": report.state.value,
        "resumed": report.resumed,
        "started_at": time_to_json(report.started_at),
        "ended_at": time_to_json(report.ended_at),
        "records": outcomes_to_json(counts),
        "parts": dict(report.parts),
        "problems": problems,
        "held_back": held_back_to_json(report.held_back),
        "requests": requests_to_json(report.requests),
        "remarks": list(report.remarks),
        "message": report.message,
        "next_step": report.next_step,
        "limit": None if report.limit is None else {**asdict(report.limit), "ids": list(report.limit.ids)},
        "overrides": dict(report.overrides),
    }


def outcomes_to_json(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of records in the shape of `OutcomesDocument`."""
    return {name: counts.get(name, 0) for name in ("seen", *OUTCOMES)}


def held_back_to_json(held: HeldBack) -> dict[str, Any]:
    """Return what problems hold back in the shape of `HeldBackDocument`."""
    return {
        "records": held.records,
        "in_scope": held.of,
        "percent": round(held.percent, 2),
        "allowed_percent": held.allowed_percent,
        "too_much": held.is_too_much,
        "remedy": held.remedy,
    }


def requests_to_json(found: Mapping[str, Requests]) -> dict[str, dict[str, int]]:
    """Return the requests of a run by provider."""
    return {api: asdict(requests) for api, requests in found.items()}
