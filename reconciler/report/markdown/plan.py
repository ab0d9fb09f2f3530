"""A plan as a comment for a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.manifest.rule_changes import RuleChange
from reconciler.reconcile.plan import Breach, Change, Operation, Plan
from reconciler.report.escape import clip, code_span, fenced, prose, visible
from reconciler.report.markdown.page import Piece, details, fields_block, marker, note_pieces, page, paused_block
from reconciler.report.values import VALUE_LIMIT
from reconciler.report.words import (
    RISK_MEANINGS,
    RISKS,
    SYMBOLS,
    alarms,
    by_risk,
    counted,
    moment,
    nothing_to_do,
    override_flags,
    plan_counts,
    rule_docs,
    rule_subject,
    rule_words,
    steps_told,
    told_cause,
    where,
    why_failed,
)

KEYS_SHOWN = 20
VALUES_OF_RULES = 160
"""Characters of a value, or of a name, of a rule that changed."""
STEPS_SHOWN = 30


def plan_to_markdown(plan: Plan, *, url: str | None = None) -> str:
    """Return a plan as a comment for the pull request, at most `LIMIT` characters.

    Args:
        plan: what to show.
        url: an https URL where the whole plan lies, named where something was cut.
    """
    first = f"{plan_alarms(plan)}{paused_block(plan.notes)}{plan_rules(plan)}"
    head = f"{marker('plan', plan.environment)}\n{first}{plan_title(plan)}"
    # What a workflow that is started by hand is given, where nobody else has to agree; also for secrets alone.
    wanted = plan.secrets_at_apply or not plan.is_empty
    named = f" Digest {code_span(plan.approves)}." if plan.approves and wanted else ""
    read = f" <sub>Live was read {moment(plan.created_at)}; approves until {moment(plan.expires_at)}.{named}</sub>"
    closing = f"{plan_closing(plan)}{read if plan.error is None else ''}"
    return page(head, plan_pieces(plan), closing, f"reconciler plan -e {plan.environment}", url)


def plan_title(plan: Plan) -> str:
    """Return the heading of a plan, and its changes counted by risk and action, or why planning failed."""
    title = f"### Plan for {code_span(plan.environment)}: {plan_counts(plan)}\n"
    if (failed := why_failed(plan)) is not None:
        step = f"\n>\n> → {prose(failed[1])}" if failed[1] else ""
        return f"{title}\n> [!CAUTION]\n> **Planning failed**: {prose(failed[0])}{step}\n"
    return f"{title}\n{_table(plan.changes)}" if plan.changes else title


def plan_pieces(plan: Plan) -> list[Piece]:
    """Return what stands below the heading, in page order; what the guardrails refuse has rank 0."""
    pieces = [
        Piece(_breach(breach), 0, "guardrails")
        for breach in sorted(plan.breaches, key=lambda breach: breach.overridden is not None)
    ]
    risks = list(Risk)
    for risk, changes in by_risk(plan.changes):
        order = risks.index(risk)
        pieces.append(Piece(f"#### {RISKS[risk]}\n<sub>{RISK_MEANINGS[risk]}</sub>\n", 1 + order, "headings"))
        for change in changes:
            pieces.append(Piece(partial(_change_line, change), 1 + order, f"{RISKS[risk].lower()} changes"))
            if change.fields:
                what = f"fields of {RISKS[risk].lower()} changes"
                pieces.append(Piece(partial(fields_block, change), 10 + order, what))
    if plan.operations:
        pieces.append(Piece("#### Requests\n<sub>done once, after the changes</sub>\n", 5, "headings"))
    pieces.extend(Piece(operation_block(operation), 6, "requests") for operation in plan.operations)
    notes = note_pieces(plan.notes, plan.environment, 20)
    if notes:
        pieces.append(Piece("#### Notes\n", 19, "headings"))
    pieces.extend(notes)
    return pieces


def plan_closing(plan: Plan) -> str:
    """Return the sentence that says what merging would approve."""
    if plan.error is not None:
        return "**This plan approves nothing.**"
    if plan.refused:
        return "**Apply would refuse this plan.**"
    if not plan.is_empty:
        what = "this" if plan.operations else "these changes"
        return f"Merging approves exactly {what}; what moves meanwhile is refused."
    return prose(nothing_to_do(plan))


def plan_alarms(plan: Plan) -> str:
    """Return what live does now and must not; no more of it than fits above everything else."""
    listed = alarms(plan.notes)
    shown = [f"> - {code_span(note.subject)}: {prose(note.message, 300)}" for note in listed[:KEYS_SHOWN]]
    if len(listed) > KEYS_SHOWN:
        shown.append(f"> - and {len(listed) - KEYS_SHOWN:,} more")
    return "\n".join(["> [!CAUTION]", "> **Live sends to forbidden hosts**", *shown, "", ""]) if listed else ""


def plan_rules(plan: Plan) -> str:
    """Return the rules that differ from the base, old and new; no more of it than fits above everything else."""
    listed = plan.rules_changed
    if not listed:
        return ""
    shown = [f"> - {rule_told(rule)}" for rule in listed[:KEYS_SHOWN]]
    if len(listed) > KEYS_SHOWN:
        shown.append(f"> - and {len(listed) - KEYS_SHOWN:,} more")
    return "\n".join(["> [!WARNING]", "> **Rules changed**", *shown, "", ""])


def rule_told(rule: RuleChange, environments: Sequence[str] = ()) -> str:
    """Return a rule, what it was and becomes, where it stands, and which environments it is for, where that is told."""
    words = f"{code_span(rule_subject(rule), VALUES_OF_RULES)}: {rule_words(rule, _rule_value)}"
    # What is gone as a whole stands nowhere any more.
    is_gone = rule.after is None and not rule.path
    place = "" if is_gone else f" · {code_span(where(rule.place), VALUES_OF_RULES)}"
    of = f" · for {', '.join(code_span(each, 80) for each in environments)}" if environments else ""
    return f"{words}{place}{of}"


def _rule_value(value: str) -> str:
    return code_span(value, VALUES_OF_RULES) if value else "(empty)"


def _change_line(change: Change) -> str:
    facts = [code_span(where(change.place))]
    if change.action is Action.RENAME and change.renamed_from is not None:
        facts.append(f"live ID {code_span(change.renamed_from)} becomes {code_span(change.id)}")
    if (cause := told_cause(change)) is not None:
        facts.append(cause)
    if change.detail:
        facts.append(prose(change.detail))
    if (steps := steps_told(change)) is not None:
        facts.append(prose(steps))
    symbol = SYMBOLS[change.action]
    return f"{code_span(symbol)} **{change.action.value}** {code_span(change.key)} · {' · '.join(facts)}\n"


def operation_block(operation: Operation) -> str:
    """Return what is done once, and its steps folded."""
    facts = [code_span(where(operation.place)), prose(operation.does), f"not after {moment(operation.not_after)}"]
    if operation.reason:
        facts.append(f"reason: {prose(operation.reason)}")
    if operation.unsure:
        facts.append("**whether it was carried out before cannot be known**")
    steps = fenced([clip(visible(step), VALUE_LIMIT) for step in operation.steps[:STEPS_SHOWN]])
    more = len(operation.steps) - STEPS_SHOWN
    told = f"{counted(len(operation.steps), 'step')}{f', the first {STEPS_SHOWN}' if more > 0 else ''}"
    return f"**once** {code_span(operation.key)} · {' · '.join(facts)}\n{details(told, steps)}"


def _breach(breach: Breach) -> str:
    keys = [code_span(key) for key in breach.changes[:KEYS_SHOWN]]
    rest = len(breach.changes) - len(keys)
    named = ", ".join(keys) + (f" and {rest:,} more" if rest else "")
    if breach.overridden is not None:
        head, title, tail = "IMPORTANT", "Overridden guardrail", f"Reason given: {prose(breach.overridden)}"
    else:
        flags = override_flags(breach.rule)
        advice = f"If it is meant: {code_span(flags)}" if flags else "This rule cannot be overridden"
        head, title, tail = "CAUTION", "Refused by guardrail", f"{advice}; see {code_span(rule_docs(breach.rule))}"
    first = f"> [!{head}]\n> **{title}** {code_span(breach.rule)}: {prose(breach.message)}"
    return "\n>\n".join([first, *(f"> {line}" for line in (named, tail) if line)]) + "\n"


def _table(changes: Sequence[Change]) -> str:
    """Counts by risk and action; our own words only, because a table reads code spans in its own way."""
    actions = [action for action in Action if any(change.action is action for change in changes)]
    lines = [
        f"| | {' | '.join(f'{SYMBOLS[action]} {action.value}' for action in actions)} |",
        f"|---|{'--:|' * len(actions)}",
    ]
    for risk, group in by_risk(changes):
        counts = [sum(change.action is action for change in group) for action in actions]
        lines.append(f"| **{RISKS[risk]}** | {' | '.join(f'{count:,}' if count else '' for count in counts)} |")
    return "\n".join(lines).replace("| - delete", "| − delete") + "\n"
