"""Markdown fit for a GitHub comment: a table of counts, what destroys on top, and never longer than GitHub takes.

A comment is put together from pieces in the order of their importance, each as long as there is room: what is left
out is therefore the least important, and it is counted. Tables and `<summary>` hold only our own words; everything
from outside stands in code spans, code blocks or checked prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import Breach, Cause, Change, DriftItem, DriftReport, FieldChange, Note, Plan
from reconciler.report.escape import clip, code_span, fenced, prose, visible
from reconciler.report.values import VALUE_LIMIT, field_view
from reconciler.report.words import (
    CAUSES,
    NOTES,
    RISK_MEANINGS,
    RISKS,
    SYMBOLS,
    by_cause,
    by_risk,
    counted,
    drift_counts,
    moment,
    note_lines,
    notes_by_kind,
    override_flags,
    plan_counts,
    rule_docs,
    where,
)

# GitHub refuses more than 65,536 characters; the rest is for what a bot adds around it.
LIMIT = 65_536 - 500
# Room for the closing lines, which are written when all is counted.
_RESERVE = 1_200
FIELDS_SHOWN = 20
NOTES_SHOWN = 50
KEYS_SHOWN = 20
_BOX = {Risk.LOSES_DATA: "CAUTION", Risk.STOPS_SYNC: "WARNING"}
_URL = re.compile(r"https://[A-Za-z0-9._~/?=&%#-]{1,500}")


def marker(report: str, environment: str) -> str:
    """Return the hidden first line by which the comment or issue of a report is found again and updated."""
    return f"<!-- reconciler:{report}:{re.sub(r'[^A-Za-z0-9_.-]', '_', environment)} -->"


@dataclass(slots=True)
class _Piece:
    """A part of the page: pieces are taken in the order of `rank` while there is room, and shown in page order."""

    text: str
    rank: int
    what: str
    taken: bool = False


def _fit(pieces: Sequence[_Piece], room: int) -> dict[str, int]:
    """Take the pieces that fit, the lowest rank first; return how many were left out, by what they are.

    Once a piece of some rank does not fit, nothing of a higher rank is taken: what is cut is cut in order.
    """
    left_out: dict[str, int] = {}
    closed = False
    for _, rank_pieces in _ranked(pieces):
        for piece in rank_pieces:
            cost = len(piece.text) + 1
            if closed or cost > room:
                left_out[piece.what] = left_out.get(piece.what, 0) + 1
            else:
                piece.taken = True
                room -= cost
        closed = closed or any(not piece.taken for piece in rank_pieces)
    return left_out


def _ranked(pieces: Sequence[_Piece]) -> list[tuple[int, list[_Piece]]]:
    ranks = sorted({piece.rank for piece in pieces})
    return [(rank, [piece for piece in pieces if piece.rank == rank]) for rank in ranks]


def _field_lines(fields: Iterable[FieldChange]) -> list[str]:
    lines: list[str] = []
    listed = list(fields)
    for field in listed[:FIELDS_SHOWN]:
        view = field_view(field)
        path = clip(visible(view.path), VALUE_LIMIT)
        if view.sensitive:
            lines.append(f"! {path}: secret, value not shown")
        elif view.diff:
            lines.append(f"  {path}:")
            lines.extend(f"{mark}   {clip(visible(line), VALUE_LIMIT)}".rstrip() for mark, line in view.diff)
        else:
            for mark, value in (("-", view.before), ("+", view.after)):
                if value is not None:
                    lines.append(f"{mark} {path}: {clip(visible(value), VALUE_LIMIT)}")
    if len(listed) > FIELDS_SHOWN:
        lines.append(f"  … and {len(listed) - FIELDS_SHOWN:,} more fields")
    return lines


def _details(title: str, body: str) -> str:
    """A folded block. `title` is ours alone: inside an HTML block Markdown escapes nothing."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>\n"


def _fields(fields: Sequence[FieldChange]) -> str:
    return _details(counted(len(fields), "field"), fenced(_field_lines(fields), "diff"))


def _change_line(change: Change) -> str:
    facts = [code_span(where(change.place))]
    if change.action is Action.RENAME and change.renamed_from is not None:
        facts.append(f"live ID {code_span(change.renamed_from)} becomes {code_span(change.id)}")
    if change.cause is not Cause.DIFFERS:
        facts.append(CAUSES[change.cause])
    if change.detail:
        facts.append(prose(change.detail))
    symbol = SYMBOLS[change.action]
    return f"{code_span(symbol)} **{change.action.value}** {code_span(change.key)} · {' · '.join(facts)}\n"


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


def _note_pieces(notes: Sequence[Note], rank: int) -> list[_Piece]:
    pieces = []
    for kind, group in notes_by_kind(notes):
        one, several = NOTES[kind]
        title = counted(len(group), one, several)
        listed = "\n".join(f"- {prose(line, 300)}" for line in note_lines(kind, group, NOTES_SHOWN))
        pieces.append(_Piece(_details(title, listed), rank, "notes"))
    return pieces


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


def _whole(command: str, url: str | None) -> str:
    link = f"[the run's artifacts]({url}) or " if url and _URL.fullmatch(url) else ""
    return f"The whole is in {link}the output of {code_span(command)}."


def _page(head: str, pieces: Sequence[_Piece], closing: str, command: str, url: str | None) -> str:
    """Put a page together from its head, the pieces that fit and the closing, and say what was left out."""
    left_out = _fit(pieces, LIMIT - len(head) - len(closing) - _RESERVE)
    parts = [head, *(piece.text for piece in pieces if piece.taken)]
    if left_out:
        cut = ", ".join(f"{what} ({number:,})" for what, number in left_out.items())
        parts.append(f"> [!NOTE]\n> Cut to fit into a comment. Left out: {cut}. {_whole(command, url)}\n")
    return "\n".join([*parts, closing]).rstrip("\n") + "\n"


def plan_to_markdown(plan: Plan, *, url: str | None = None) -> str:
    """Return a plan as a comment for the pull request, at most `LIMIT` characters.

    Args:
        plan: what to show.
        url: an https URL where the whole plan lies, named where something was cut.
    """
    head = f"{marker('plan', plan.environment)}\n### Plan for {code_span(plan.environment)}: {plan_counts(plan)}\n"
    if plan.changes:
        head += f"\n{_table(plan.changes)}"
    pieces = [
        _Piece(_breach(breach), 0, "guardrails")
        for breach in sorted(plan.breaches, key=lambda breach: breach.overridden is not None)
    ]
    risks = list(Risk)
    for risk, changes in by_risk(plan.changes):
        order = risks.index(risk)
        pieces.append(_Piece(f"#### {RISKS[risk]}\n<sub>{RISK_MEANINGS[risk]}</sub>\n", 1 + order, "headings"))
        for change in changes:
            pieces.append(_Piece(_change_line(change), 1 + order, f"{RISKS[risk].lower()} changes"))
            if change.fields:
                what = f"fields of {RISKS[risk].lower()} changes"
                pieces.append(_Piece(_fields(change.fields), 10 + order, what))
    notes = _note_pieces(plan.notes, 20)
    if notes:
        pieces.append(_Piece("#### Notes\n", 19, "headings"))
    pieces.extend(notes)
    read = f"<sub>Live was read {moment(plan.created_at)}; approves until {moment(plan.expires_at)}.</sub>"
    if plan.refused:
        closing = f"**Apply would refuse this plan.** {read}"
    elif plan.changes:
        closing = f"Merging approves exactly these changes; what moves meanwhile is refused. {read}"
    else:
        closing = f"Nothing to do: live is as the manifests say. {read}"
    return _page(head, pieces, closing, f"reconciler plan -e {plan.environment}", url)


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


def drift_to_markdown(report: DriftReport, *, url: str | None = None) -> str:
    """Return a drift report as the body of the rolling issue, at most `LIMIT` characters.

    Args:
        report: what drift found.
        url: an https URL where the whole report lies, named where something was cut.
    """
    environment = report.environment
    head = f"{marker('drift', environment)}\n### Drift in {code_span(environment)}: {drift_counts(report)}\n"
    pieces: list[_Piece] = []
    for _, items in by_cause(report.items):
        for item in items:
            order = list(Risk).index(item.change.risk) if item.change else len(Risk)
            pieces.append(_Piece(_item(item), order, "objects that drifted"))
            if item.change and item.change.fields:
                pieces.append(_Piece(_fields(item.change.fields), 10 + order, "fields"))
    snoozed = [item for item in report.items if item.snoozed_until is not None]
    if snoozed:
        body = "\n".join(_item(item) for item in snoozed)
        pieces.append(_Piece(_details(f"{len(snoozed):,} snoozed", body), 20, "snoozed objects"))
    pieces.extend(_note_pieces(report.notes, 21))
    verdict = "" if report.drifted else "No drift: live is as the manifests say. "
    closing = f"{verdict}<sub>Checked {moment(report.checked_at)}.</sub>"
    return _page(head, pieces, closing, f"reconciler drift -e {environment}", url)
