"""Operations, as text: what is done once, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.reconcile.plan import ApplyReport, Operation, OperationResult, Outcome
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, CYAN, DIM, GREEN, OUTCOME_COLORS, RED, YELLOW, Style
from reconciler.report.values import VALUE_LIMIT
from reconciler.report.words import OPERATION_OUTCOMES, OUTCOME_ORDER, counted, moment, where

STEPS_SHOWN = 30
MESSAGE_LIMIT = 600


def operations_lines(operations: Sequence[Operation], style: Style) -> Iterator[str]:
    """Yield the section of a plan that says what is done once, after the changes."""
    if not operations:
        return
    yield f"{style.paint('Requests', CYAN, BOLD)}{style.paint(' (done once, after the changes)', DIM)}"
    for operation in operations:
        yield from _head(operation, style)
        yield from style.wrap(clip(visible(operation.does), MESSAGE_LIMIT), 6)
        if operation.reason:
            yield from style.wrap(f"Reason: {clip(visible(operation.reason), MESSAGE_LIMIT)}", 6)
        yield from style.wrap(f"Not after {moment(operation.not_after)}", 6, DIM)
        if operation.unsure:
            words = "Whether it was carried out before cannot be known; apply needs --ephemeral-ledger for it"
            yield from style.wrap(words, 6, YELLOW)
        yield from steps_lines(operation.steps, style, 6)
    yield ""


def steps_lines(steps: Sequence[str], style: Style, indent: int) -> Iterator[str]:
    """Yield the steps in order, each on a line, and how many more there are."""
    for number, step in enumerate(steps[:STEPS_SHOWN], 1):
        yield from style.wrap(f"{number}. {clip(visible(step), VALUE_LIMIT)}", indent, DIM, hanging=3)
    if len(steps) > STEPS_SHOWN:
        yield " " * indent + style.paint(f"… and {len(steps) - STEPS_SHOWN:,} more", DIM)


def results_lines(results: Iterable[OperationResult], style: Style) -> Iterator[str]:
    """Yield what became of operations, what somebody has to look at first."""
    for result in sorted(results, key=lambda result: OUTCOME_ORDER.index(result.outcome)):
        words = OPERATION_OUTCOMES[result.outcome]
        yield from _head(result.operation, style, style.paint(words, OUTCOME_COLORS[result.outcome], BOLD))
        yield from style.wrap(clip(visible(result.operation.does), MESSAGE_LIMIT), 6)
        code = f"[{result.code}]" if result.code else None
        told = " ".join(part for part in (code, result.message) if part)
        if told:
            yield from style.wrap(clip(visible(told), MESSAGE_LIMIT), 6)
        if len({step.outcome for step in result.steps}) > 1 or result.outcome is Outcome.UNKNOWN:
            for number, step in enumerate(result.steps, 1):
                message = f": {step.message}" if step.message else ""
                line = f"{number}. {OPERATION_OUTCOMES[step.outcome]} {step.does}{message}"
                yield from style.wrap(clip(visible(line), MESSAGE_LIMIT), 6, OUTCOME_COLORS[step.outcome], hanging=3)
        if result.next_step:
            yield from style.wrap(f"Next: {clip(visible(result.next_step), MESSAGE_LIMIT)}", 6, DIM)


def operation_line(result: OperationResult, style: Style) -> str:
    """Return one line about an operation that has ended, for whoever watches an apply."""
    mark = "✓" if result.outcome in (Outcome.APPLIED, Outcome.ALREADY) else "✗"
    words = f"{mark} {result.operation.key}: {OPERATION_OUTCOMES[result.outcome]}"
    return style.finish(style.wrap(words, 0)).rstrip()


def resync_to_text(report: ApplyReport, style: Style | None = None) -> str:
    """Return what was sent again, record by record."""
    style = style or Style()
    [result] = report.operations
    done = sum(step.outcome is Outcome.APPLIED for step in result.steps)
    color = GREEN if result.outcome is Outcome.APPLIED else YELLOW
    total = counted(len(result.operation.steps), "record")
    lines = style.wrap(f"Re-sync in {report.environment}: {done:,} of {total} asked for", 0, BOLD, color)
    if report.ledger_problem is not None:
        lines.extend(style.wrap(f"The ledger could not be written: {report.ledger_problem}", 0, RED))
    lines.extend(results_lines(report.operations, style))
    if result.outcome is Outcome.APPLIED:
        words = "OrderCloud has accepted it. Whether it arrived at the delivery target cannot be known from here."
        lines.extend(style.wrap(words, 2, DIM))
    return style.finish(lines)


def operation_to_text(operation: Operation, remarks: Sequence[str], style: Style) -> str:
    """Return what is about to be sent, step by step."""
    lines = style.wrap(f"About to {clip(visible(operation.does), MESSAGE_LIMIT)}", 0, BOLD)
    lines.extend(steps_lines(operation.steps, style, 2))
    for remark in remarks:
        lines.extend(style.wrap(clip(visible(remark), MESSAGE_LIMIT), 2, YELLOW))
    return style.finish(lines).rstrip()


def _head(operation: Operation, style: Style, lead: str = "") -> Iterator[str]:
    place = where(operation.place) if operation.place.file else ""
    parts = (lead, style.paint(clip(visible(operation.key), VALUE_LIMIT), BOLD), style.paint(visible(place), DIM))
    yield "  " + "  ".join(part for part in parts if part)
