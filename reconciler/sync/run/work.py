"""Work on one record in the pipeline: what is to be written, what came of it, what the ledger has to learn. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from reconciler.ledger.data.model import Level, Result
from reconciler.sync.datatype import TargetState, Written
from reconciler.sync.run.counts import DISCONTINUED, HELD_BACK

NOTHING: Mapping[str, Any] = {}


class Done(Struct, frozen=True, eq=False):
    """What became of a record this time: another one than any other, though it say the same."""

    result: Result


class Work(Struct, frozen=True):
    """A record of which something is to be written or recorded.

    Args:
        state: that the target should have.
        level: its level before.
        known: fingerprints of what the target holds: what the run has seen, else what the ledger believes.
        parts: what is to be written.
        revision: that is worked on; None: as it is now.
        token: names the claim; None: it was read without one.
        retry_at: it is read again then, because the read contradicts what was told; None: it does not.
    """

    state: TargetState
    level: Level | None
    known: Mapping[str, bytes]
    parts: frozenset[str]
    revision: int | None
    token: str | None
    retry_at: datetime | None = None

    @property
    def deletes(self) -> bool:
        """Whether it is deleted, and not told and left alone."""
        return self.state.gone and bool(self.state.prints or self.state.removes)

    @property
    def was_gone(self) -> bool:
        """Whether it is deleted, and was before."""
        return self.state.gone and self.level is not None and self.level.gone


def outcome_of(state: TargetState, written: Written) -> str:
    """Return the outcome that a record is counted under."""
    if written.sent and written.done:
        return DISCONTINUED if state.gone else "written"
    return HELD_BACK if written.refused or state.held_back else "unchanged"


def run_token(is_claimed: bool, run_id: str) -> str | None:
    """Return what names the claims of a run, for a record that was claimed."""
    return run_id if is_claimed else None


def revision_of(level: Level | None, claimed: Level | None) -> int | None:
    """Return the revision that was worked on: what is wanted since then stays open."""
    if claimed is not None:
        return claimed.wanted
    if level is None:
        return None
    # It was wanted at a moment that may lie after the read; it is read again by itself.
    return min(level.wanted, level.applied)


def held_of(level: Level | None) -> Mapping[str, Any]:
    """Return what the target holds of a record, as far as it was noted."""
    return NOTHING if level is None else level.held


def kept_of(work: Work) -> dict[str, bytes | None]:
    """Return the fingerprints of the parts that are believed to be there and are not sent, as they are known now."""
    believed = NOTHING if work.level is None else work.level.prints
    return {part: work.known.get(part) for part in believed.keys() - work.parts}


def tells_something(level: Level | None, state: TargetState, known: Mapping[str, bytes]) -> bool:
    """Whether the ledger has to learn something of a record for which nothing is sent."""
    if level is None or level.problems or level.gone or level.attempts or level.due_at != state.due or state.news:
        return True
    if level.doubtful or any(known.get(part) != value for part, value in level.prints.items()):
        return True
    return any(level.prints.get(part) != value for part, value in state.prints.items())
