"""Drift as text: the counts first, then what differs by cause, each with what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.reconcile.plan import Cause, DriftItem, DriftReport, NoteKind
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, GREEN, RED, RISK_COLORS, YELLOW, Style
from reconciler.report.text.apply import result_lines
from reconciler.report.text.plan import SCREEN, alarm_lines, field_lines, headed, notes_lines
from reconciler.report.words import CAUSES, NOTES, by_cause, counted, drift_counts, folds, healed_words, moment, where

_LIMIT = 400


def _item_lines(item: DriftItem, style: Style) -> Iterator[str]:
    change = item.change
    key = f"{item.kind}/{item.name}"
    if change is None:
        yield from headed("•", 1, key, f"live ID {item.id}" if item.id != item.name else "", style)
    else:
        yield from headed(style.action(change.action), 9, key, where(change.place), style)
    if item.message:
        yield from style.wrap(clip(visible(item.message), _LIMIT), 6)
    if change is not None:
        if change.detail and change.detail != item.message:
            yield from style.wrap(clip(visible(change.detail), _LIMIT), 6)
        yield from field_lines(change, style, 6)
    if item.snoozed_until is not None:
        reason = f": {clip(visible(item.snooze_reason), _LIMIT)}" if item.snooze_reason else ""
        yield from style.wrap(f"snoozed until {moment(item.snoozed_until)}{reason}", 6, DIM)
        return
    if item.not_healed is not None:
        yield from style.wrap(f"not healed: {clip(visible(item.not_healed), _LIMIT)}", 6, DIM)
    for step in item.next_steps:
        yield from style.wrap(f"→ {clip(visible(step), _LIMIT)}", 6, DIM, hanging=2)


def _folded_lines(number: int, environment: str, style: Style) -> Iterator[str]:
    words = f"{number:,} objects that the manifests name and live does not have (-v names them)"
    yield from style.wrap(f"+ create {words}", 2, hanging=2)
    yield from style.wrap(f"→ reconciler apply -e {environment}", 6, DIM, hanging=2)


def drift_to_text(report: DriftReport, style: Style | None = None) -> str:
    """Return a drift report as text.

    Args:
        report: what drift found.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
    color = YELLOW if report.drifted else GREEN
    counts = style.wrap(f"Drift in {report.environment}: {drift_counts(report)}", 0, BOLD, color)
    lines = [*_forbidden_lines(report, style), *alarm_lines(report.notes, style), *counts]
    lines.extend([style.paint(f"Checked {moment(report.checked_at)}", DIM), ""])
    if report.healed:
        lines.append(style.paint("Healed", GREEN, BOLD))
        for result in report.healed:
            lines.extend(result_lines(result, style))
            lines.extend(style.wrap(clip(visible(healed_words(result)), _LIMIT), 6, DIM))
        lines.append("")
    for cause, items in by_cause(report.items):
        if cause is Cause.FORBIDDEN_HOST:
            continue
        worst = next((item.change.risk for item in items if item.change), None)
        title = CAUSES[cause]
        lines.append(style.paint(title[0].upper() + title[1:], *([RISK_COLORS[worst]] if worst else []), BOLD))
        if not style.full and folds(items, report):
            lines.extend(_folded_lines(len(items), report.environment, style))
        else:
            for item in items:
                lines.extend(_item_lines(item, style))
        lines.append("")
    snoozed = [item for item in report.items if item.snoozed_until is not None]
    if snoozed:
        lines.append(style.paint("Snoozed", BOLD))
        for item in snoozed:
            lines.extend(_item_lines(item, style))
        lines.append("")
    lines.extend(notes_lines(report.notes, report.environment, style))
    is_long = len(lines) > SCREEN
    if report.drifted and not any(item.change for item in report.items):
        advice = "An apply changes none of this: each names its next step."
    elif report.drifted:
        advice = f"See what apply would change with `reconciler plan -e {report.environment}`."
    elif snoozed:
        advice = f"Nothing new: {counted(len(snoozed), 'difference')} {'is' if len(snoozed) == 1 else 'are'} snoozed."
    else:
        advice = "No drift: live is as the manifests say."
    lines.extend(style.wrap(advice, 0))
    return style.finish([*lines, *(counts if is_long else ())])


def _forbidden_lines(report: DriftReport, style: Style) -> Iterator[str]:
    """Yield what live does now and must not, before everything else."""
    items = [item for item in report.items if item.cause is Cause.FORBIDDEN_HOST and item.snoozed_until is None]
    if not items:
        return
    yield from style.wrap(counted(len(items), *NOTES[NoteKind.FORBIDDEN_HOST]), 0, RED, BOLD)
    for item in items:
        yield from _item_lines(item, style)
    yield ""
