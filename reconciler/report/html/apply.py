"""Report of an apply, as a web page: what went wrong first, and how to go on."""

from __future__ import annotations

from reconciler.reconcile.plan import ApplyReport, ChangeResult, OperationResult, Outcome
from reconciler.report.html.page import OPEN_CHANGES, change_card, operation_card, page, text, tiles, verdict
from reconciler.report.words import (
    OPERATION_OUTCOMES,
    OUTCOME_ORDER,
    OUTCOMES,
    apply_closing,
    apply_counts,
    plan_verdicts,
)

_TONES = {
    Outcome.UNKNOWN: "red",
    Outcome.FAILED: "red",
    Outcome.STALE: "amber",
    Outcome.SKIPPED: "amber",
    Outcome.APPLIED: "green",
    Outcome.ALREADY: "green",
}


def apply_to_html(report: ApplyReport) -> str:
    """Return what an apply did as one self-contained HTML file."""
    opened = len(report.results) <= OPEN_CHANGES
    grouped = {outcome: [result for result in report.results if result.outcome is outcome] for outcome in OUTCOME_ORDER}
    run = f'<p class="meta">Run {text(report.run)}</p>' if report.run else ""
    parts = [
        (
            f'<header><p class="kicker">Apply</p><h1>{text(report.environment)}</h1>'
            f'<p class="meta">{apply_counts(report)}</p>{run}</header>'
        ),
        tiles([(len(found), OUTCOMES[outcome], _TONES[outcome]) for outcome, found in grouped.items() if found]),
    ]
    if report.interrupted:
        parts.append(verdict("amber", "Interrupted", "What was under way is reported as it was found."))
    for sentence, code, step in plan_verdicts(report):
        lines = (text(sentence), *((f"→ {text(step)}",) if step else ()))
        parts.append(verdict("amber", f"Saved plan <code>{text(code)}</code>" if code else "Saved plan", *lines))
    number = 0
    for outcome, results in grouped.items():
        cards = []
        for result in results:
            number += 1
            anchor = f"change-{number}"
            cards.append(change_card(result.change, anchor, _TONES[outcome], opened=opened, extra=_told(result)))
        if cards:
            title = f"{OUTCOMES[outcome].capitalize()} <small>{len(cards):,}</small>"
            parts.append(f"<section><h2>{title}</h2>{''.join(cards)}</section>")
    if report.operations:
        cards_of = "".join(_operation(result) for result in report.operations)
        parts.append(f"<section><h2>Requests <small>{len(report.operations):,}</small></h2>{cards_of}</section>")
    parts.append(f'<p class="meta">{text(apply_closing(report))}</p>')
    return page(f"Apply to {report.environment}", filter(None, parts))


def _operation(result: OperationResult) -> str:
    code = f"<code>{text(result.code)}</code> " if result.code else ""
    told = [f"<strong>{OPERATION_OUTCOMES[result.outcome]}</strong>: {text(result.operation.does)}"]
    if result.message:
        told.append(f"{code}{text(result.message)}")
    if result.next_step:
        told.append(f"→ {text(result.next_step)}")
    steps = [f"{OPERATION_OUTCOMES[step.outcome]}: {step.does}" for step in result.steps]
    return operation_card(result.operation, _TONES[result.outcome], " · ".join(told), steps)


def _told(result: ChangeResult) -> str:
    code = f"<code>{text(result.code)}</code> " if result.code else ""
    lines = [f'<p class="facts">{code}{text(result.message)}</p>'] if result.message else []
    if result.next_step:
        lines.append(f'<p class="facts">→ {text(result.next_step)}</p>')
    return "".join(lines)
