"""Drift as the body of the rolling issue."""

from __future__ import annotations

from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import DriftItem, DriftReport
from reconciler.report.escape import code_span, prose
from reconciler.report.markdown.page import Piece, details, fields_block, marker, note_pieces, page, paused_block
from reconciler.report.words import CAUSES, by_cause, drift_counts, moment, where


def drift_to_markdown(report: DriftReport, *, url: str | None = None) -> str:
    """Return a drift report as the body of the rolling issue, at most `LIMIT` characters.

    Args:
        report: what drift found.
        url: an https URL where the whole report lies, named where something was cut.
    """
    environment = report.environment
    begin = f"{marker('drift', environment)}\n{paused_block(report.notes)}"
    head = f"{begin}### Drift in {code_span(environment)}: {drift_counts(report)}\n"
    pieces: list[Piece] = []
    for _, items in by_cause(report.items):
        for item in items:
            order = list(Risk).index(item.change.risk) if item.change else len(Risk)
            pieces.append(Piece(_item(item), order, "objects that drifted"))
            if item.change and item.change.fields:
                pieces.append(Piece(fields_block(item.change.fields), 10 + order, "fields"))
    snoozed = [item for item in report.items if item.snoozed_until is not None]
    if snoozed:
        body = "\n".join(_item(item) for item in snoozed)
        pieces.append(Piece(details(f"{len(snoozed):,} snoozed", body), 20, "snoozed objects"))
    pieces.extend(note_pieces(report.notes, 21))
    verdict = "" if report.drifted else "No drift: live is as the manifests say. "
    closing = f"{verdict}<sub>Checked {moment(report.checked_at)}.</sub>"
    return page(head, pieces, closing, f"reconciler drift -e {environment}", url)


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
        lines.extend(f"- {code_span(step)}" for step in item.next_steps)
    return "\n".join(lines) + "\n"
