"""Drift as a web page: what is not as the manifests say, why, and what can be done about it."""

from __future__ import annotations

from collections import Counter

from reconciler.reconcile.plan import Cause, ChangeResult, DriftItem, DriftReport
from reconciler.report.html.page import (
    OPEN_CHANGES,
    RISK_TONES,
    change_card,
    notes_section,
    page,
    paused_verdict,
    text,
    tiles,
    verdict,
)
from reconciler.report.words import CAUSES, by_cause, drift_counts, healed_words, moment


def _advice(item: DriftItem) -> str:
    told = item.change is not None and item.change.detail == item.message
    message = f'<p class="facts">{text(item.message)}</p>' if item.message and not told else ""
    if item.snoozed_until is not None:
        reason = f": {text(item.snooze_reason)}" if item.snooze_reason else ""
        return f'{message}<p class="facts">Snoozed until {moment(item.snoozed_until)}{reason}</p>'
    if item.not_healed is not None:
        message += f'<p class="facts">Not healed: {text(item.not_healed)}</p>'
    steps = "".join(f"<li>→ <code>{text(step)}</code></li>" for step in item.next_steps)
    return f'{message}<ul class="facts steps">{steps}</ul>' if steps else message


def _card(item: DriftItem, anchor: str, *, opened: bool) -> str:
    if item.change is not None:
        tone = RISK_TONES[item.change.risk]
        return change_card(item.change, anchor, tone, opened=opened, extra=_advice(item))
    head = (
        f'<span class="badge amber">• {CAUSES[item.cause]}</span>'
        f'<span class="key">{text(f"{item.kind}/{item.name}")}</span>'
    )
    return f'<div class="change amber" id="{anchor}"><div class="head">{head}</div>{_advice(item)}</div>'


def _healed(result: ChangeResult) -> str:
    words = f"{text(result.change.action)} <code>{text(result.change.key)}</code>: {text(healed_words(result))}"
    return f"{words}. {text(result.message)}" if result.message else words


def drift_to_html(report: DriftReport) -> str:
    """Return a drift report as one self-contained HTML file."""
    anchors = {id(item): f"item-{number}" for number, item in enumerate(report.items, 1)}
    opened = len(report.items) <= OPEN_CHANGES
    snoozed = [item for item in report.items if item.snoozed_until is not None]
    causes = Counter(item.cause for item in report.items if item.snoozed_until is None)
    counts = [(causes[cause], CAUSES[cause], "amber") for cause in Cause if causes[cause]]
    parts = [
        (
            f'<header><p class="kicker">Drift</p><h1>{text(report.environment)}</h1>'
            f'<p class="meta">{drift_counts(report)}</p>'
            f'<p class="meta">Checked {moment(report.checked_at)}</p></header>'
        ),
        paused_verdict(report.notes),
        tiles([*counts, (len(snoozed), "snoozed", "blue"), (report.unchanged, "as declared", "green")]),
    ]
    if not report.drifted:
        parts.append(verdict("green", "No drift", "Live is as the manifests say."))
    if report.healed:
        rows = "".join(f"<li>{_healed(result)}</li>" for result in report.healed)
        parts.append(
            f'<section><h2>Healed <small>{len(report.healed):,}</small></h2><ul class="facts">{rows}</ul></section>'
        )
    sections = [(CAUSES[cause], items) for cause, items in by_cause(report.items)]
    if snoozed:
        sections.append(("snoozed", snoozed))
    for title, items in sections:
        cards = "".join(_card(item, anchors[id(item)], opened=opened) for item in items)
        parts.append(f"<section><h2>{title[0].upper()}{title[1:]} <small>{len(items):,}</small></h2>{cards}</section>")
    parts.append(notes_section(report.notes))
    return page(f"Drift in {report.environment}", filter(None, parts))
