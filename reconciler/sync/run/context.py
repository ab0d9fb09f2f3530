"""What a run of a data sync works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.clock import utc_now
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.ledger.data.store import Levels
from reconciler.sync.run.traffic import Traffic
from reconciler.sync.settings import SyncSettings

_PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Job:
    """What a run works with.

    Args:
        settings: of the DataSync.
        source: connection to OrderCloud.
        target: connection to SparkLayer.
        levels: the ledger of this sync.
        source_url: API base URL of the source, for links.
        holder: who runs it, for people.
        source_traffic: listens to `source`.
        target_traffic: listens to `target`.
        now: our clock, timezone-aware.
        patience: seconds for which nothing may go through before the run gives up.
    """

    settings: SyncSettings
    source: HttpReader
    target: HttpWriter
    levels: Levels
    source_url: str
    holder: str
    source_traffic: Traffic
    target_traffic: Traffic
    now: Callable[[], datetime] = field(default=utc_now)
    patience: float = _PATIENCE_SECONDS
