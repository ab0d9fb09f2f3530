"""SparkLayer's error bodies: RFC 7807 problems, the list that pricing answers with, or nothing at all."""

from __future__ import annotations

import re

from reconciler.errors import ApiError, Conflict
from reconciler.http.faults import Fault
from reconciler.kind.connection import Json
from reconciler.sparklayer.reasons import NO_SETTINGS, TAKEN, UNKNOWN_ID

_NEXT_STEPS = {
    TAKEN: "Another object has this slug or ID: run `reconciler import`, or choose another one.",
    UNKNOWN_ID: "Create what it refers to first, or correct the reference.",
}
_SETTINGS_STEP = (
    "API keys made in the Dashboard may not write settings: take `settings` out of the Store, or ask SparkLayer's "
    "support."
)
_ERRORS: dict[str, type[ApiError]] = {TAKEN: Conflict}
_SHOWN = 3
# inferred: a problem about one row of a batch begins its property with the row's place, from 0; lines of pricing
# begin at 1.
_ROW = re.compile(r"\[?(\d{1,6})\]?(?:\.|$)")


def parse_fault(body: Json) -> Fault | None:
    """Read an error body; None where it is none of SparkLayer's.

    Args:
        body: decoded; None for an empty one, which SparkLayer sends as well.
    """
    if body is None:
        return Fault()
    if isinstance(body, list):
        return _pricing_fault(body)
    if not isinstance(body, dict) or not body.keys() & {"title", "detail", "status", "errors"}:
        return None
    listed = body.get("errors")
    errors = [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []
    code = next((text for error in errors if (text := _text(error.get("code")))), None)
    said = [_text(body.get("title")), _text(body.get("detail")), *map(_said_of, errors)]
    message = " ".join(dict.fromkeys(filter(None, said))) or None
    step = _SETTINGS_STEP if message is not None and NO_SETTINGS in message else _NEXT_STEPS.get(code or "")
    rows = {
        int(row[1]): words
        for error in errors
        if (row := _ROW.match(_text(error.get("property")) or "")) and (words := _text(error.get("message")))
    }
    return Fault(code=code, message=message, next_step=step, error=_ERRORS.get(code or ""), rows=rows)


def _pricing_fault(body: list[Json]) -> Fault | None:
    """Read `[{line, field, message}]`; the first few are said, the rest counted."""
    rows = [row for row in body if isinstance(row, dict) and "message" in row]
    if not rows:
        return None
    said = [f"line {row.get('line')}, {row.get('field')}: {row['message']}" for row in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        said.append(f"and {len(rows) - _SHOWN} more")
    return Fault(message="; ".join(said), rows=dict(filter(None, map(_pricing_row, rows))))


def _pricing_row(row: dict[str, Json]) -> tuple[int, str] | None:
    line = row.get("line")
    if not isinstance(line, int) or isinstance(line, bool) or line < 1:
        return None
    return line - 1, f"{row.get('field')}: {row['message']}"


def _said_of(error: dict[str, Json]) -> str | None:
    message, where = _text(error.get("message")), _text(error.get("property"))
    return f"{where}: {message}" if message and where else message


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
