"""Drift as the body of the rolling issue."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import Cause, ChangeResult, DriftItem, DriftReport
from reconciler.report.escape import code_span, prose
from reconciler.report.markdown.page import Piece, details, fields_block, marker, note_pieces, page, paused_block
from reconciler.report.words import CAUSES, by_cause, counted, drift_counts, folds, healed_words, moment, where

NAMES_SHOWN = 50


def drift_to_markdown(report: DriftReport, *, url: str | None = None) -> str:
    """Return a drift report as the body of the rolling issue, at most `LIMIT` characters.

    Args:
        report: what drift found.
        url: an https URL where the whole report lies, named where something was cut.
    """
    environment = report.environment
    head = f"{marker('drift', environment)}\n{drift_title(report)}"
    closing = f"{drift_closing(report)}<sub>Checked {moment(report.checked_at)}.</sub>"
    return page(head, drift_pieces(report), closing, f"reconciler drift -e {environment}", url)


def drift_title(report: DriftReport) -> str:
    """Return what is paused, and the heading of a report below it."""
    heading = f"### Drift in {code_span(report.environment)}: {drift_counts(report)}\n"
    return f"{paused_block(report.notes)}{heading}"


def drift_pieces(report: DriftReport) -> list[Piece]:
    """Return what was healed and what differs, in page order; what is snoozed is folded."""
    environment = report.environment
    pieces = [Piece(_healed(result), 0, "healed objects") for result in report.healed]
    for cause, items in by_cause(report.items):
        if folds(items, report):
            pieces.append(Piece(_folded(cause, items, environment), 0, "objects that drifted"))
            continue
        for item in items:
            pieces.append(Piece(partial(_item, item), _rank(item), "objects that drifted"))
            if item.change and item.change.fields:
                pieces.append(Piece(partial(fields_block, item.change), 10 + _rank(item), "fields"))
    snoozed = [item for item in report.items if item.snoozed_until is not None]
    if snoozed:
        body = "\n".join(_item(item) for item in snoozed)
        pieces.append(Piece(details(f"{len(snoozed):,} snoozed", body), 20, "snoozed objects"))
    pieces.extend(note_pieces(report.notes, environment, 21))
    return pieces


def drift_closing(report: DriftReport) -> str:
    """Return the sentence that says that there is no drift, where there is none."""
    return "" if report.drifted else "No drift: live is as the manifests say. "


def _rank(item: DriftItem) -> int:
    """Return how late an item is cut: what live does and must not comes last, then what risks most."""
    if item.cause is Cause.FORBIDDEN_HOST:
        return 0
    return 1 + (list(Risk).index(item.change.risk) if item.change else len(Risk))


def _folded(cause: Cause, items: Sequence[DriftItem], environment: str) -> str:
    names = "\n".join(f"- {code_span(f'{item.kind}/{item.name}')}" for item in items[:NAMES_SHOWN])
    rest = len(items) - NAMES_SHOWN
    more = f"\n- and {rest:,} more" if rest > 0 else ""
    step = code_span(f"reconciler apply -e {environment}")
    return (
        f"**{CAUSES[cause]}**: {len(items):,} objects that the manifests name and live does not have\n- {step}\n\n"
        f"{details(counted(len(items), 'object'), names + more)}"
    )


def _healed(result: ChangeResult) -> str:
    change = result.change
    code = f"{code_span(result.code)} " if result.code else ""
    problem = f"\n{code}{prose(result.message)}" if result.message else ""
    words = f"**healed** {change.action} {code_span(change.key)}: {prose(healed_words(result))}"
    return f"{words}{problem}\n"


def _item(item: DriftItem) -> str:
    change = item.change
    place = f" · {code_span(where(change.place))}" if change else ""
    lines = [f"**{CAUSES[item.cause]}** {code_span(f'{item.kind}/{item.name}')}{place}"]
    if item.message:
        lines.append(prose(item.message))
    if item.snoozed_until is not None:
        reason = f": {prose(item.snooze_reason)}" if item.snooze_reason else ""
        lines.append(f"Snoozed until {moment(item.snoozed_until)}{reason}")
    else:
        if item.not_healed is not None:
            lines.append(f"Not healed: {prose(item.not_healed)}")
        lines.extend(f"- {code_span(step)}" for step in item.next_steps)
    return "\n".join(lines) + "\n"
