"""The rolling issue on drift of an environment, as text: its label, title and body. Pure."""

from __future__ import annotations

import hashlib
import json
import re

from reconciler.reconcile.plan import ChangeResult, DriftItem, DriftReport
from reconciler.report.markdown.drift import drift_closing, drift_pieces, drift_title
from reconciler.report.markdown.page import page
from reconciler.report.words import moment

_STATE = re.compile(r"<!-- reconciler:drift environment=\S{1,100} state=([0-9a-f]{16}) -->")
# GitHub takes no longer label.
_LONGEST_LABEL = 50
_KEEPS = "reconciler writes it again when something changes, and closes the issue when nothing drifts"
_WAITS = "reconciler opens the issue again when something drifts"
# As `words.spoken` writes durations: what is older than in the last run is still the same drift.
_AGES = re.compile(r"(?:under )?\d+ (?:d|h|min|s)\b(?: \d+ (?:d|h|min|s)\b)?")


def issue_label(environment: str) -> str:
    """Return the label by which the rolling issue of an environment is found; two environments never share one."""
    label = f"reconciler-drift-{_plain(environment)}"
    if len(label) <= _LONGEST_LABEL and _plain(environment) == environment:
        return label
    tail = hashlib.sha256(environment.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{label[: _LONGEST_LABEL - 9]}-{tail}"


def issue_title(environment: str) -> str:
    """Return the title of the rolling issue of an environment."""
    return f"reconciler: drift in {_plain(environment)[:100]}"


def issue_body(report: DriftReport, *, url: str | None = None) -> str:
    """Return the body of the rolling issue, at most `page.LIMIT` characters; what is snoozed is folded.

    Args:
        report: what drift found.
        url: an https URL of the run, whose artifacts hold all of it.
    """
    environment = report.environment
    marker = f"<!-- reconciler:drift environment={_plain(environment)[:100]} state={drift_state(report)} -->"
    keeps = _KEEPS if report.drifted else _WAITS
    seen = f"As it was at {moment(report.checked_at)}; {keeps}."
    closing = f"{drift_closing(report)}<sub>{seen}</sub>"
    head = f"{marker}\n{drift_title(report)}"
    return page(head, drift_pieces(report), closing, f"reconciler drift -e {environment}", url)


def state_of(body: str) -> str | None:
    """Return the state that the body of a rolling issue tells of; None where it does not say."""
    found = _STATE.match(body)
    return found[1] if found else None


def drift_state(report: DriftReport) -> str:
    """Return a digest of what drifted and what is muted: the same as long as nothing happens but that time passes.

    Where nothing drifts there is one: an issue that is closed is not written again for what heals by itself.
    """
    if not report.drifted:
        return "0" * 16
    facts = [
        sorted(_item(item) for item in report.items),
        sorted(_healed(result) for result in report.healed),
        sorted([note.kind.value, note.subject, _ageless(note.message)] for note in report.notes),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _item(item: DriftItem) -> list[str]:
    change = item.change
    return [
        item.kind,
        item.name,
        item.id,
        item.cause.value,
        change.digest if change else "",
        _ageless(item.message),
        str(item.snoozed_until or ""),
        item.snooze_reason or "",
        item.not_healed or "",
    ]


def _healed(result: ChangeResult) -> list[str]:
    return [result.change.key, result.change.digest, result.outcome.value, _ageless(result.message)]


def _ageless(message: str | None) -> str:
    return _AGES.sub("…", message or "")


def _plain(environment: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", environment)
