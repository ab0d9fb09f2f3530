"""The building blocks of the HTML reports: one self-contained file without scripts that may load nothing at all."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import Change, FieldChange, Note, Operation
from reconciler.report.escape import clip, html, visible
from reconciler.report.html.stylesheet import CSS
from reconciler.report.values import FieldView, field_view
from reconciler.report.words import (
    NOTES,
    SYMBOLS,
    counted,
    note_lines,
    notes_by_kind,
    pauses,
    steps_told,
    told_cause,
    where,
)

TONES = {
    Action.CREATE: "green",
    Action.UPDATE: "blue",
    Action.DELETE: "red",
    Action.RENAME: "teal",
    Action.PAUSE: "purple",
    Action.RESUME: "green",
}
RISK_TONES = {Risk.LOSES_DATA: "red", Risk.STOPS_SYNC: "purple", Risk.RE_SYNCS: "amber", Risk.COSMETIC: "blue"}
VALUE_LIMIT = 2_000
TEXT_LIMIT = 1_000
NOTES_SHOWN = 200
STEPS_SHOWN = 50
# More changes than this start folded: the page is then a list to open, not a scroll to search.
OPEN_CHANGES = 40
_MARK_CLASSES = {"+": "add", "-": "del", "…": "gap", " ": "ctx"}
_STYLE_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def text(value: str, limit: int = TEXT_LIMIT) -> str:
    """Return text from outside for the page, clipped."""
    return html(clip(visible(value), limit))


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole document. `title` is text from outside; `parts` are finished HTML."""
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title, 200)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n"
        "</html>\n"
    )


def tiles(counts: Sequence[tuple[int, str, str]]) -> str:
    """Return a row of counts: number, our own words, tone (or nothing)."""
    items = (
        f'<li class="tile {tone if number else "none"}"><b>{number:,}</b><span>{words}</span></li>'
        for number, words, tone in counts
    )
    return f'<ul class="tiles">{"".join(items)}</ul>'


def verdict(tone: str, title: str, *lines: str) -> str:
    """Return a banner; `title` and `lines` are finished HTML."""
    return f'<div class="verdict {tone}"><strong>{title}</strong>{"".join(f"<p>{line}</p>" for line in lines)}</div>'


def _cell(value: str | None, name: str) -> str:
    if value is None:
        return '<td><span class="absent">absent</span></td>'
    return f'<td class="{name}"><code>{text(value, VALUE_LIMIT)}</code></td>'


def _row(view: FieldView) -> str:
    head = f'<th scope="row"><code>{text(view.path)}</code></th>'
    if view.sensitive:
        return f'<tr>{head}<td colspan="2"><span class="absent">secret, value not shown</span></td></tr>'
    if view.diff:
        lines = "".join(
            f'<span class="{_MARK_CLASSES[mark]}">{mark} {text(line, VALUE_LIMIT)}</span>' for mark, line in view.diff
        )
        return f'<tr>{head}<td colspan="2"><pre>{lines}</pre></td></tr>'
    return f"<tr>{head}{_cell(view.before, 'old')}{_cell(view.after, 'new')}</tr>"


def fields_table(fields: Sequence[FieldChange]) -> str:
    """Return the fields of a change as a table of before and after."""
    if not fields:
        return ""
    rows = "".join(_row(field_view(field)) for field in fields)
    head = '<tr><th scope="col">Field</th><th scope="col">Live now</th><th scope="col">After</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def badge(action: Action) -> str:
    """Return symbol and word of an action."""
    return f'<span class="badge {TONES[action]}">{SYMBOLS[action]} {action.value}</span>'


def facts(change: Change) -> str:
    """Return why a change is there, as one paragraph, or nothing."""
    found = []
    if change.action is Action.RENAME and change.renamed_from is not None:
        found.append(f"live ID <code>{text(change.renamed_from)}</code> becomes <code>{text(change.id)}</code>")
    elif change.id != change.name:
        found.append(f"live ID <code>{text(change.id)}</code>")
    if (cause := told_cause(change)) is not None:
        found.append(cause)
    if change.detail:
        found.append(text(change.detail))
    if (steps := steps_told(change)) is not None:
        found.append(text(steps))
    return f'<p class="facts">{" · ".join(found)}</p>' if found else ""


def change_card(change: Change, anchor: str, tone: str, *, opened: bool, extra: str = "") -> str:
    """Return one change as a card that folds. `extra` is finished HTML between the facts and the fields."""
    head = (
        f'{badge(change.action)}<span class="key">{text(change.key)}</span>'
        f'<span class="place mono">{text(where(change.place))}</span>'
    )
    body = f"{facts(change)}{extra}{fields_table(change.fields)}"
    if not body:
        return f'<div class="change {tone}" id="{anchor}"><div class="head">{head}</div></div>'
    return (
        f'<details class="change {tone}" id="{anchor}"{" open" if opened else ""}>'
        f"<summary>{head}</summary>{body}</details>"
    )


def operation_card(operation: Operation, tone: str, told: str, steps: Sequence[str]) -> str:
    """Return one operation as a card that folds; `told` is finished HTML."""
    items = "".join(f"<li><code>{text(step, VALUE_LIMIT)}</code></li>" for step in steps[:STEPS_SHOWN])
    more = f"<li>and {len(steps) - STEPS_SHOWN:,} more</li>" if len(steps) > STEPS_SHOWN else ""
    return (
        f'<details class="change {tone}" open><summary><span class="badge {tone}">once</span>'
        f'<span class="key">{text(operation.key)}</span>'
        f'<span class="place mono">{text(where(operation.place))}</span></summary>'
        f'<p class="facts">{told}</p><ol class="facts">{items}{more}</ol></details>'
    )


def paused_verdict(notes: Sequence[Note]) -> str:
    """Return what is paused, or nothing: it stands at the beginning."""
    listed = pauses(notes)
    lines = [f"<code>{text(note.subject)}</code>: {text(note.message)}" for note in listed]
    return verdict("amber", counted(len(lines), *NOTES[listed[0].kind]), *lines) if listed else ""


def notes_section(notes: Sequence[Note]) -> str:
    """Return the notes, folded by kind and counted, or nothing."""
    folded = []
    for kind, group in notes_by_kind(notes):
        items = "".join(f"<li>{text(line)}</li>" for line in note_lines(kind, group, NOTES_SHOWN))
        title = counted(len(group), *NOTES[kind])
        folded.append(f"<details><summary>{title}</summary><ul>{items}</ul></details>")
    return f'<section class="notes"><h2>Notes</h2>{"".join(folded)}</section>' if folded else ""
