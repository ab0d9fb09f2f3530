"""Report of an apply, as a comment for a pull request."""

from __future__ import annotations

from functools import partial

from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import ApplyReport, ChangeResult, OperationResult, Outcome
from reconciler.report.escape import code_span, prose
from reconciler.report.markdown.page import Piece, marker, page
from reconciler.report.words import (
    OPERATION_OUTCOMES,
    OUTCOME_ORDER,
    OUTCOMES,
    apply_closing,
    apply_counts,
    plan_verdicts,
    where,
)

STEPS_SHOWN = 30
_GOOD = (Outcome.APPLIED, Outcome.ALREADY)


def apply_to_markdown(report: ApplyReport, *, url: str | None = None) -> str:
    """Return what an apply did as a comment, at most `page.LIMIT` characters, what went wrong first.

    Args:
        report: the outcome of every change.
        url: an https URL where the whole report lies, named where something was cut.
    """
    environment = report.environment
    head = f"{marker('apply', environment)}\n{apply_title(report)}"
    closing = prose(apply_closing(report))
    return page(head, apply_pieces(report), closing, f"reconciler ledger show -e {environment}", url)


def apply_title(report: ApplyReport) -> str:
    """Return the heading of a report, and that it was interrupted where it was."""
    head = f"### Apply to {code_span(report.environment)}: {apply_counts(report)}\n"
    if report.interrupted:
        head += "\n> [!WARNING]\n> Interrupted. What was under way is reported as it was found.\n"
    return head


def apply_pieces(report: ApplyReport) -> list[Piece]:
    """Return what became of each change and request, in page order, what went wrong first."""
    pieces = [Piece(_plan(*each), 0, "saved plans") for each in plan_verdicts(report)]
    for rank, outcome in enumerate(OUTCOME_ORDER):
        results = [result for result in report.results if result.outcome is outcome]
        if results:
            pieces.append(Piece(f"#### {OUTCOMES[outcome].capitalize()}\n", rank, "headings"))
        pieces.extend(Piece(partial(_line, result), rank, f"{OUTCOMES[outcome]} changes") for result in results)
    if report.operations:
        pieces.append(Piece("#### Requests\n", 0, "headings"))
    pieces.extend(Piece(_operation(result), 0, "requests") for result in report.operations)
    return pieces


def _plan(sentence: str, code: str | None, step: str | None) -> str:
    told = f"- {f'{code_span(code)} ' if code else ''}{prose(sentence)}\n"
    return f"{told}  → {prose(step)}\n" if step else told


def _operation(result: OperationResult) -> str:
    operation = result.operation
    lines = [f"- **{OPERATION_OUTCOMES[result.outcome]}** {code_span(operation.key)} · {prose(operation.does)}"]
    if result.message:
        code = f"{code_span(result.code)} " if result.code else ""
        lines.append(f"  {code}{prose(result.message)}")
    if result.outcome not in _GOOD:
        lines.extend(
            f"  - {OPERATION_OUTCOMES[step.outcome]}: {code_span(step.does)}" for step in result.steps[:STEPS_SHOWN]
        )
    if result.next_step:
        lines.append(f"  → {prose(result.next_step)}")
    return "\n".join(lines) + "\n"


def _line(result: ChangeResult) -> str:
    change = result.change
    lines = [f"- **{change.action.value}** {code_span(change.key)} · {code_span(where(change.place))}"]
    if result.message and (result.outcome not in _GOOD or change.risk is not Risk.COSMETIC):
        code = f"{code_span(result.code)} " if result.code else ""
        lines.append(f"  {code}{prose(result.message)}")
    if result.next_step:
        lines.append(f"  → {prose(result.next_step)}")
    return "\n".join(lines) + "\n"
