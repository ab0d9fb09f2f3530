"""Sync logs of one integration, by data type, as text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reconciler.report.style import BOLD, GREEN, RED, YELLOW, Style
from reconciler.report.words import counted, moment
from reconciler.sparklayer.sync_log import SyncStatus

Logs = Mapping[str, SyncStatus | None]
_SHOWN = 20


def sync_log_to_text(site: str, integration: str, logs: Logs, style: Style | None = None) -> str:
    """Return the logs as text for people."""
    style = style or Style()
    lines = style.wrap(f"Sync log of {integration} on site {site}", 0, BOLD)
    for name, status in logs.items():
        lines.append("")
        if status is None:
            lines.extend(style.wrap(f"{name}: no full sync was ever recorded", 0, YELLOW))
            continue
        problems = counted(status.error_count, "open problem")
        lines.extend(style.wrap(f"{name}: {problems}", 0, RED if status.error_count else GREEN))
        times = status.times
        failed = " (failed)" if times.last_full_sync_succeeded is False else ""
        lines.append(f"  full sync started  {_time(times.started_full_sync)}")
        lines.append(f"  full sync ended    {_time(times.last_full_sync)}{failed}")
        lines.append(f"  last partial sync  {_time(times.last_partial_sync)}")
        errors = status.errors or ()
        for error in errors[:_SHOWN]:
            words = f"{error.visible_id or error.external_id}: {error.message or 'no message'}"
            lines.extend(style.wrap(f"{words} {error.url or ''}".rstrip(), 2, hanging=2))
        if len(errors) > _SHOWN:
            lines.append(f"  and {len(errors) - _SHOWN:,} more; --format json has them all")
    return style.finish(lines)


def _time(time: datetime | None) -> str:
    return "never" if time is None else moment(time)
