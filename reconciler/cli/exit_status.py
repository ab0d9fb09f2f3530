"""Exit statuses, and which one wins where several hold."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Status(IntEnum):
    """What the exit status of a command means, the one that wins first."""

    INTERRUPTED = 130
    USAGE = 64
    ERROR = 1
    REFUSED = 3
    PARTLY = 5
    STALE = 4
    PENDING = 2
    DONE = 0

    @property
    def meaning(self) -> str:
        """The sentence that help and docs show."""
        return _MEANINGS[self]


_MEANINGS = {
    Status.DONE: "done, or nothing pending",
    Status.ERROR: "error",
    Status.PENDING: "changes pending (plan --exit-code), or drift (drift)",
    Status.REFUSED: "refused by a guardrail, or a sync stopped by a limit",
    Status.STALE: "stale: nothing of the approval could be applied as reviewed",
    Status.PARTLY: "partly applied; or sync run --fail-on-problems found some",
    Status.USAGE: "usage: an unknown flag, a wrong argument",
    Status.INTERRUPTED: "interrupted",
}


def combine(statuses: Iterable[int]) -> Status:
    """Return the one exit status of a run in which several hold, e.g. one for each environment.

    Precedence: 130, 64, 1, 3, 5, 4, 2, 0. (64 stands alone in practice: usage is checked before anything is done.)

    Raises:
        ValueError: a number that is no exit status of ours.
    """
    held = {Status(status) for status in statuses}
    return next((status for status in Status if status in held), Status.DONE)
