"""Report of an apply, as text: counts taken from the results, what went wrong first, and how to go on."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.reconcile.plan import ApplyReport, ChangeResult, OperationResult, Outcome
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, GREEN, OUTCOME_COLORS, RED, YELLOW, Style
from reconciler.report.text.operations import operation_line, results_lines
from reconciler.report.text.plan import headed
from reconciler.report.words import OUTCOME_ORDER, OUTCOMES, apply_closing, apply_counts, plan_verdicts, where

MESSAGE_LIMIT = 600
_FINE = (Outcome.APPLIED, Outcome.ALREADY)
_MEANINGS = {
    Outcome.UNKNOWN: "sent; whether it took effect could not be found out",
    Outcome.FAILED: "not carried out",
    Outcome.STALE: "the manifests or live moved after the review; nothing was sent",
    Outcome.SKIPPED: "not tried",
    Outcome.APPLIED: "carried out and verified",
    Outcome.ALREADY: "live was as desired; nothing was sent",
}


def result_lines(result: ChangeResult, style: Style) -> Iterator[str]:
    """Yield the lines about one change: what it is, what went wrong, how to go on."""
    change = result.change
    yield from headed(style.action(change.action), 9, change.key, where(change.place), style)
    code = f"[{result.code}]" if result.code else None
    words = " ".join(part for part in (code, result.message) if part)
    if words:
        yield from style.wrap(clip(visible(words), MESSAGE_LIMIT), 6)
    if result.next_step:
        yield from style.wrap(f"Next: {clip(visible(result.next_step), MESSAGE_LIMIT)}", 6, DIM)


def result_line(result: ChangeResult | OperationResult, style: Style) -> str:
    """Return one line about a change or operation that has ended, for whoever watches an apply."""
    if isinstance(result, OperationResult):
        return operation_line(result, style)
    mark = "✓" if result.outcome in _FINE else "✗"
    return style.finish(style.wrap(f"{mark} {result.change.action} {result.change.key}: {result.outcome}", 0)).rstrip()


def _is_plain(result: ChangeResult) -> bool:
    """Whether `result_line` says all that there is to say of a change."""
    return result.outcome in _FINE and not (result.code or result.message or result.next_step)


def apply_to_text(report: ApplyReport, style: Style | None = None, *, told: Collection[str] = ()) -> str:
    """Return what an apply did, as text.

    Args:
        report: the outcome of every change.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
        told: keys of the changes of which the same reader has just read a `result_line`.
    """
    style = style or Style()
    clean = report.outcomes <= set(_FINE) and not any(plan.code for plan in report.plans)
    verb = "Resumed apply" if report.resumed else "Apply"
    lines = style.wrap(f"{verb} to {report.environment}: {apply_counts(report)}", 0, BOLD, GREEN if clean else YELLOW)
    if report.run:
        lines.extend(style.wrap(f"Run {report.run}", 0, DIM))
    if report.interrupted:
        lines.extend(style.wrap("Interrupted. What was under way is reported below as it was found.", 0, RED))
    for sentence, code, step in plan_verdicts(report):
        lines.append("")
        shown = f"[{code}] {sentence}" if code else sentence
        lines.extend(style.wrap(clip(visible(shown), MESSAGE_LIMIT), 0, *((YELLOW,) if code else ())))
        if step:
            lines.extend(style.wrap(f"Next: {clip(visible(step), MESSAGE_LIMIT)}", 2, DIM))
    if report.results:
        lines.append("")
    for outcome in OUTCOME_ORDER:
        of_outcome = [result for result in report.results if result.outcome is outcome]
        results = [result for result in of_outcome if result.change.key not in told or not _is_plain(result)]
        if not results:
            continue
        title = style.paint(OUTCOMES[outcome].capitalize(), OUTCOME_COLORS[outcome], BOLD)
        lines.append(f"{title}{style.paint(f' ({_MEANINGS[outcome]})', DIM)}")
        for result in results:
            lines.extend(result_lines(result, style))
        lines.append("")
    if report.operations:
        lines.append(style.paint("Requests", BOLD))
        lines.extend(results_lines(report.operations, style))
        lines.append("")
    lines.extend(style.wrap(apply_closing(report), 0))
    return style.finish(lines)
