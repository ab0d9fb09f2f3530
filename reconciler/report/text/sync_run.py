"""Report of a run of a data sync, as text: how it ended first, then what it read, wrote and found."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, GREEN, RED, YELLOW, Style
from reconciler.report.text.sync_words import (
    MODES,
    STATES,
    part_counts,
    problem_count,
    record_counts,
    remarks_and_next_step,
    request_counts,
)
from reconciler.sync.run.report import RunReport, State
from reconciler.words import some, spoken

_LIMIT = 600
_IDS = 50
_COLORS = {State.FINISHED: GREEN, State.INTERRUPTED: RED, State.CANCELLED: YELLOW, State.STOPPED: RED}


def run_to_text(report: RunReport, environment: str, style: Style | None = None) -> str:
    """Return what a run did, as text.

    Args:
        report: of the run.
        environment: its name.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
    mode = MODES[report.mode]
    took = spoken(report.ended_at - report.started_at)
    ended = f"{STATES[report.state]} {'in' if report.state is State.FINISHED else 'after'} {took}"
    head = f"{mode[0].upper()}{mode[1:]} of {report.sync} in {environment}, {report.data_type}: {ended}"
    color = YELLOW if report.state is State.FINISHED and report.counts.get("problems") else _COLORS[report.state]
    lines = style.wrap(head, 0, BOLD, color, hanging=2)
    if report.message is not None and report.state in (State.INTERRUPTED, State.STOPPED):
        lines.extend(style.wrap(clip(visible(report.message), _LIMIT), 2, _COLORS[report.state], hanging=2))
    if report.held_back.excess is not None:
        lines.extend(style.wrap(f"✗ {report.held_back.excess}", 2, RED, hanging=2))
    if report.resumed:
        lines.extend(style.wrap("It resumed an interrupted run; records and time are those of both.", 2))
    for name, words in _facts(report, environment):
        lines.extend(style.wrap(f"{name:<10} {words}", 2, hanging=11))
    if report.limit is not None:
        lines.extend(["", style.paint(f"Would be {report.ends}", BOLD)])
        more = "" if report.limit.complete else ", and maybe more"
        lines.extend(style.wrap(visible(some(report.limit.ids, _IDS)) + more, 2, hanging=2))
        if len(report.limit.ids) > _IDS:
            lines.append(style.paint("  --format json has all of them", DIM))
    return style.finish([*lines, *remarks_and_next_step(report, style)])


def _facts(report: RunReport, environment: str) -> Iterator[tuple[str, str]]:
    counts = report.counts
    yield "read", record_counts(counts, report.ends)
    yield "wrote", part_counts(report.parts)
    yield "problems", _problems(report, environment)
    yield "requests", request_counts(report.requests)


def _problems(report: RunReport, environment: str) -> str:
    counts = report.counts
    found = counts.get("problems", 0)
    if not found:
        mended = counts.get("resolved", 0)
        return f"none open{f'; {mended:,} resolved' if mended else ''}"
    parts = [
        f"{counts[name]:,} {word}"
        for name, word in (("new_problems", "new"), ("resolved", "resolved"))
        if counts.get(name)
    ]
    logged = counts.get("logged_problems", found)
    if logged < found:
        parts.append(f"the sync log has {logged:,} of them")
    more = f" ({', '.join(parts)})" if parts else ""
    return f"{problem_count(found, report.entries)}{more}; `reconciler sync errors {report.sync} -e {environment}`"
