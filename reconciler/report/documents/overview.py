"""The JSON of `/api/v1`: environments at a glance, what can be asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec.structs import asdict
from pydantic import ConfigDict, Field, RootModel, StringConstraints

from reconciler.ledger.config.model import AskedRequest, StepState
from reconciler.ledger.data.model import DataScope
from reconciler.reconcile.planfile import Count, Document, NoteDocument, Time, note_to_json, time_to_json
from reconciler.report.documents.drift import DriftDocument, drift_to_json
from reconciler.report.documents.pauses import PausesDocument, pauses_to_json
from reconciler.report.documents.sync_problems import SyncErrorsDocument, problems_to_json
from reconciler.report.documents.sync_status import SyncStatusDocument, statuses_to_json
from reconciler.sync.monitor.overview import Bucket, Chart, Deliveries, Overview, SeenDrift, State

FORMAT_VERSION = 1
StateField = Annotated[State, Field(strict=False)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
RecordName = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class EnvironmentDocument(Document):
    """How one environment stands."""

    environment: str
    state: StateField
    headline: str = Field(description="The state in a few words.")
    reasons: list[str] = Field(description="What is not as it should be, the worst first.")


class EnvironmentsDocument(Document):
    """The environments that a token sees: `GET /api/v1/environments`."""

    format_version: Literal[1]
    checked_at: Time
    environments: list[EnvironmentDocument]


class WhyUnreadableDocument(Document):
    """Why an environment cannot be read."""

    code: str | None
    message: str
    next_step: str | None


class SeenDriftDocument(Document):
    """The last look for drift."""

    every_seconds: Count | None = Field(description="How often somebody looks; null: nobody does by itself.")
    since: list[Time] = Field(description="When each item was first seen, in their order; empty: not known.")
    report: DriftDocument


class DeadLettersDocument(Document):
    """Records that failed too often, and are left alone until somebody asks for them."""

    sync: str
    data_type: str
    number: Count
    some: list[str] = Field(description="IDs of some of them.")


class BucketDocument(Document):
    """Runs that began within three hours."""

    start: Time
    finished: Count
    unfinished: Count = Field(description="Stopped, cancelled or interrupted.")
    changed: Count = Field(description="Records of which something was written.")
    longest_seconds: Count


class RunsDocument(Document):
    """Runs of the last days."""

    sync: str
    data_type: str
    known_since: Time | None = Field(description="The ledger has no runs from before; null: it has all that are here.")
    buckets: list[BucketDocument] = Field(description="The oldest first.")


class DeliveriesDocument(Document):
    """Messages about the records of one data sync."""

    sync: str
    per_minute: list[Count] = Field(description="In each minute of the last hour; the last one is not over yet.")
    last_at: Time | None
    later: Count = Field(description="Messages from which records are still to be raised.")
    waiting: Count = Field(description="Records that are to be written, whatever raised them.")
    oldest_at: Time | None = Field(description="Since when the oldest of both waits.")
    unknown: Count = Field(description="Of a type that nobody knows.")
    malformed: Count = Field(description="What could not be read.")


class FetchingDocument(Document):
    """A broker that messages are fetched from."""

    name: str
    sync: str
    waits: str | None = Field(description="What is waited for before it goes on; null: nothing but messages.")
    lag: Count | None = Field(description="Messages that wait there; null: not known.")
    taken: Count = Field(description="Since the start of the process.")
    malformed: Count = Field(description="Those of them that could not be read.")
    missed: Count = Field(description="Messages that were gone before they were fetched.")


class AskedDocument(Document):
    """Something that was asked for, and what became of it: `GET /api/v1/environments/…/requests/ID`."""

    format_version: Literal[1]
    id: str
    environment: str
    action: str = Field(description="What was asked for in a word: retry, run, resume, resync, or a manifest's kind.")
    does: str
    by: str
    asked_at: Time
    state: Literal["begun", "sent", "done", "refused", "unknown"] = Field(
        description="done: of a run, that it is noted as wanted. "
        "sent: it went out; what became of it is not known yet or, where nobody is left to say, at all."
    )
    message: str | None


class OverviewDocument(EnvironmentDocument):
    """An environment at a glance, all that its page shows: `GET /api/v1/environments/ENVIRONMENT`."""

    format_version: Literal[1]
    checked_at: Time
    error: WhyUnreadableDocument | None
    drift: SeenDriftDocument | None = Field(description="null: nobody has looked.")
    drift_problem: str | None = Field(description="Why the last look failed.")
    pauses: PausesDocument | None = Field(description="null: live was not seen; `paused` is what is known then.")
    paused: list[NoteDocument]
    paused_unseen: str | None
    syncs: list[SyncStatusDocument]
    problems: list[SyncErrorsDocument] = Field(description="By data sync that has some; some of each code.")
    dead_letters: list[DeadLettersDocument]
    runs: list[RunsDocument]
    deliveries: list[DeliveriesDocument]
    fetching: list[FetchingDocument] = Field(description="By this process.")
    waits: list[str] = Field(description="What the loops of this process wait for.")
    requests_per_second: dict[str, float] = Field(description="What the manifest allows, by provider.")
    requests: list[AskedDocument] = Field(description="What was asked for lately, the newest first.")


class RetryDocument(Document):
    """Queue records, so that the next run reads and compares them again."""

    action: Literal["retry"]
    sync: Name | None = Field(default=None, description="Name of the DataSync; left out: the only one.")
    type: Name | None = Field(default=None, description="Its data type; left out: the only one that fits.")
    ids: Annotated[list[RecordName], Field(max_length=1_000)] | None = Field(
        default=None, description="As `sync errors` has them; left out: every record that failed or has a problem."
    )


class RunDocument(Document):
    """Have a data sync run in a certain way, once; whatever runs it, does it."""

    action: Literal["run"]
    sync: Name | None = Field(default=None, description="Name of the DataSync; left out: the only one.")
    type: Name | None = Field(default=None, description="Its data type; left out: all of them.")
    mode: Literal["full", "verify", "rewrite"] = "full"


class ResumeRequestDocument(Document):
    """End the pauses of syncs that were taken by hand."""

    action: Literal["resume"]
    keys: Annotated[list[Name], Field(min_length=1, max_length=100)] = Field(description="The syncs, as Kind/name.")


class ResyncRequestDocument(Document):
    """Have OrderCloud send a few records again."""

    action: Literal["resync"]
    type: Name = Field(description="What the records are, e.g. products.")
    ids: Annotated[list[RecordName], Field(min_length=1, max_length=1_000)]


class WishDocument(
    RootModel[
        Annotated[
            RetryDocument | RunDocument | ResumeRequestDocument | ResyncRequestDocument, Field(discriminator="action")
        ]
    ]
):
    """What is asked for: the body of `POST /api/v1/environments/ENVIRONMENT/requests`."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


def environments_to_json(overviews: Sequence[Overview], now: datetime) -> dict[str, Any]:
    """Return environments in the shape of `EnvironmentsDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "checked_at": time_to_json(now),
        "environments": [_environment(each) for each in overviews],
    }


def overview_to_json(overview: Overview) -> dict[str, Any]:
    """Return an environment at a glance in the shape of `OverviewDocument`."""
    facts = overview.facts
    names = {status.sync.scope: (status.sync.name, status.sync.type) for status in facts.statuses}
    paused = statuses_to_json(facts.environment, overview.at, facts.statuses, facts.paused)
    error = {"code": facts.code, "message": facts.error, "next_step": facts.next_step}
    return {
        "format_version": FORMAT_VERSION,
        **_environment(overview),
        "checked_at": time_to_json(overview.at),
        "error": None if facts.error is None else error,
        "drift": None if facts.drift is None else _drift(facts.drift),
        "drift_problem": facts.drift_problem,
        "pauses": None if facts.pauses is None else pauses_to_json(facts.pauses),
        "paused": paused["paused"] if facts.pauses is None else [note_to_json(note) for note in facts.paused.notes],
        "paused_unseen": facts.paused.unseen if facts.pauses is None else None,
        "syncs": paused["syncs"],
        "problems": [problems_to_json(facts.environment, each) for each in facts.problems.values() if each.open],
        "dead_letters": [
            {"sync": name, "data_type": data_type, "number": found.number, "some": list(found.keys)}
            for scope, (name, data_type) in names.items()
            if (found := facts.dead.get(scope)) is not None and found.number
        ],
        "runs": [_runs(*names[scope], chart) for scope, chart in _known(overview)],
        "deliveries": [_deliveries(each) for each in facts.deliveries],
        "fetching": [asdict(each) for each in facts.fetching],
        "waits": list(facts.waits),
        "requests_per_second": dict(facts.limits),
        "requests": [asked_to_json(each) for each in facts.asked],
    }


def asked_to_json(asked: AskedRequest) -> dict[str, Any]:
    """Return what was asked for, in the shape of `AskedDocument`."""
    states = {step.state for step in asked.steps}
    state = next(
        (said for each, said in _STATES if each in states), "done" if states == {StepState.DONE} else "unknown"
    )
    return {
        "format_version": FORMAT_VERSION,
        "id": asked.id,
        "environment": asked.environment,
        "action": asked.kind,
        "does": asked.does,
        "by": asked.holder,
        "asked_at": time_to_json(asked.asked_at),
        "state": "unknown" if asked.unremembered else state,
        "message": next((step.message for step in asked.steps if step.message), None),
    }


_STATES = ((StepState.REFUSED, "refused"), (StepState.SENT, "sent"), (StepState.PENDING, "begun"))


def _environment(overview: Overview) -> dict[str, Any]:
    return {
        "environment": overview.environment,
        "state": overview.state.value,
        "headline": overview.headline,
        "reasons": list(overview.reasons),
    }


def _known(overview: Overview) -> list[tuple[DataScope, Chart]]:
    scopes = {status.sync.scope for status in overview.facts.statuses}
    return [(scope, chart) for scope, chart in overview.charts.items() if scope in scopes]


def _drift(seen: SeenDrift) -> dict[str, Any]:
    return {
        "every_seconds": None if seen.every is None else round(seen.every.total_seconds()),
        "since": [time_to_json(each) for each in seen.since],
        "report": drift_to_json(seen.report),
    }


def _runs(sync: str, data_type: str, chart: Chart) -> dict[str, Any]:
    return {
        "sync": sync,
        "data_type": data_type,
        "known_since": None if chart.known_since is None else time_to_json(chart.known_since),
        "buckets": [_bucket(each) for each in chart.buckets],
    }


def _bucket(found: Bucket) -> dict[str, Any]:
    return {
        "start": time_to_json(found.start),
        "finished": found.finished,
        "unfinished": found.unfinished,
        "changed": found.changed,
        "longest_seconds": round(found.longest.total_seconds()),
    }


def _deliveries(found: Deliveries) -> dict[str, Any]:
    return {
        "sync": found.sync,
        "per_minute": list(found.per_minute),
        "last_at": None if found.last_at is None else time_to_json(found.last_at),
        "later": found.later,
        "waiting": found.waiting,
        "oldest_at": None if found.oldest_at is None else time_to_json(found.oldest_at),
        "unknown": found.unknown,
        "malformed": found.malformed,
    }
