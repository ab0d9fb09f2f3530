"""The JSON of `sync run`, `sync status` and `sync errors`: their shapes as models, and the functions that fill them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.ledger.data.model import DataRun, RunningNow
from reconciler.reconcile.planfile import Count, Document, Time, time_to_json
from reconciler.sync.datasync import Standing
from reconciler.sync.mode import Mode
from reconciler.sync.monitor.problems import Problems
from reconciler.sync.monitor.status import OUTCOMES, Going, NextRun, SyncStatus
from reconciler.sync.run.counts import Requests
from reconciler.sync.run.report import RunReport, State

FORMAT_VERSION = 1
_Mode = Annotated[Mode, Field(strict=False)]


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
    writes: Count = Field(description="Those that may have changed something.")
    refused: Count = Field(description="Those refused with 429.")


class RunProblemsDocument(Document):
    """Products and variants with problems, counted after a run."""

    open: Count
    logged: Count = Field(description="Those of them that the sync log has; it takes 5,000 at most.")
    new: Count = Field(description="Those of them that the run found first.")
    resolved: Count = Field(description="Errors that were taken out of the sync log one by one.")


class SyncRunDocument(Document):
    """What a run of a data sync did: printed by `reconciler sync run --format json`, a line each by `sync watch`."""

    format_version: Literal[1]
    environment: str
    sync: str = Field(description="Name of the DataSync.")
    data_type: str
    run: str = Field(description="ID of the run in the ledger.")
    mode: _Mode
    asked: _Mode | None = Field(description="What was asked for; null: whatever was due.")
    state: Annotated[State, Field(strict=False)]
    resumed: bool = Field(description="It went on with a run that was cut off.")
    started_at: Time
    ended_at: Time
    records: OutcomesDocument
    parts: dict[str, Count] = Field(description="Records by part that was written.")
    problems: RunProblemsDocument
    requests: dict[str, RequestsDocument] = Field(description="By provider.")
    remarks: list[str] = Field(description="What it went through.")
    message: str | None = Field(description="Why it did not finish.")
    next_step: str | None


class RunningDocument(Document):
    """A run that is under way."""

    mode: _Mode
    holder: str
    started_at: Time
    since: Time = Field(description="When this process took it up.")
    doing: str | None
    done: Count
    total: Count | None
    per_second: float
    seconds_left: float | None
    records: OutcomesDocument


class WatcherDocument(Document):
    """Who watches a data sync, between two runs."""

    holder: str
    since: Time


class EndedRunDocument(Document):
    """A run that ended, or was cut off."""

    run: str
    mode: _Mode
    state: str
    started_at: Time
    ended_at: Time | None = Field(description="null: it was cut off.")
    records: OutcomesDocument
    message: str | None


class NextRunDocument(Document):
    """The run that is due next."""

    at: Time
    mode: _Mode
    reason: str | None = Field(description="Why, where that is not simply its time.")


class RecordsDocument(Document):
    """Records that the ledger knows."""

    known: Count
    open: Count = Field(description="To be written.")
    given_up: Count
    due: Count = Field(description="To be looked at again by themselves, e.g. because a sale begins.")
    gone: Count


class OpenProblemsDocument(Document):
    """Products and variants with problems."""

    open: Count
    allowed: Count = Field(description="maxOpenProblems of the manifest.")
    logged: Count = Field(description="Those of them that the sync log has; it takes 5,000 at most.")


class FreshnessDocument(Document):
    """How old the data may be, and is."""

    promised_seconds: Count
    seconds: float | None = Field(description="Since the last good run ended; null: there was none.")


class SyncStatusDocument(Document):
    """Where one data sync stands."""

    sync: str = Field(description="Name of the DataSync.")
    integration: str
    data_type: str
    standing: Annotated[Standing, Field(strict=False)] = Field(description="Whether the manifest is what was applied.")
    running: RunningDocument | None
    watcher: WatcherDocument | None = Field(description="Who starts the next run; null while one is on.")
    cut_off: EndedRunDocument | None = Field(description="The run that the next one goes on with.")
    last_run: EndedRunDocument | None
    last_good_run: EndedRunDocument | None
    last_full_run: EndedRunDocument | None
    next: NextRunDocument | None
    full_sync_wanted: str | None = Field(description="Why; null: it is not.")
    records: RecordsDocument
    problems: OpenProblemsDocument
    freshness: FreshnessDocument
    troubles: list[str] = Field(description="What is promised and not kept, one sentence each.")
    requests: dict[str, RequestsDocument] = Field(description="Of the last good run, by provider.")
    requests_a_day: Count | None = Field(description="About, where nothing changes; null: not known yet.")


class SyncStatusesDocument(Document):
    """Where the data syncs of an environment stand: printed by `reconciler sync status --format json`."""

    format_version: Literal[1]
    environment: str
    checked_at: Time
    syncs: list[SyncStatusDocument]


class ProblemDocument(Document):
    """One problem of one record."""

    external_id: str = Field(description="Of the product or variant, as in the sync log.")
    record: str = Field(description="ID of the product.")
    part: str
    code: str = Field(description="Stable, see docs/sync.md.")
    message: str
    url: str
    found_at: Time
    logged: bool = Field(description="The sync log has it.")


class SyncErrorsDocument(Document):
    """Open problems of a data sync: printed by `reconciler sync errors --format json`."""

    format_version: Literal[1]
    environment: str
    sync: str
    data_type: str
    open: Count = Field(description="Products and variants with a problem, whatever is listed.")
    logged: Count = Field(description="Those of them that the sync log has; it takes 5,000 at most.")
    offset: Count
    more: bool = Field(description="There are more after these.")
    problems: list[ProblemDocument]


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
        "records": _outcomes(counts),
        "parts": dict(report.parts),
        "problems": problems,
        "requests": _requests(report.requests),
        "remarks": list(report.remarks),
        "message": report.message,
        "next_step": report.next_step,
    }


def statuses_to_json(environment: str, checked_at: datetime, statuses: Sequence[SyncStatus]) -> dict[str, Any]:
    """Return where data syncs stand, in the shape of `SyncStatusesDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "checked_at": time_to_json(checked_at),
        "syncs": [_status(status) for status in statuses],
    }


def problems_to_json(environment: str, found: Problems) -> dict[str, Any]:
    """Return open problems in the shape of `SyncErrorsDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "sync": found.sync,
        "data_type": found.data_type,
        "open": found.open,
        "logged": found.logged,
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


def _outcomes(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in ("seen", *OUTCOMES)}


def _requests(found: Mapping[str, Requests]) -> dict[str, dict[str, int]]:
    return {api: asdict(requests) for api, requests in found.items()}


def _status(status: SyncStatus) -> dict[str, Any]:
    counts, settings = status.counts, status.sync.settings
    return {
        "sync": status.sync.name,
        "integration": settings.integration,
        "data_type": status.sync.scope.data_type,
        "standing": status.sync.standing.value,
        "running": None if status.going is None else _running(status.going),
        "watcher": None if status.waiting is None else _watcher(status.waiting),
        "cut_off": _run(status.cut_off),
        "last_run": _run(status.last),
        "last_good_run": _run(status.last_good),
        "last_full_run": _run(status.last_full),
        "next": None if status.next is None else _next(status.next),
        "full_sync_wanted": status.full_wanted,
        "records": {
            "known": counts.records,
            "open": counts.open,
            "given_up": counts.dead,
            "due": counts.due,
            "gone": counts.gone,
        },
        "problems": {"open": counts.problems, "allowed": settings.max_open_problems, "logged": counts.logged},
        "freshness": {
            "promised_seconds": int(settings.freshness.total_seconds()),
            "seconds": None if status.since_good is None else round(status.since_good.total_seconds(), 3),
        },
        "troubles": list(status.troubles),
        "requests": _requests(status.requests),
        "requests_a_day": status.requests_a_day,
    }


def _running(going: Going) -> dict[str, Any]:
    return {
        "mode": going.mode.value,
        "holder": going.holder,
        "started_at": time_to_json(going.started_at),
        "since": time_to_json(going.since),
        "doing": going.doing,
        "done": going.done,
        "total": going.total,
        "per_second": round(going.per_second, 3),
        "seconds_left": None if going.seconds_left is None else round(going.seconds_left, 1),
        "records": _outcomes(going.counts),
    }


def _watcher(found: RunningNow) -> dict[str, Any]:
    return {"holder": found.holder, "since": time_to_json(found.since)}


def _run(run: DataRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "run": run.id,
        "mode": run.mode,
        "state": run.state,
        "started_at": time_to_json(run.started_at),
        "ended_at": None if run.ended_at is None else time_to_json(run.ended_at),
        "records": _outcomes(run.counts),
        "message": run.message,
    }


def _next(following: NextRun) -> dict[str, Any]:
    return {"at": time_to_json(following.at), "mode": following.mode.value, "reason": following.reason}
