"""What came of OrderCloud's deliveries: how many, when, what waits, and since when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from reconciler.ledger.data.inbox_model import MALFORMED, NOTHING, PLACED, UNKNOWN, SyncInbox

_SHOWN = 5


class Deliveries(Struct, frozen=True):
    """Deliveries of a data sync, all its data types together, and what of one of them waits.

    Args:
        taken: messages that came.
        last_at: when the last one did.
        placed: those that touch something.
        nothing: those that touch nothing here.
        unknown: those of types that nobody knows.
        malformed: deliveries that are no message.
        unknown_types: the types of those that nobody knows, the newest first, a few.
        last_minute: messages of the newest full minute that had any, None: of none in the last hour.
        later: messages from which records are still to be raised.
        waiting: records of this data type that are open.
        waiting_since: since when the oldest of all of these waits; None: none does.
    """

    taken: int
    last_at: datetime
    placed: int
    nothing: int
    unknown: int
    malformed: int
    unknown_types: Sequence[str]
    last_minute: int | None
    later: int
    waiting: int
    waiting_since: datetime | None


def deliveries_of(inbox: SyncInbox, waiting: int) -> Deliveries | None:
    """Return what came of a data sync's deliveries; None where none ever came."""
    overview = inbox.inbox
    if overview.last_at is None:
        return None
    since = [moment for moment in (overview.later_since, inbox.open_since) if moment is not None]
    minutes = [taken for _, taken in overview.minutes]
    return Deliveries(
        taken=overview.taken,
        last_at=overview.last_at,
        placed=overview.count(PLACED),
        nothing=overview.count(NOTHING),
        unknown=overview.count(UNKNOWN),
        malformed=overview.count(MALFORMED),
        unknown_types=tuple(dict.fromkeys(each.type for each in overview.unknown))[:_SHOWN],
        last_minute=minutes[-1] if minutes else None,
        later=overview.later,
        waiting=waiting,
        waiting_since=min(since, default=None),
    )
