"""Text of pauses: what is about to be sent, what became of leases, and what is paused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.pause.holding import Fate
from reconciler.pause.lease import End, Lease, Why
from reconciler.reconcile.leased import resumes_took
from reconciler.reconcile.pause_report import Lifted, LiftedSync, PausedSync, PausesReport, PauseState, Taken
from reconciler.reconcile.plan import Plan
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, GREEN, RED, YELLOW, Style
from reconciler.report.text.plan import headed
from reconciler.report.words import moment, where
from reconciler.words import spoken

_WORDS = 300
_ENDED = {
    Why.ENDED: "ended",
    Why.GIVEN_BACK: "was given back",
    Why.HOLDER_DEAD: "ended with its holder, which is dead",
    Why.SILENT: "ended because its holder fell silent",
}
_STATES = {
    PauseState.HELD: ("paused", YELLOW),
    PauseState.OVERDUE: ("overdue: paused, and nothing holds it any more", RED),
    PauseState.UNDECLARED: ("paused, and neither a lease nor a manifest says so", RED),
    PauseState.NOT_PAUSED: ("runs, although it should be paused", RED),
    PauseState.RUNNING: ("runs", GREEN),
}


def steps_to_text(plan: Plan, limits: Mapping[str, str], style: Style | None = None) -> str:
    """Return the steps of a pause or its end before they are sent, as text.

    Args:
        plan: the steps.
        limits: by `Kind/name` what such a pause does not do.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
    lines = [style.paint(f"Steps in {visible(plan.environment)}", BOLD)] if plan.changes else []
    for change in plan.changes:
        lines.extend(headed(style.action(change.action), 9, change.key, where(change.place), style))
        lines.extend(style.wrap(clip(visible(change.detail or ""), _WORDS), 6))
    for breach in plan.breaches:
        if breach.overridden is not None:
            lines.extend(style.wrap(f"{breach.rule} is overridden: {visible(breach.overridden)}", 2, YELLOW))
    for words in dict.fromkeys(filter(None, limits.values())):
        lines.extend(style.wrap(f"Note: {words}.", 2, DIM, hanging=2))
    if limits:
        lines.extend(style.wrap(f"Note: {NOT_FOR}.", 2, DIM, hanging=2))
    return style.finish(lines).rstrip("\n")


NOT_FOR = "one change, deletes and what is urgent want no pause"


def taken_to_text(taken: Taken, style: Style | None = None) -> str:
    """Return what a `pause` did, as text."""
    style = style or Style()
    lines: list[str] = []
    for lease in taken.leases if taken.done else ():
        lines.extend(style.wrap(f"{lease.key} is paused {_lease_words(lease)}", 0, BOLD))
    if taken.done:
        lines.extend(
            style.wrap(f"`reconciler resume {' '.join(lease.key for lease in taken.leases)}` ends it.", 0, DIM)
        )
    else:
        for result in taken.report.results:
            if result.message:
                lines.extend(style.wrap(f"{result.change.key}: {visible(result.message)}", 0, RED))
        lines.extend(style.wrap("The pause failed, and its leases were given back.", 0, RED))
        lines.extend(lifted_lines(taken.lifted, style) if taken.lifted is not None else ())
    return style.finish(lines)


def lifted_to_text(lifted: Lifted, style: Style | None = None) -> str:
    """Return what a `resume` did, as text."""
    style = style or Style()
    lines = list(lifted_lines(lifted, style)) or ["No lease was given back, and none was over."]
    return style.finish(lines)


def lifted_lines(lifted: Lifted, style: Style) -> Iterator[str]:
    """Yield what became of each sync on which leases were over."""
    for sync in lifted.syncs:
        yield from style.wrap(_fate(sync), 0, *(() if sync.is_done else (RED,)))
    if lifted.ledger_problem is not None:
        yield from style.wrap(f"The ledger could not be written: {visible(lifted.ledger_problem)}", 0, RED)
    if lifted.verification is not None:
        yield from style.wrap(visible(lifted.verification.message), 0)


def _fate(sync: LiftedSync) -> str:
    whose = ", ".join(dict.fromkeys(visible(lease.owner) for lease in sync.leases))
    why = f"the lease of {whose} {_end_words(sync.end)}"
    if not sync.is_done:
        said = sync.result.message if sync.result is not None and sync.result.message else "it was not tried"
        return (
            f"{sync.key} is STILL PAUSED although {why}: {visible(said)}. `reconciler resume {sync.key}` tries again."
        )
    return {
        Fate.RESUME: f"{sync.key} runs again: {why}",
        Fate.RUNS: f"{sync.key} ran already: {why}",
        Fate.HELD: f"{sync.key} stays paused by another lease: {why}",
        Fate.DECLARED: f"{sync.key} stays paused as its manifest says: {why}",
        Fate.LEFT: f"{sync.key} stays paused, as somebody else had paused it before: {why}",
    }[sync.fate]


def pauses_to_text(report: PausesReport, style: Style | None = None) -> str:
    """Return what is paused, as text."""
    style = style or Style()
    count = sum(each.state not in (PauseState.RUNNING, PauseState.NOT_PAUSED) for each in report.syncs)
    paused = f"{count or 'no'} sync{'' if count == 1 else 's'} paused"
    lines = style.wrap(f"{visible(report.environment)}: {paused}, {moment(report.checked_at)}", 0, BOLD)
    for each in report.syncs:
        lines.append("")
        lines.extend(_sync_lines(each, report.checked_at, style))
    if report.running:
        lines.append("")
        lines.extend(style.wrap(f"Running: {', '.join(report.running)}", 0, DIM))
    if report.windows:
        lines.extend(["", style.paint("Next windows", BOLD)])
        for window in report.windows:
            words = f"{moment(window.start)} to {moment(window.end)}  {window.key}: {visible(window.reason)}"
            lines.extend(style.wrap(words, 2, hanging=4))
    return style.finish(lines)


def _sync_lines(each: PausedSync, now: datetime, style: Style) -> Iterator[str]:
    words, color = _STATES[each.state]
    since = f" since {moment(each.due)} ({spoken(now - each.due)})" if each.due is not None else ""
    yield from style.wrap(f"{each.sync.key} {words}{since}", 0, color)
    for lease, end in each.leases:
        words = _lease_words(lease) if end is None else f"the lease of {visible(lease.owner)} {_end_words(end)}"
        yield from style.wrap(words, 2, hanging=2)
    if each.declared is not None:
        declared = each.declared
        until = "without an end" if declared.until is None else f"until {moment(declared.until)}"
        by = f" by {visible(declared.owner)}" if declared.owner else ""
        reason = visible(declared.reason or "no reason given")
        yield from style.wrap(
            f"{'declared' if declared.active else 'was declared'} {until}{by}: {reason}", 2, hanging=2
        )
    for words in filter(None, (resumes_took(each.last), _lateness(each))):
        yield from style.wrap(words, 2, DIM, hanging=2)
    if each.state is PauseState.OVERDUE:
        yield from style.wrap("Next: `reconciler drift --resume-expired` resumes it.", 2, DIM)
    if each.state is PauseState.UNDECLARED:
        words = f"Next: ask who paused it; `reconciler apply --target {each.sync.key}` resumes what a manifest names."
        yield from style.wrap(words, 2, DIM, hanging=2)


def _lateness(each: PausedSync) -> str | None:
    """Return how late the last starts and ends by the clock were."""
    late = [(event, event.done_at - event.due_at) for event in each.last if event.due_at is not None][:2]
    said = (
        f"{'paused' if event.paused else 'resumed'} {moment(event.done_at)}, {spoken(by)} late" for event, by in late
    )
    return f"by the clock: {'; '.join(said)}" if late else None


def _lease_words(lease: Lease) -> str:
    around = ", around a command" if lease.around is not None else ""
    return f"until {moment(lease.until)} by {visible(lease.owner)}{around}: {clip(visible(lease.reason), _WORDS)}"


def _end_words(end: End) -> str:
    return f"{_ENDED[end.why]} {moment(end.at)}"
