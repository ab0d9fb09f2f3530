"""Memory of the last look for drift: what it found, and since when each of it is there. Any process can show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from reconciler.ledger.config.drift_looks import DriftLooks
from reconciler.ledger.writer import Ledger
from reconciler.reconcile.plan import DriftItem, DriftReport
from reconciler.reconcile.planfile import time_to_json
from reconciler.report.documents.drift import drift_from_json, drift_to_json
from reconciler.sync.monitor.overview import SeenDrift

_REPORT, _SINCE, _EVERY = "report", "since", "every_seconds"


def remember(ledger: Ledger, report: DriftReport, every: timedelta) -> None:
    """Keep what a look for drift found; what was there at the last one keeps since when it is.

    Args:
        ledger: open for writing.
        report: what was found; no secret is in what is kept of it.
        every: how often somebody looks.

    Raises:
        LedgerError: the ledger cannot be written.
    """

    def made(before: Mapping[str, Any] | None) -> dict[str, Any]:
        seen = None if before is None else seen_of(before)
        known = {} if seen is None else dict(zip(map(_key, seen.report.items), seen.since, strict=False))
        return {
            _REPORT: drift_to_json(report),
            _SINCE: [time_to_json(known.get(_key(item), report.checked_at)) for item in report.items],
            _EVERY: every.total_seconds(),
        }

    DriftLooks(ledger.database).keep(report.environment, made)


def seen_of(kept: Mapping[str, Any]) -> SeenDrift | None:
    """Return the last look for drift as it was kept; None: another version kept it, and it cannot be read."""
    try:
        report = drift_from_json(kept.get(_REPORT))
        since = tuple(datetime.fromisoformat(each) for each in kept[_SINCE])
        return SeenDrift(report, since, timedelta(seconds=float(kept[_EVERY])))
    except (ValidationError, KeyError, TypeError, ValueError, OverflowError):
        return None


def _key(item: DriftItem) -> tuple[str, str, str]:
    return item.kind, item.name, item.cause.value
