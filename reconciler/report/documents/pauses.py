"""The JSON of `pause`, `resume` and `pauses`: their shapes as models, and the functions that fill them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.pause.holding import Fate
from reconciler.pause.lease import End, Lease, Was, Why
from reconciler.reconcile.pause_report import Lifted, PausedSync, PausesReport, PauseState, Taken
from reconciler.reconcile.planfile import Document, Time
from reconciler.report.documents.apply import ResultDocument, apply_to_json

FORMAT_VERSION = 1


class EndDocument(Document):
    """The end of a lease."""

    at: Time
    why: Annotated[Why, Field(strict=False)]


class LeaseDocument(Document):
    """A pause that somebody took by hand."""

    id: str
    key: str = Field(description="Kind/name of the sync.")
    owner: str
    reason: str
    holder: str = Field(description="Which process took it.")
    taken_at: Time | None
    until: Time
    around_command: bool
    was: Annotated[Was, Field(strict=False)] = Field(description="What live was before the sync's first lease.")
    over: EndDocument | None = Field(description="Since when and why it is over; null while it holds.")


class LiftedSyncDocument(Document):
    """A sync on which leases were over, and what became of it."""

    key: str
    id: str
    fate: Annotated[Fate, Field(strict=False)]
    done: bool
    end: EndDocument
    leases: list[LeaseDocument]
    result: ResultDocument | None = Field(description="Of the request that resumes it; null where none was needed.")


class VerificationDocument(Document):
    """Whether what had waited went through after a resume."""

    verdict: Literal["verified", "not-verified"] | None = Field(description="null: it cannot be known.")
    seconds: int
    message: str


class LiftedDocument(Document):
    """What became of leases: printed by `reconciler resume --format json`."""

    format_version: Literal[1]
    environment: str
    done: bool
    interrupted: bool
    syncs: list[LiftedSyncDocument]
    verification: VerificationDocument | None


class TakenDocument(Document):
    """Leases that were taken: printed by `reconciler pause --format json`."""

    format_version: Literal[1]
    environment: str
    done: bool = Field(description="Every sync is paused. Where not, the leases were given back.")
    leases: list[LeaseDocument]
    results: list[ResultDocument]
    limits: dict[str, str] = Field(description="By Kind/name: what such a pause does not do.")
    lifted: LiftedDocument | None
    exit_status: int | None = Field(description="Of the command that the pause was around.")


class DeclaredDocument(Document):
    """What the manifest says."""

    active: bool
    until: Time | None = Field(description="Its end, or when it ended; null: without an end that is known.")
    reason: str | None
    owner: str | None
    window: bool


class ResumeDocument(Document):
    """One time that we paused or resumed a sync."""

    action: Literal["pause", "resume"]
    at: Time
    due: Time | None = Field(description="When it should have been done.")
    cause: str
    by: str
    verdict: str | None
    seconds: int | None


class PausedSyncDocument(Document):
    """One sync that is paused, or for which something says so."""

    key: str
    kind: str
    id: str
    state: Annotated[PauseState, Field(strict=False)]
    paused: bool = Field(description="Whether it is paused live.")
    due: Time | None = Field(description="Since when it should run again.")
    leases: list[LeaseDocument]
    declared: DeclaredDocument | None
    limits: str | None = Field(description="What a pause of it does not do.")
    last: list[ResumeDocument] = Field(description="What we did to its pause, the newest first.")


class WindowDocument(Document):
    """One window to come."""

    key: str
    start: Time
    end: Time
    reason: str


class PausesDocument(Document):
    """What is paused: printed by `reconciler pauses --format json`."""

    format_version: Literal[1]
    environment: str
    checked_at: Time
    paused: list[PausedSyncDocument]
    running: list[str]
    windows: list[WindowDocument]


def taken_to_json(taken: Taken, *, exit_status: int | None = None) -> dict[str, Any]:
    """Return what a `pause` did in the shape of `TakenDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": taken.environment,
        "done": taken.done,
        "leases": [_lease(lease, None) for lease in taken.leases],
        "results": apply_to_json(taken.report)["results"],
        "limits": dict(taken.limits),
        "lifted": None if taken.lifted is None else lifted_to_json(taken.lifted),
        "exit_status": exit_status,
    }


def lifted_to_json(lifted: Lifted) -> dict[str, Any]:
    """Return what became of leases in the shape of `LiftedDocument`."""
    from reconciler.reconcile.plan import ApplyReport

    def results(sync: Any) -> Any:
        if sync.result is None:
            return None
        return apply_to_json(ApplyReport(lifted.environment, None, (sync.result,)))["results"][0]

    verification = lifted.verification
    return {
        "format_version": FORMAT_VERSION,
        "environment": lifted.environment,
        "done": lifted.is_done,
        "interrupted": lifted.interrupted,
        "syncs": [
            {
                "key": sync.key,
                "id": sync.id,
                "fate": sync.fate.value,
                "done": sync.is_done,
                "end": _end(sync.end),
                "leases": [_lease(lease, sync.end) for lease in sync.leases],
                "result": results(sync),
            }
            for sync in lifted.syncs
        ],
        "verification": None
        if verification is None
        else {"verdict": verification.verdict, "seconds": verification.seconds, "message": verification.message},
    }


def pauses_to_json(report: PausesReport) -> dict[str, Any]:
    """Return what is paused in the shape of `PausesDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": report.environment,
        "checked_at": _time(report.checked_at),
        "paused": [_sync(each, report) for each in report.syncs],
        "running": list(report.running),
        "windows": [
            {"key": each.key, "start": _time(each.start), "end": _time(each.end), "reason": each.reason}
            for each in report.windows
        ],
    }


def _sync(each: PausedSync, report: PausesReport) -> dict[str, Any]:
    declared, observed = each.declared, each.sync.observed
    return {
        "key": each.sync.key,
        "kind": observed.kind,
        "id": observed.id,
        "state": each.state.value,
        "paused": each.sync.paused,
        "due": _time(each.due),
        "leases": [_lease(lease, end) for lease, end in each.leases],
        "declared": None
        if declared is None
        else {
            "active": declared.active,
            "until": _time(declared.until),
            "reason": declared.reason,
            "owner": declared.owner,
            "window": declared.window,
        },
        "limits": report.kinds[observed.kind].pause_limits if observed.kind in report.kinds else None,
        "last": [
            {
                "action": "pause" if event.paused else "resume",
                "at": _time(event.done_at),
                "due": _time(event.due_at),
                "cause": event.cause,
                "by": event.by,
                "verdict": event.verdict,
                "seconds": event.seconds,
            }
            for event in each.last[:10]
        ],
    }


def _lease(lease: Lease, end: End | None) -> dict[str, Any]:
    return {
        "id": lease.lease_id,
        "key": lease.key,
        "owner": lease.owner,
        "reason": lease.reason,
        "holder": lease.holder,
        "taken_at": _time(lease.taken_at),
        "until": _time(lease.until),
        "around_command": lease.around is not None,
        "was": lease.was.value,
        "over": None if end is None else _end(end),
    }


def _end(end: End) -> dict[str, Any]:
    return {"at": _time(end.at), "why": end.why.value}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
