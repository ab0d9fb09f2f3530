"""A plan as a web page: what would happen, in which order, and what it would do to the business."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kind.kind import Action
from reconciler.reconcile.plan import Breach, Change, Operation, Plan
from reconciler.report.html.page import (
    OPEN_CHANGES,
    RISK_TONES,
    TONES,
    change_card,
    notes_section,
    operation_card,
    page,
    paused_verdict,
    text,
    tiles,
    verdict,
)
from reconciler.report.words import (
    RISK_MEANINGS,
    RISKS,
    SYMBOLS,
    alarms,
    by_risk,
    counted,
    moment,
    override_flags,
    plan_counts,
    plan_limits,
    rule_docs,
    rule_subject,
    rule_words,
    where,
    why_failed,
)

CHIPS_SHOWN = 12
KEYS_SHOWN = 20


def _breach(breach: Breach) -> str:
    keys = ", ".join(f"<code>{text(key)}</code>" for key in breach.changes[:KEYS_SHOWN])
    rest = len(breach.changes) - KEYS_SHOWN
    lines = [text(breach.message), f"{keys} and {rest:,} more" if rest > 0 else keys]
    if breach.overridden is not None:
        return verdict(
            "amber", f"Overridden: {text(breach.rule)}", *filter(None, lines), f"Reason: {text(breach.overridden)}"
        )
    flags = override_flags(breach.rule)
    advice = f"If it is meant: <code>{text(flags)}</code>" if flags else "This rule cannot be overridden"
    docs = f"<code>{text(rule_docs(breach.rule))}</code>"
    return verdict("red", f"Refused: {text(breach.rule)}", *filter(None, lines), f"{advice}; see {docs}")


def _alarms(plan: Plan) -> str:
    lines = [f"<code>{text(note.subject)}</code>: {text(note.message)}" for note in alarms(plan.notes)]
    return verdict("red", "Live sends to forbidden hosts", *lines) if lines else ""


def _rules(plan: Plan) -> str:
    shown = [
        f"<code>{text(rule_subject(rule))}</code>: {text(rule_words(rule))} <small>{text(where(rule.place))}</small>"
        for rule in plan.rules_changed
    ]
    return verdict("amber", f"Rules changed since {text(plan.base or '')}", *shown) if shown else ""


def _failed(plan: Plan) -> str:
    failed = why_failed(plan)
    return verdict("red", "Planning failed", *(text(line) for line in failed if line)) if failed is not None else ""


def _chip(change: Change, anchor: str) -> str:
    label = f"{SYMBOLS[change.action]} {text(change.key, 120)}"
    return f'<a class="chip {TONES[change.action]}" href="#{anchor}" title="{change.action.value}">{label}</a>'


def _operation(operation: Operation) -> str:
    told = [text(operation.does), f"not after {moment(operation.not_after)}"]
    if operation.reason:
        told.append(f"reason: {text(operation.reason)}")
    if operation.unsure:
        told.append("<strong>whether it was carried out before cannot be known</strong>")
    return operation_card(operation, "amber", " · ".join(told), operation.steps)


def _levels(plan: Plan, anchors: Mapping[str, str]) -> str:
    """The order of apply: one column per level, what stands in a column happens side by side."""
    columns = []
    levels = sorted({change.level for change in plan.changes})
    for number, level in enumerate(levels, 1):
        changes = [change for change in plan.changes if change.level == level]
        chips = "".join(_chip(change, anchors[change.key]) for change in changes[:CHIPS_SHOWN])
        rest = len(changes) - CHIPS_SHOWN
        more = f'<p class="more">and {rest:,} more</p>' if rest > 0 else ""
        columns.append(f'<li class="level"><h3>Step {number} of {len(levels)}</h3>{chips}{more}</li>')
    arrow = '<li class="arrow" aria-hidden="true">→</li>'
    return (
        "<section><h2>Order of apply <small>what stands in one step happens side by side</small></h2>"
        f'<ol class="levels">{arrow.join(columns)}</ol></section>'
    )


def _summary(plan: Plan) -> str:
    counts = [(plan.summary[action.value], f"to {action.value}", TONES[action]) for action in Action]
    return tiles([*counts, (plan.unchanged, "unchanged", "")])


def plan_to_html(plan: Plan) -> str:
    """Return a plan as one self-contained HTML file."""
    connections = " · ".join(f"{text(name)} <code>{text(url)}</code>" for name, url in plan.connections)
    anchors = {change.key: f"change-{number}" for number, change in enumerate(plan.changes, 1)}
    parts = [
        (
            f'<header><p class="kicker">Plan</p><h1>{text(plan.environment)}</h1>'
            f'<p class="meta">{plan_counts(plan)}</p>'
            f'<p class="meta">Live was read {moment(plan.created_at)} · approves until {moment(plan.expires_at)}</p>'
            f'<p class="meta">{connections}</p></header>'
        ),
        _failed(plan),
        _alarms(plan),
        paused_verdict(plan.notes),
        _rules(plan),
        _summary(plan),
        *(_breach(breach) for breach in sorted(plan.breaches, key=lambda breach: breach.overridden is not None)),
    ]
    if plan.is_empty:
        limits = plan_limits(plan)
        line = f"In what the plan is limited to: {text(limits)}" if limits else "Live is as the manifests say."
        parts.append(verdict("green", "Nothing to do", line))
    elif len({change.level for change in plan.changes}) > 1:
        parts.append(_levels(plan, anchors))
    opened = len(plan.changes) <= OPEN_CHANGES
    for risk, changes in by_risk(plan.changes):
        tone = RISK_TONES[risk]
        cards = "".join(change_card(change, anchors[change.key], tone, opened=opened) for change in changes)
        title = f"{RISKS[risk]} <small>{counted(len(changes), 'change')}, {RISK_MEANINGS[risk]}</small>"
        parts.append(f"<section><h2>{title}</h2>{cards}</section>")
    if plan.operations:
        cards = "".join(_operation(operation) for operation in plan.operations)
        parts.append(f"<section><h2>Requests <small>done once, after the changes</small></h2>{cards}</section>")
    parts.append(notes_section(plan.notes))
    parts.append(f'<footer>Plan <span class="mono">{text(plan.digest)}</span></footer>')
    return page(f"Plan for {plan.environment}", filter(None, parts))
