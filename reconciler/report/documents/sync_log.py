"""The JSON of the sync logs of one integration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.sparklayer.sync_log import SyncStatus


def sync_log_to_json(site: str, integration: str, logs: Mapping[str, SyncStatus | None]) -> dict[str, Any]:
    """Return the logs as plain data; null for a data type without a recorded full sync."""
    return {
        "site": site,
        "integration": integration,
        "logs": {name: None if status is None else _document(status) for name, status in logs.items()},
    }


def _document(status: SyncStatus) -> dict[str, Any]:
    times = status.times
    document: dict[str, Any] = {
        "started_full_sync": _iso(times.started_full_sync),
        "last_full_sync": _iso(times.last_full_sync),
        "last_full_sync_succeeded": times.last_full_sync_succeeded,
        "last_partial_sync": _iso(times.last_partial_sync),
        "error_count": status.error_count,
    }
    if status.errors is not None:
        document["errors"] = [
            {"external_id": each.external_id, "visible_id": each.visible_id, "url": each.url, "message": each.message}
            for each in status.errors
        ]
    return document


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
