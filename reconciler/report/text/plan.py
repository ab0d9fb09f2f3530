"""A plan as text for people: the counts first, what is refused, then the changes by risk, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from reconciler.kind.kind import Action
from reconciler.reconcile.plan import Breach, Change, Note, NoteKind, Plan
from reconciler.report.escape import clip, terminal, visible
from reconciler.report.style import BOLD, DIM, GREEN, MARK_COLORS, RED, RISK_COLORS, YELLOW, Style
from reconciler.report.text.operations import operations_lines
from reconciler.report.values import VALUE_LIMIT, FieldView, field_view
from reconciler.report.words import (
    EACH_TELLS,
    NAMES_ARE_ENOUGH,
    NOTES,
    RISK_MEANINGS,
    RISKS,
    alarms,
    by_risk,
    counted,
    moment,
    not_paused,
    note_lines,
    note_step,
    notes_by_kind,
    nothing_to_do,
    override_flags,
    overrides_again,
    pauses,
    plan_counts,
    plan_limits,
    rule_docs,
    rule_subject,
    rule_words,
    steps_told,
    told_cause,
    where,
    why_failed,
)

FIELDS_SHOWN = 20
NOTES_SHOWN = 5
KEYS_SHOWN = 8
RULES_SHOWN = 30
LINE_LIMIT = 400
# Lines of a terminal: beyond these the first ones are out of sight when the last ones are written.
SCREEN = 24


def _value(text: str) -> str:
    return clip(visible(text), VALUE_LIMIT)


def _short_field(view: FieldView, style: Style, indent: int) -> list[str]:
    path = clip(visible(view.path), VALUE_LIMIT)
    color = [MARK_COLORS[view.mark]] if view.mark in MARK_COLORS else []
    if view.sensitive:
        return style.wrap(f"{view.mark} {path}: secret, value not shown", indent, *color, hanging=4)
    if view.before is None or view.after is None:
        value = view.after if view.before is None else view.before
        shown = "absent" if value is None else _value(value)
        return style.wrap(f"{view.mark} {path}: {shown}", indent, *color, hanging=4)
    before, after = _value(view.before), _value(view.after)
    line = f"~ {path}: {before} → {after}"
    if indent + len(line) <= style.width:
        return style.wrap(line, indent)
    return [
        *style.wrap(f"~ {path}:", indent, hanging=4),
        *style.wrap(f"- {before}", indent + 4, MARK_COLORS["-"], hanging=2),
        *style.wrap(f"+ {after}", indent + 4, MARK_COLORS["+"], hanging=2),
    ]


def field_lines(change: Change, style: Style, indent: int) -> Iterator[str]:
    """Yield the lines of a change's fields, the first `FIELDS_SHOWN` of them, and how many more there are."""
    listed = change.fields
    for field in listed[:FIELDS_SHOWN]:
        view = field_view(field, created=change.action is Action.CREATE)
        if not view.diff:
            yield from _short_field(view, style, indent)
            continue
        yield from style.wrap(f"{view.mark} {clip(visible(view.path), VALUE_LIMIT)}:", indent, hanging=4)
        for mark, line in view.diff:
            shown = clip(visible(line), max(style.width - indent - 6, LINE_LIMIT))
            yield " " * (indent + 4) + style.paint(f"{mark} {shown}".rstrip(), MARK_COLORS.get(mark, DIM))
    if len(listed) > FIELDS_SHOWN:
        yield " " * indent + style.paint(f"… and {len(listed) - FIELDS_SHOWN:,} more fields", DIM)


def headed(lead: str, lead_width: int, key: str, place: str, style: Style) -> list[str]:
    """Return `  LEAD KEY  PLACE`, the place on a line of its own where it does not fit; a place is never broken."""
    shown, source = clip(terminal(key), VALUE_LIMIT), clip(terminal(place), VALUE_LIMIT)
    head = f"  {lead} {style.paint(shown, BOLD)}"
    if not source:
        return [head]
    if 2 + lead_width + 1 + len(shown) + 2 + len(source) <= style.width:
        return [f"{head}  {style.paint(source, DIM)}"]
    return [head, f"      {style.paint(source, DIM)}"]


def change_lines(change: Change, style: Style) -> Iterator[str]:
    """Yield one change: what, where in the manifests, why, and its fields."""
    yield from headed(style.action(change.action), 9, change.key, where(change.place), style)
    facts = []
    if change.action is Action.RENAME and change.renamed_from is not None:
        facts.append(f"live ID {clip(change.renamed_from, VALUE_LIMIT)} → {clip(change.id, VALUE_LIMIT)}")
    elif change.id != change.name and change.action is not Action.CREATE:
        facts.append(f"live ID {clip(change.id, VALUE_LIMIT)}")
    if (cause := told_cause(change)) is not None:
        facts.append(cause)
    if change.detail:
        facts.append(clip(change.detail, 2 * VALUE_LIMIT))
    if (steps := steps_told(change)) is not None:
        facts.append(clip(steps, 4 * VALUE_LIMIT))
    if facts:
        yield from style.wrap("; ".join(facts), 6)
    yield from field_lines(change, style, 6)


def _breach_lines(breach: Breach, style: Style) -> Iterator[str]:
    if breach.overridden is not None:
        yield from style.wrap(f"Overridden: {breach.rule}", 0, YELLOW, BOLD)
    else:
        yield from style.wrap(f"Refused: {breach.rule}", 0, RED, BOLD)
    yield from style.wrap(clip(visible(breach.message), 600), 2)
    keys = [clip(visible(key), VALUE_LIMIT) for key in breach.changes[:KEYS_SHOWN]]
    rest = len(breach.changes) - len(keys)
    if keys:
        yield from style.wrap(", ".join(keys) + (f" and {rest:,} more" if rest else ""), 2, DIM)
    if breach.overridden is not None:
        yield from style.wrap(f"Reason given: {clip(visible(breach.overridden), 600)}", 2)
    else:
        flags = override_flags(breach.rule)
        advice = f"If it is meant: {flags}" if flags else "This rule cannot be overridden"
        yield from style.wrap(f"{advice}; see `{rule_docs(breach.rule)}`", 2)
    yield ""


def alarm_lines(notes: Iterable[Note], style: Style) -> Iterator[str]:
    """Yield what live does now and must not, and what is paused, each with the object."""
    for listed, color in ((alarms(notes), RED), (not_paused(notes), YELLOW), (pauses(notes), YELLOW)):
        if not listed:
            continue
        yield from style.wrap(counted(len(listed), *NOTES[listed[0].kind]), 0, color, BOLD)
        for note in listed:
            yield from style.wrap(clip(visible(f"{note.subject}: {note.message}"), 400), 2, hanging=2)
        yield ""


def rules_lines(plan: Plan, style: Style) -> Iterator[str]:
    """Yield the rules that differ from the base, each with its old and new value and its place."""
    if plan.base is None:
        return
    if not plan.rules_changed:
        yield from style.wrap(f"No rules changed since {clip(visible(plan.base), VALUE_LIMIT)}", 0, DIM)
        yield ""
        return
    yield from style.wrap(f"Rules changed since {clip(visible(plan.base), VALUE_LIMIT)}", 0, YELLOW, BOLD)
    for rule in plan.rules_changed[:RULES_SHOWN]:
        told = f"{rule_subject(rule)}: {clip(visible(rule_words(rule)), 400)}"
        yield from style.wrap(clip(visible(told), 600), 2, hanging=2)
        yield from style.wrap(clip(visible(where(rule.place)), VALUE_LIMIT), 6, DIM)
    if len(plan.rules_changed) > RULES_SHOWN:
        yield from style.wrap(f"and {len(plan.rules_changed) - RULES_SHOWN:,} more", 2)
    yield ""


def notes_lines(notes: Iterable[Note], environment: str, style: Style) -> Iterator[str]:
    """Yield the notes, a line for each or for those of a kind; in full where the style says so.

    Args:
        notes: of a plan or a drift report.
        environment: what they are about.
        style: how they look.
    """
    groups = notes_by_kind(note for note in notes if note.kind is not NoteKind.NOT_PAUSED)  # at the top
    if not groups:
        return
    lines: list[str] = []
    cut = False
    for kind, group in groups:
        if style.full:
            lines.extend(_full_notes(kind, group, style))
        else:
            found = [style.line(clip(visible(line), 400), 2) for line in _brief_notes(kind, group, style.width - 2)]
            cut = cut or any(shortened for _, shortened in found) or len(group) > len(found)
            lines.extend(line for line, _ in found)
        if (step := note_step(kind, environment)) is not None:
            lines.extend(style.wrap(f"→ {step}", 6, DIM, hanging=2))
    yield style.paint("Notes", BOLD) + style.paint(" (-v tells them in full)" if cut else "", DIM)
    yield from lines
    yield ""


def _full_notes(kind: NoteKind, notes: Sequence[Note], style: Style) -> Iterator[str]:
    yield from style.wrap(counted(len(notes), *NOTES[kind]), 2)
    for line in note_lines(kind, notes, len(notes)):
        yield from style.wrap(clip(visible(line), 400), 6, DIM, hanging=2)


def _brief_notes(kind: NoteKind, notes: Sequence[Note], room: int) -> list[str]:
    """Return a line for each note where they say something of their own, else one for all of a kind."""
    if kind in EACH_TELLS or (len(notes) == 1 and kind not in NAMES_ARE_ENOUGH):
        return note_lines(kind, notes, NOTES_SHOWN)
    names = list(dict.fromkeys(note.subject for note in notes))
    line = head = counted(len(notes), *NOTES[kind])
    for number in range(1, min(len(names), KEYS_SHOWN) + 1):
        rest = len(names) - number
        longer = f"{head}: {', '.join(names[:number])}{f' and {rest:,} more' if rest else ''}"
        if len(visible(longer)) > room:
            break
        line = longer
    return [line]


def _closing(plan: Plan, saved_as: str | None, now: datetime | None) -> str:
    environment = visible(plan.environment)
    if plan.error is not None:
        return "This plan approves nothing."
    if plan.refused:
        return "Apply would refuse this plan. Change the manifests, or override as shown above."
    if plan.is_empty:
        return visible(nothing_to_do(plan))
    if saved_as is not None:
        until = moment(plan.expires_at)
        if now is not None and now >= plan.expires_at:
            limits = visible(" ".join(filter(None, (plan_limits(plan), overrides_again(plan)))))
            again = f"{f'reconciler plan -e {environment} {limits}'.rstrip()} --save {visible(saved_as)}"
            return (
                f"It expired at {until} and approves nothing any more. Plan again with `{again}`, and have it reviewed."
            )
        command = f"reconciler apply {visible(saved_as)} -e {environment} {visible(overrides_again(plan))}".rstrip()
        return f"Apply exactly this with `{command}` until {until}."
    limits = visible(" ".join(filter(None, (plan_limits(plan), overrides_again(plan)))))
    command = f"reconciler apply -e {environment} {limits}".rstrip()
    kept = f"reconciler plan -e {environment} {limits}".rstrip()
    if any(note.kind is NoteKind.INTERRUPTED_RUN for note in plan.notes):
        step = note_step(NoteKind.INTERRUPTED_RUN, environment)
        return f"Carry on with `{step}`; it looks before it writes. Or apply this plan with `{command}`."
    return f"Apply it with `{command}`; keep it for review with `{kept} --save plan.json`."


def plan_to_text(
    plan: Plan,
    style: Style | None = None,
    *,
    saved_as: str | None = None,
    is_asked_for: bool = False,
    now: datetime | None = None,
) -> str:
    """Return a plan as text.

    Args:
        plan: what to show.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
        saved_as: the file that holds the plan, when it was saved; the closing line then names it.
        now: what time it is, where the plan may have expired since it was made.
        is_asked_for: whether somebody is asked at once whether to apply it, and needs to be told no command.
    """
    style = style or Style()
    counts = style.wrap(f"Plan for {plan.environment}: {plan_counts(plan)}", 0, BOLD)
    lines = [
        *alarm_lines(plan.notes, style),
        *rules_lines(plan, style),
        *counts,
        "",
    ]
    if (failed := why_failed(plan)) is not None:
        lines.extend(style.wrap(f"Planning failed: {clip(visible(failed[0]), 600)}", 0, RED, BOLD))
        lines.extend(style.wrap(f"→ {clip(visible(failed[1]), 600)}", 2, hanging=2) if failed[1] else ())
        lines.append("")
    for breach in sorted(plan.breaches, key=lambda breach: breach.overridden is not None):
        lines.extend(_breach_lines(breach, style))
    for risk, changes in by_risk(plan.changes):
        color = RISK_COLORS[risk]
        lines.append(f"{style.paint(RISKS[risk], color, BOLD)}{style.paint(f' ({RISK_MEANINGS[risk]})', DIM)}")
        for change in changes:
            lines.extend(change_lines(change, style))
        lines.append("")
    lines.extend(operations_lines(plan.operations, style))
    lines.extend(notes_lines(plan.notes, plan.environment, style))
    is_long = len(lines) > SCREEN
    if not is_asked_for:
        lines.extend(style.wrap(_closing(plan, saved_as, now), 0, *((GREEN,) if plan.is_empty else ())))
    return style.finish([*lines, *(counts if is_long else ())])
