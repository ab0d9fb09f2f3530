"""Values of inboxes in the ledger: what a transaction takes in, and what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field

PLACED, NOTHING, UNKNOWN, MALFORMED = "placed", "nothing", "unknown", "malformed"
"""What became of a message: it raises records, it touches nothing here, nobody knows its type, it is no message."""
LAG = timedelta(minutes=10)
"""Longer than the source's index lags behind: what was told longer ago counts no more."""


class Told(Struct, frozen=True):
    """What a message said of a record.

    Args:
        gone: that it is deleted.
        members: digests of what it said of its members; none: nothing that could be compared.
        revision: the wanted revision that it raised; 0 before it is committed.
        age: how long ago it was taken, in the ledger's clock.
    """

    gone: bool = False
    members: Mapping[str, str] = {}
    revision: int = 0
    age: timedelta = timedelta()


class Later(Struct, frozen=True):
    """A message from which records are raised after it was acknowledged.

    Args:
        type: how what depends on the message is found.
        names: what it names, that it is found by.
        number: of its row; 0 before it is committed.
        position: up to where that is done; None: it was not begun.
        taken_at: when it was taken; None before it is committed.
    """

    type: str
    names: Mapping[str, Any]
    number: int = 0
    position: str | None = None
    taken_at: datetime | None = None


class Arrivals(Struct, frozen=True):
    """What one transaction takes in.

    Args:
        counts: messages by type and outcome.
        raised: by data type, the records whose wanted revision is raised, and what was told of them.
        walks: by data type, the mode of the walk that is wanted because a record could not be placed.
        later: messages from which more is raised afterwards; one like another that nobody began is not kept twice.
        marked: digests by name, and what is raised afterwards where one is another than it was.
        unknown: types nobody knows, and the names of the members that came with them.
    """

    counts: Mapping[tuple[str, str], int]
    raised: Mapping[str, Mapping[str, Told | None]] = {}
    walks: Mapping[str, str] = {}
    later: Sequence[Later] = ()
    marked: Mapping[str, tuple[bytes, Sequence[Later]]] = {}
    unknown: Sequence[tuple[str, Sequence[str]]] = ()


class TypeCount(Struct, frozen=True):
    """How many messages of a type came with an outcome, and when the last one."""

    type: str
    outcome: str
    taken: int
    last_at: datetime


class UnknownMessage(Struct, frozen=True):
    """A message of a type that nobody knows, as it is kept for inspection: without any value of it."""

    type: str
    members: Sequence[str]
    taken_at: datetime


class InboxOverview(Struct, frozen=True):
    """What an inbox took, for status, read without a lock.

    Args:
        types: counts by type and outcome.
        minutes: messages by minute, of the last hour, the oldest first.
        later: messages from which records are still to be raised.
        later_since: since when the oldest of them waits.
        unknown: the newest messages of unknown types.
    """

    types: Sequence[TypeCount] = ()
    minutes: Sequence[tuple[datetime, int]] = ()
    later: int = 0
    later_since: datetime | None = None
    unknown: Sequence[UnknownMessage] = ()

    @property
    def taken(self) -> int:
        """All that came."""
        return sum(each.taken for each in self.types)

    @property
    def last_at(self) -> datetime | None:
        """When the last one came; None: none ever did."""
        return max((each.last_at for each in self.types), default=None)

    def count(self, outcome: str) -> int:
        """Return how many came to an outcome."""
        return sum(each.taken for each in self.types if each.outcome == outcome)


MEASURED = ""
"""In place of the part of a gap: since when gaps are noted at all. What walks found before says nothing."""


class Gap(Struct, frozen=True):
    """Cause why it cannot be trusted that every change of a part is told by a message.

    Args:
        part: of the records.
        why: in words, for people.
        seen_at: when it was noticed, in the clock of whoever runs the sync.
        key: the record that changed and of which no message told; empty: the cause is about all of them.
        revision: the wanted revision of that record then, which a message that comes late raises; None: none came in
            time, and one that comes now is about another change.
        records: how many records changed so, none told.
    """

    part: str
    why: str
    seen_at: datetime
    key: str = ""
    revision: int | None = None
    records: int = 0


class SyncInbox(Struct, frozen=True):
    """The inbox of a data sync, as one of its data types is concerned.

    Args:
        inbox: what it took.
        open_since: since when the record of the data type waits that waits the longest; None: none does.
    """

    inbox: InboxOverview = field(default_factory=InboxOverview)
    open_since: datetime | None = None
