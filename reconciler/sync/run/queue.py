"""Queue of jobs: what wakes the hands of other processes.

The queue is a wake-up and never the truth: a job carries keys, says nothing that the ledger does not say, and may be
lost or come twice. Who takes one looks into the ledger for what is to be done.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, Self

from msgspec import Struct
from msgspec.structs import asdict

FORMAT = 1
"""Version of the jobs' format. Queues are named after it, so that a worker is given only what it understands."""


class JobKind(StrEnum):
    """What a hand is wanted for."""

    RUN = "run"
    """Keep the next run, whatever is due."""
    DRAIN = "drain"
    """Work off records that are open, for a run that is under way."""
    WALK = "walk"
    """List one range of a run's walk."""


class UnknownJob(ValueError):
    """What a queue handed out is not a job that this version understands."""


class QueuedJob(Struct, frozen=True):
    """One job, by its keys.

    Args:
        kind: what is to be done.
        environment: name of the Environment.
        data_sync: name of the DataSync.
        data_type: name of the data type.
        run_id: the run that it is for; None: whichever is under way, or the next.
        part: number of the range to walk; None: not one of its ranges.
    """

    kind: JobKind
    environment: str
    data_sync: str
    data_type: str
    run_id: str | None = None
    part: int | None = None

    @property
    def dedupe_key(self) -> str:
        """What is offered while a job of the same key waits or is worked on is not queued.

        So whoever works on a job looks again at its end whether there is more to do.
        """
        part = "" if self.part is None else str(self.part)
        return json.dumps([self.environment, self.data_sync, self.data_type, self.kind.value, part])

    def to_bytes(self) -> bytes:
        """Write it for a queue."""
        return json.dumps({"format": FORMAT, **asdict(self)}).encode()

    @classmethod
    def from_bytes(cls, written: bytes | None) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            UnknownJob: it is something else, or of another version.
        """
        try:
            found = json.loads(written or b"")
            if found.pop("format") != FORMAT:
                raise UnknownJob("a job of another format")
            job = cls(**{**found, "kind": JobKind(found["kind"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnknownJob("not a job") from error
        texts = (job.environment, job.data_sync, job.data_type, job.run_id or "")
        if not all(isinstance(text, str) for text in texts) or type(job.part) not in {int, type(None)}:
            raise UnknownJob("not a job")
        return job


class Queue(Protocol):
    """Wakes hands."""

    async def offer(self, jobs: Sequence[QueuedJob], *, after: timedelta = timedelta()) -> None:
        """Queue jobs, best after the ledger's commit and never within it; see `QueuedJob.dedupe_key`.

        It raises nothing: what cannot be queued is lost, and the sweep of a worker finds it in the ledger.

        Args:
            jobs: what to wake hands for.
            after: how much later they are to be taken, by the database's clock.
        """


class Inline:
    """The queue of a keeper that works alone: its own tasks do it all, and nobody else is woken."""

    async def offer(self, jobs: Sequence[QueuedJob], *, after: timedelta = timedelta()) -> None:
        """Wake nobody."""
