"""The JSON of `sync status`: its shape as models, and the functions that fill them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.ledger.config.model import SiteConnection
from reconciler.ledger.data.model import DataRun
from reconciler.ledger.data.service_model import RunningNow, ServiceProcess
from reconciler.reconcile.paused import NOTHING_PAUSED, PausedNow
from reconciler.reconcile.planfile import Count, Document, NoteDocument, Time, note_to_json, time_to_json
from reconciler.report.documents.shared_apis import (
    LeftAloneDocument,
    SharedRateDocument,
    left_alone_to_json,
    rates_to_json,
)
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
from reconciler.sync.datasync import Standing
from reconciler.sync.heard import PartHeard
from reconciler.sync.monitor.compared import Compared, PartCompared
from reconciler.sync.monitor.deliveries import Deliveries
from reconciler.sync.monitor.status import Going, NextRun, SyncStatus
from reconciler.sync.monitor.usual import Usual

_DELIVERY_COUNTS = ("taken", "placed", "nothing", "unknown", "malformed", "last_minute", "later", "waiting")


class UsualDocument(Document):
    """What runs of one mode usually come to: half of the last ones came to more."""

    changed: Count
    seconds: float


class RunningDocument(Document):
    """A run that is under way."""

    mode: ModeField
    holder: str
    started_at: Time
    since: Time = Field(description="When this process took it up.")
    doing: str | None
    done: Count
    total: Count | None
    per_second: float
    seconds_left: float | None
    changed: Count = Field(description="Records of which it wrote something, or is to, as far as is known now.")
    usual: UsualDocument | None = Field(
        description="What runs of this mode come to; null: there were too few, or it listens."
    )
    records: OutcomesDocument
    hands: list[str] = Field(description="Who works on it beside its holder.")


class WatcherDocument(Document):
    """Who watches a data sync, between two runs."""

    holder: str
    since: Time


class ServingDocument(Document):
    """A process that serves the environment."""

    holder: str
    commit: str | None = Field(description="What its manifests stand at; null: not known.")
    waits_for: str | None = Field(description="What it waits for, in words.")
    since: Time
    seen_at: Time = Field(description="Its last sign of life.")
    kind: str = Field(description="serve or worker.")
    version: str = Field(description="Of reconciler; empty: one from before processes said so.")


class AppliedSettingsDocument(Document):
    """What the last apply said of the settings: no others run."""

    commit: str | None = Field(description="What the manifests stood at; null: not known.")
    at: Time


class EndedRunDocument(Document):
    """A run that ended, or was cut off."""

    run: str
    mode: ModeField
    state: str
    started_at: Time
    ended_at: Time | None = Field(description="null: it was cut off.")
    records: OutcomesDocument
    message: str | None


class NextRunDocument(Document):
    """The run that is due next."""

    at: Time
    mode: ModeField
    reason: str | None = Field(description="Why, where that is not simply its time.")


class RecordsDocument(Document):
    """Records that the ledger knows."""

    known: Count
    open: Count = Field(description="To be written.")
    given_up: Count
    due: Count = Field(description="To be looked at again by themselves, e.g. because a sale begins.")
    gone: Count


class OpenProblemsDocument(Document):
    """What has problems, e.g. products and variants."""

    open: Count
    allowed: Count = Field(description="maxOpenProblems of the manifest.")
    logged: Count = Field(description="Those of them that the sync log has; it takes 5,000 at most.")


class ComparedDocument(Document):
    """When something was compared with the source."""

    compared_at: Time | None = Field(description="When the run began that did it last; null: none did.")
    next_at: Time = Field(description="When the next run that does it begins.")
    promised_seconds: Count = Field(description="Compared longer ago than this, it is drift.")


class PartFreshnessDocument(Document):
    """When a part of the records was compared."""

    shown: ComparedDocument = Field(description="What lists show of it: by light walks (lookInterval).")
    inside: ComparedDocument = Field(description="The rest: by walks of everything (walkInterval).")
    rest: str = Field(description="What the rest is, for people.")
    changes: Literal["heard", "listed", "walked"] = Field(
        description="How the rest is found. heard: messages tell of it; listed: there is none, lists show all; walked: "
        "walks alone find it. While no part is walked, walks come every heardWalkInterval."
    )
    walked_because: str | None = Field(description="Why walks alone find it, for people; null: they do not.")


class DistrustDocument(Document):
    """A record that moved though its stamp did not: since then every walk reads everything."""

    record: str
    since: Time


class FreshnessDocument(Document):
    """How old the data may be, and is."""

    promised_seconds: Count = Field(description="freshness of the manifest.")
    seconds: float | None = Field(description="Since the last good run ended; null: there was none.")
    parts: dict[str, PartFreshnessDocument] = Field(description="By part that flows, e.g. prices.")
    whole: ComparedDocument | None = Field(
        description="When everything was read whatever the source's stamps say; null: every walk does that."
    )
    distrusted: DistrustDocument | None = Field(description="Why stamps prove nothing; null: they do.")


class DeliveriesDocument(Document):
    """What came of OrderCloud's deliveries to the data sync, all its data types together."""

    taken: Count = Field(description="Messages that came.")
    last_at: Time
    placed: Count = Field(description="Those that touch something.")
    nothing: Count = Field(description="Those that touch nothing here.")
    unknown: Count = Field(description="Those of types that nobody knows.")
    malformed: Count = Field(description="Deliveries that are no message.")
    unknown_types: list[str] = Field(description="Types of those that nobody knows, the newest first, a few.")
    last_minute: Count | None = Field(description="In the newest minute that had any; null: none in the last hour.")
    later: Count = Field(description="Messages from which records are still to be raised.")
    waiting: Count = Field(description="Records of this data type that are open.")
    waiting_since: Time | None = Field(description="Since when the oldest of all of these waits; null: none does.")


class SiteDocument(Document):
    """The connection that SparkLayer made to a site, or ended."""

    connected: bool
    since: Time


class SyncStatusDocument(Document):
    """Where one data sync stands."""

    sync: str = Field(description="Name of the DataSync.")
    integration: str
    data_type: str
    standing: Annotated[Standing, Field(strict=False)] = Field(description="Whether the manifest is what was applied.")
    mode: Literal["push", "pull", "both"] = Field(description="Who brings its records: our runs, or SparkLayer's pull.")
    site: SiteDocument | None = Field(description="SparkLayer's connection by Ignite; null: it never made one.")
    running: RunningDocument | None
    watcher: WatcherDocument | None = Field(description="Who starts the next run; null while one is on.")
    serving: list[ServingDocument] = Field(description="Processes that serve the environment.")
    applied: AppliedSettingsDocument | None = Field(description="null: no apply has said which settings hold.")
    cut_off: EndedRunDocument | None = Field(description="The run that the next one goes on with.")
    last_run: EndedRunDocument | None
    last_run_usual: UsualDocument | None = Field(description="What runs of its mode come to; null: there were too few.")
    last_good_run: EndedRunDocument | None
    last_full_run: EndedRunDocument | None
    next: NextRunDocument | None
    full_sync_wanted: str | None = Field(description="Why; null: it is not.")
    records: RecordsDocument
    problems: OpenProblemsDocument
    held_back: HeldBackDocument
    freshness: FreshnessDocument
    deliveries: DeliveriesDocument | None = Field(description="null: none ever came.")
    troubles: list[str] = Field(description="What is promised and not kept, one sentence each.")
    requests: dict[str, RequestsDocument] = Field(description="Of the last good run, by provider.")
    requests_a_day: Count | None = Field(description="About, where nothing changes; null: not known yet.")
    rates: list[SharedRateDocument] = Field(
        description="Of APIs, where processes share them and did within an hour: with a ledger on PostgreSQL."
    )
    left_alone: list[LeftAloneDocument] = Field(description="APIs that nobody asks now: with a ledger on PostgreSQL.")


class SyncStatusesDocument(Document):
    """Where the data syncs of an environment stand: printed by `reconciler sync status --format json`."""

    format_version: Literal[1]
    environment: str
    checked_at: Time
    paused: list[NoteDocument] = Field(description="What is paused live: until when, by whom, why.")
    paused_unseen: str | None = Field(
        description="Why live was not seen; `paused` is then what manifests and ledger tell. null: it was."
    )
    syncs: list[SyncStatusDocument]


def statuses_to_json(
    environment: str, checked_at: datetime, statuses: Sequence[SyncStatus], paused: PausedNow = NOTHING_PAUSED
) -> dict[str, Any]:
    """Return where data syncs stand, in the shape of `SyncStatusesDocument`."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "checked_at": time_to_json(checked_at),
        "paused": [note_to_json(note) for note in paused.notes],
        "paused_unseen": paused.unseen,
        "syncs": [_status(status) for status in statuses],
    }


def _status(status: SyncStatus) -> dict[str, Any]:
    counts, settings = status.counts, status.sync.settings
    heard = {part.part: part for part in status.heard}
    return {
        "sync": status.sync.name,
        "integration": settings.integration,
        "data_type": status.sync.scope.data_type,
        "standing": status.sync.standing.value,
        "mode": status.sync.mode,
        "site": _site(status.sync.site),
        "running": None if status.going is None else _running(status.going),
        "watcher": None if status.waiting is None else _watcher(status.waiting),
        "serving": [_serving(process) for process in status.serving],
        "applied": None
        if status.applied is None
        else {"commit": status.applied.commit, "at": time_to_json(status.applied.at)},
        "cut_off": _run(status.cut_off),
        "last_run": _run(status.last),
        "last_run_usual": _usual(status.last_usual),
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
        "held_back": held_back_to_json(status.held_back),
        "freshness": {
            "promised_seconds": int(settings.freshness.total_seconds()),
            "seconds": None if status.since_good is None else round(status.since_good.total_seconds(), 3),
            "parts": {part.part: _part(part, heard[part.part]) for part in status.compared},
            "whole": None if status.whole is None else _compared(status.whole),
            "distrusted": None
            if status.distrust is None
            else {"record": status.distrust.key, "since": time_to_json(status.distrust.since)},
        },
        "deliveries": None if status.deliveries is None else _deliveries(status.deliveries),
        "troubles": list(status.troubles),
        "requests": requests_to_json(status.requests),
        "requests_a_day": status.requests_a_day,
        "rates": rates_to_json(status.rates),
        "left_alone": left_alone_to_json(status.left_alone),
    }


def _deliveries(found: Deliveries) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in _DELIVERY_COUNTS},
        "last_at": time_to_json(found.last_at),
        "unknown_types": list(found.unknown_types),
        "waiting_since": None if found.waiting_since is None else time_to_json(found.waiting_since),
    }


def _site(found: SiteConnection | None) -> dict[str, Any] | None:
    return None if found is None else {"connected": found.connected, "since": time_to_json(found.changed_at)}


def _part(part: PartCompared, heard: PartHeard) -> dict[str, Any]:
    return {
        "shown": _compared(part.shown),
        "inside": _compared(part.inside),
        "rest": part.rest,
        "changes": heard.word,
        "walked_because": heard.why,
    }


def _compared(found: Compared) -> dict[str, Any]:
    return {
        "compared_at": None if found.last_at is None else time_to_json(found.last_at),
        "next_at": time_to_json(found.next_at),
        "promised_seconds": int(found.promised.total_seconds()),
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
        "changed": going.changed,
        "usual": _usual(going.usual),
        "records": outcomes_to_json(going.counts),
        "hands": list(going.hands),
    }


def _usual(found: Usual | None) -> dict[str, Any] | None:
    return None if found is None else {"changed": found.changed, "seconds": round(found.took.total_seconds(), 1)}


def _serving(process: ServiceProcess) -> dict[str, Any]:
    return {
        "holder": process.holder,
        "commit": process.commit,
        "waits_for": process.waits_for,
        "since": time_to_json(process.started_at),
        "seen_at": time_to_json(process.seen_at),
        "kind": process.kind,
        "version": process.version,
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
        "records": outcomes_to_json(run.counts),
        "message": run.message,
    }


def _next(following: NextRun) -> dict[str, Any]:
    return {"at": time_to_json(following.at), "mode": following.mode.value, "reason": following.reason}
