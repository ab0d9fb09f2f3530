"""Values of the control plane in the ledger: runs and journal, snapshots, fingerprints, snoozes, lock holders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from msgspec import Struct

from reconciler.kind.kind import Volume
from reconciler.pause.lease import Lease
from reconciler.redacted import RedactedStruct

PENDING = "pending"
SENT = "sent"
"""Where a change of a run stands before it has an outcome: nothing went out, or something may have."""


class SecretFingerprint(RedactedStruct, frozen=True):
    """Salted slow hash of the value last applied to one write-only member, and when (timezone-aware)."""

    redacted: ClassVar[tuple[str, ...]] = ("digest",)

    digest: bytes
    applied_at: datetime


class Snapshot(Struct, frozen=True):
    """The state (no secrets) that was last applied to, or found already right on, one live object."""

    state: Mapping[str, Any]
    applied_at: datetime


class Snooze(Struct, frozen=True):
    """A drift that somebody muted until a moment, with a reason."""

    kind: str
    name: str
    until: datetime
    reason: str
    by: str


class Sightings(Struct, frozen=True):
    """Drift as the ledger has seen it: by key of the object and cause, since when; by key, how often it was healed.

    `now` is the ledger's time; healing counts for 24 hours.
    """

    now: datetime
    seen: Mapping[tuple[str, str], datetime]
    healed: Mapping[str, int]


class JournalEntry(Struct, frozen=True):
    """State of one change of a run: `pending`, `sent`, or the final outcome of the report."""

    digest: str
    key: str
    outcome: str
    message: str | None = None


class Run(Struct, frozen=True):
    """One apply: who, when, the plan it carried out (plan JSON, no secrets) and where each change stood.

    `command` names what other command writes with a journal: `pause`, `resume`.
    """

    id: str
    environment: str
    holder: str
    started_at: datetime
    finished_at: datetime | None
    plan: Mapping[str, Any]
    entries: tuple[JournalEntry, ...]
    command: str = "apply"


class LiveObject(Struct, frozen=True):
    """Key of fingerprints and snapshots: one live object of one API."""

    api_url: str
    kind: str
    id: str


class StepState(StrEnum):
    """Where a step of a request stands. `sent`: it went out, and nobody is left to say what became of it."""

    PENDING = "pending"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    """The API certainly took nothing of it."""


_OPEN = frozenset({StepState.PENDING, StepState.REFUSED})


class RequestStep(Struct, frozen=True):
    """One step of a request: what it does, where it stands, and what was said to it."""

    does: str
    state: StepState = StepState.PENDING
    message: str | None = None


class AskedRequest(Struct, frozen=True):
    """A request that the ledger knows of.

    Args:
        api_url: live side that it is about.
        id: made of its name and content; by command, a number of its own.
        environment: name of the Environment.
        kind: of the manifest, or the command.
        name: of the manifest.
        does: what it asks for.
        holder: who began it, for people.
        asked_at: when.
        steps: in order.
        unremembered: whether it was there before this ledger remembered requests.
    """

    api_url: str
    id: str
    environment: str
    kind: str
    name: str
    does: str
    holder: str
    asked_at: datetime
    steps: tuple[RequestStep, ...] = ()
    unremembered: bool = False

    @property
    def is_open(self) -> bool:
        """Whether certainly nothing of it was carried out, so that it can still be."""
        return not self.unremembered and all(step.state in _OPEN for step in self.steps)

    @property
    def is_unknown(self) -> bool:
        """Whether a step went out of which nobody knows what became."""
        return any(step.state is StepState.SENT for step in self.steps)


class PauseEvent(Struct, frozen=True):
    """One time that we paused or resumed a sync.

    Args:
        target: the sync.
        paused: whether it was paused; else it was resumed.
        cause: why, as the cause of a change.
        by: who did it, for people.
        done_at: when.
        due_at: when it should have been done by what was declared; None: then and there.
        verdict: whether what had waited went through after a resume, as somebody checked it; None: nobody did.
        seconds: how long that took.
        environment: of the command that did it.
        event_id: names it in the ledger.
    """

    target: LiveObject
    paused: bool
    cause: str
    by: str
    done_at: datetime
    due_at: datetime | None = None
    verdict: str | None = None
    seconds: int | None = None
    environment: str = ""
    event_id: str = ""


class ConfigMove(Struct, frozen=True):
    """One write to live configuration that a webhook told of. Nothing else of the webhook is kept.

    Args:
        path: of the API below `v1/`, IDs filled in, such as `integrations/deliveryconfig/search`.
        verb: POST, PUT, PATCH or DELETE.
        by: the username that the token claims; empty: it claims none.
        moved_at: when, by the API's clock.
        ours: whether our own API client wrote.
    """

    path: str
    verb: str
    by: str
    moved_at: datetime
    ours: bool = False


class LockHolder(Struct, frozen=True):
    """Holder of the apply lock: `user@host pid N: command`, since when, and when it was last heard of."""

    holder: str
    taken_at: datetime
    heartbeat_at: datetime
    expires_at: datetime


class SiteConnection(Struct, frozen=True):
    """Connection of a site, as SparkLayer made or ended it.

    Args:
        environment: name of the Environment.
        target: live side of the site.
        store_id: what SparkLayer calls the shop; None: it did not say.
        connected: whether it is connected now.
        changed_at: since when that is so.
        reconnect_until: until when an operator lets SparkLayer connect with other credentials; None: nobody does.
    """

    environment: str
    target: str
    store_id: str | None
    connected: bool
    changed_at: datetime
    reconnect_until: datetime | None = None


class SealedCredentials(RedactedStruct, frozen=True):
    """Credentials that were handed over: `sealed` is of no use without the key, which no ledger has."""

    redacted: ClassVar[tuple[str, ...]] = ("sealed",)

    client_id: str
    sealed: str
    stored_at: datetime


class Memory(RedactedStruct, frozen=True):
    """Everything a plan needs of the ledger for one environment, read once. `fresh`: there was no ledger yet.

    Keys are (API base URL, kind, live ID[, path]), of `volumes` (API base URL, live ID), of `requests` (API base URL,
    request ID). `pauses` are the newest pauses and resumes of each sync, the newest first. `removals` are what was
    applied as absent and others still have to carry something out of. `first_applied` says when an object was applied
    for the first time. `remembers` holds the API base URLs whose requests it remembers. `sites` are those that
    SparkLayer connected or disconnected, by live side. `moves` are the writes that webhooks told of by API base URL,
    the newest first; `restored_at` is when a webhook last told that live was overwritten from elsewhere.
    """

    redacted: ClassVar[tuple[str, ...]] = ("salt",)

    salt: bytes = b""
    fingerprints: Mapping[tuple[str, str, str, str], SecretFingerprint] = {}
    snapshots: Mapping[tuple[str, str, str], Snapshot] = {}
    removals: Mapping[tuple[str, str, str], Snapshot] = {}
    first_applied: Mapping[tuple[str, str, str], datetime] = {}
    leases: tuple[Lease, ...] = ()
    snoozes: tuple[Snooze, ...] = ()
    unfinished: Run | None = None
    volumes: Mapping[tuple[str, str], Volume] = {}
    pauses: tuple[PauseEvent, ...] = ()
    requests: Mapping[tuple[str, str], AskedRequest] = {}
    remembers: frozenset[str] = frozenset()
    sites: Mapping[str, SiteConnection] = {}
    moves: Mapping[str, tuple[ConfigMove, ...]] = {}
    restored_at: datetime | None = None
    fresh: bool = True
