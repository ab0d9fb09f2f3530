"""Progress of a run that is under way. Plain values."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Phase(StrEnum):
    """What a run is busy with."""

    CHECKING = "checking the target"
    READING = "reading and writing"
    RETRYING = "reading and writing what is still open"
    DELETES = "checking what is gone"
    CLOSING = "closing the sync log"
    LISTENING = "listening for changes"


class Progress(Struct, frozen=True):
    """Where a running run stands.

    Args:
        phase: what it is busy with.
        done: records that came to their end in this phase.
        total: of how many; None: not known yet.
        written: records of which something was written.
        problems: records with a problem.
        per_second: records per second, lately.
        seconds_left: until the end of the phase; None: not known.
        waiting: what it waits for, for people; None: nothing.
        data_type: what flows, where the data sync has several types; None: it has one.
        rehearsed: whether nothing is written, and what is counted as written would be.
    """

    phase: Phase
    done: int = 0
    total: int | None = None
    written: int = 0
    problems: int = 0
    per_second: float = 0.0
    seconds_left: float | None = None
    waiting: str | None = None
    data_type: str | None = None
    rehearsed: bool = False

    @property
    def doing(self) -> str:
        """What the run is busy with, in words that are true of a rehearsal, too."""
        phase = _REHEARSED.get(self.phase, self.phase) if self.rehearsed else self.phase
        return str(phase) if self.data_type is None else f"{self.data_type}, {phase}"


_REHEARSED = {
    Phase.READING: "reading and comparing",
    Phase.RETRYING: "reading and comparing what is still open",
    Phase.CLOSING: "adding up what a run would do",
}
