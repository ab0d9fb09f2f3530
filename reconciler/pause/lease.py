"""Lease: a pause taken by hand, with its owner, its end and its reason. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

SILENCE = timedelta(minutes=2)
"""After this long without a sign of life of its holder, a lease around a command is over."""


class Was(StrEnum):
    """What live was before the first of the leases that hold a sync."""

    RUNNING = "running"
    DECLARED = "declared"
    """Paused by its manifest, or by one whose end had passed: the clock resumes it."""
    PAUSED = "paused"
    """Paused by somebody else: not ours to resume."""


class Why(StrEnum):
    """Why a lease is over."""

    ENDED = "ended"
    GIVEN_BACK = "given-back"
    HOLDER_DEAD = "holder-dead"
    SILENT = "silent"


class End(Struct, frozen=True):
    """The end of a lease: since when it is over, and why."""

    at: datetime
    why: Why


class Around(Struct, frozen=True):
    """The command that a lease is around.

    Args:
        renewed_at: when its holder was last heard of.
        is_dead: whether its holder is certainly gone, as far as this machine can tell.
    """

    renewed_at: datetime
    is_dead: bool = False


class Lease(Struct, frozen=True):
    """A pause taken by hand and recorded in the ledger. While it is active it overrides the manifest.

    Args:
        kind: of the sync.
        id: its live ID.
        owner: whose pause it is, for people: somebody, or a pipeline's run.
        until: its end (timezone-aware).
        reason: why.
        was: what live was before the sync's first lease.
        lease_id: names this lease in the ledger.
        name: what the manifest calls the sync.
        environment: of the command that took it.
        api_url: the sync's live side, as plans and ledger name it.
        holder: which process took it, for people.
        taken_at: since when it holds.
        around: the command that it is around; None: it holds until its end, whatever becomes of who took it.
        released_at: when it was given back; None: it was not.
    """

    kind: str
    id: str
    owner: str
    until: datetime
    reason: str
    was: Was = Was.RUNNING
    lease_id: str = ""
    name: str = ""
    environment: str = ""
    api_url: str = ""
    holder: str = ""
    taken_at: datetime | None = None
    around: Around | None = None
    released_at: datetime | None = None

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return f"{self.kind}/{self.name or self.id}"

    def is_active(self, now: datetime) -> bool:
        """Whether the lease still holds at `now`."""
        return self.end(now) is None

    def end(self, now: datetime) -> End | None:
        """Return since when and why the lease is over; None while it holds.

        Args:
            now: by the ledger's clock, where its end decides what is sent.
        """
        ends = []
        if self.released_at is not None:
            ends.append(End(self.released_at, Why.GIVEN_BACK))
        if now >= self.until:
            ends.append(End(self.until, Why.ENDED))
        if self.around is not None and self.around.is_dead:
            ends.append(End(self.around.renewed_at, Why.HOLDER_DEAD))
        elif self.around is not None and now >= self.around.renewed_at + SILENCE:
            ends.append(End(self.around.renewed_at + SILENCE, Why.SILENT))
        return min(ends, key=lambda end: end.at, default=None)
