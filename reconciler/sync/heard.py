"""Trust in messages, measured: which parts of a data type are heard, and how often everything is read by that. Pure.

A walk reads what lists do not show. It may come less often where a message tells of all that: the sync of OrderCloud
that sends it is applied, enabled and not paused, messages came lately, and the last walk found nothing untold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct
from msgspec.structs import replace

from reconciler.ledger.data.inbox_model import MEASURED, Gap, TypeCount
from reconciler.ledger.data.model import DataRun
from reconciler.sync.mode import Mode
from reconciler.sync.settings import SyncSettings
from reconciler.words import counted, spoken

SLACK = timedelta(minutes=1)
"""By which the clocks of two machines may differ."""


def why_silent(key: str) -> str:
    """Return why a gap is noted where a record has something of which no message tells, for people."""
    return f"{key} has something of which no message is known to tell"


class Feed(Struct, frozen=True):
    """Messages that tell of a part what lists do not show.

    Args:
        message: type of which one has to come again and again.
        syncs: kind and live ID of what sends them; an empty ID: there is one alone.
    """

    message: str
    syncs: tuple[tuple[str, str], ...]


@runtime_checkable
class Hearing(Protocol):
    """Data type of which messages may tell all that lists do not show. Of any other, walks alone find some changes."""

    @property
    def flowing(self) -> tuple[str, ...]:
        """See `DataType`."""

    @property
    def feeds(self) -> Mapping[str, Feed | None]:
        """What tells of each part; None: lists show all of it, as long as no record is silent."""

    def is_silent(self, record: Any) -> bool:
        """Whether something belongs to a record of which no message tells, and which no list shows."""


class PartHeard(Struct, frozen=True):
    """Whether a part is heard.

    Args:
        part: of the records.
        why: why walks alone find some of its changes, for people; None: it is heard, or lists show all of it.
        listed: no message is needed: lists show all of it.
    """

    part: str
    why: str | None = None
    listed: bool = False

    @property
    def word(self) -> str:
        """`heard`, `listed` or `walked`."""
        return "walked" if self.why is not None else "listed" if self.listed else "heard"


class Evidence(Struct, frozen=True):
    """What the ledger knows of messages and of what walks found.

    Args:
        types: messages by type, with when the last one came.
        gaps: by part, the newest cause for mistrust; and since when there would be any.
        last_walk: when the last run began that read everything and finished; None: there was none, or it was no walk,
            which alone notes what is untold.
    """

    types: Iterable[TypeCount] = ()
    gaps: Mapping[str, Gap] = {}
    last_walk: datetime | None = None


def measured_at(last_walk: DataRun | None) -> datetime | None:
    """Return when the last run that read everything began, if it is one that measures; see `Evidence`."""
    if last_walk is None or last_walk.mode != Mode.WALK or last_walk.spares:
        return None
    return last_walk.started_at


def heard_parts(
    data: Any, settings: SyncSettings, unheard: Mapping[str, str], evidence: Evidence, now: datetime
) -> tuple[PartHeard, ...]:
    """Return for each part that flows whether it is heard.

    Args:
        data: the data type.
        settings: of the DataSync.
        unheard: by part, why its messages do not come, as far as manifests and ledger tell; see `sync.feeds`.
        evidence: what the ledger knows.
        now: our clock.
    """
    if not isinstance(data, Hearing):
        return tuple(PartHeard(part, "not every change of it has a message") for part in data.flowing)
    now_missing = missing(data, settings, unheard, evidence, now)
    since = evidence.gaps.get(MEASURED)
    found = []
    for part in data.flowing:
        gap = evidence.gaps.get(part)
        why = now_missing.get(part)
        if why is None and gap is not None and not _answered(gap, evidence.last_walk):
            why = _told(gap, now)
        if why is None and (since is None or not _answered(since, evidence.last_walk)):
            why = "no walk has measured it yet, or not since a full sync"
        found.append(PartHeard(part, why, listed=data.feeds[part] is None))
    return tuple(found)


def missing(
    data: Hearing, settings: SyncSettings, unheard: Mapping[str, str], evidence: Evidence, now: datetime
) -> dict[str, str]:
    """Return by part why it is not heard now, whatever walks found: its messages do not come."""
    came = {each.type: each.last_at for each in evidence.types}
    found = dict(unheard)
    for part, feed in data.feeds.items():
        if feed is None or part in found:
            continue
        last = came.get(feed.message)
        if last is None:
            found[part] = f"no message {feed.message} ever came"
        elif now - last > settings.walk_interval:
            found[part] = f"no message {feed.message} came for {spoken(now - last)}"
    return found


def trusting(settings: SyncSettings, parts: Iterable[PartHeard]) -> SyncSettings:
    """Return the settings as they hold while these parts are heard, or are not."""
    longer = settings.heard_walk_interval
    if longer is None or any(part.why is not None for part in parts):
        return settings
    return replace(settings, walk_interval=longer)


def _answered(gap: Gap, last_walk: datetime | None) -> bool:
    """Whether a walk that began after a gap has found no other one since."""
    return last_walk is not None and last_walk > gap.seen_at + SLACK


def _told(gap: Gap, now: datetime) -> str:
    since = f"{spoken(max(now - gap.seen_at, timedelta()))} ago"
    if gap.records:
        return f"{counted(gap.records, 'change')} came without a message, the last one of {gap.key} {since}"
    return f"{since} it held that {gap.why}; the next walk measures it again"
