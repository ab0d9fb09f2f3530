"""Who serves an environment with which manifests, and what was applied last. Plain data."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

SERVE, WORKER = "serve", "worker"
"""Kinds of processes."""


class ServiceProcess(Struct, frozen=True):
    """A process that serves or watches an environment.

    Args:
        environment: name of the Environment manifest.
        holder: who runs it, for people.
        commit: what its manifests stand at; None: not known.
        waits_for: why it runs nothing of some data syncs, in words; None: nothing keeps it from them.
        started_at: when it began.
        seen_at: its last sign of life.
        kind: what sort of process it is: `serve` or `worker`.
        version: of the program; empty: one from before they said so.
        schema_version: version of the ledger's schema that it works with.
    """

    environment: str
    holder: str
    commit: str | None
    waits_for: str | None
    started_at: datetime
    seen_at: datetime
    kind: str = "serve"
    version: str = ""
    schema_version: int = 0


class Applied(Struct, frozen=True):
    """What was applied last for a scope.

    Args:
        digest: of the settings that decide the mapping.
        commit: what the manifests stood at; None: not known.
        at: when.
    """

    digest: str
    commit: str | None
    at: datetime


class Turn(Struct, frozen=True):
    """What a worker noted of a scope's last attempt at a run.

    Args:
        run: the newest run then; empty: there was none.
        due_at: when the next attempt is due; None: none is, until somebody runs it or other settings are applied.
        failures: attempts in a row that did not come to an end in order. One that is under way counts.
    """

    run: str
    due_at: datetime | None
    failures: int


class RunningNow(Struct, frozen=True):
    """Holder of a scope's lock, or else of its watch's lock.

    `alive` is false where that process is certainly gone or its lease has ended; `lock` is the lock's name.
    """

    holder: str
    since: datetime
    heartbeat_at: datetime
    alive: bool
    lock: str = ""
