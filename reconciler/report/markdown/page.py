"""The building blocks of Markdown fit for a GitHub comment: never longer than GitHub takes.

A comment is put together from pieces in the order of their importance, each as long as there is room: what is left
out is therefore the least important, and it is counted. Tables and `<summary>` hold only our own words; everything
from outside stands in code spans, code blocks or checked prose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from reconciler.kind.kind import Action
from reconciler.reconcile.plan import Change, FieldChange, Note
from reconciler.report.escape import clip, code_span, disarm, fenced, prose, visible
from reconciler.report.values import VALUE_LIMIT, field_view
from reconciler.report.words import (
    NOTES,
    counted,
    note_lines,
    note_step,
    notes_by_kind,
    pauses,
)

# GitHub refuses more than 65,536 characters; the rest is for what a bot adds around it.
LIMIT = 65_536 - 500
# Room for the closing lines, which are written when all is counted.
_RESERVE = 1_200
FIELDS_SHOWN = 20
NOTES_SHOWN = 50
PAUSES_SHOWN = 20
_URL = re.compile(r"https://[A-Za-z0-9._~/?=&%#-]{1,500}")


def marker(report: str, environment: str) -> str:
    """Return the hidden first line by which the comment or issue of a report is found again and updated."""
    return f"<!-- reconciler:{report}:{re.sub(r'[^A-Za-z0-9_.-]', '_', environment)} -->"


class Piece(Struct):
    """A part of the page: pieces are taken in the order of `rank` while there is room, and shown in page order.

    Args:
        says: the text, or what makes it: of thousands of changes most have no place on the page.
        rank: how important it is; the lowest is the most.
        what: it is, for the count of what was left out.
    """

    says: str | Callable[[], str]
    rank: int
    what: str
    taken: bool = False
    _text: str | None = None

    @property
    def text(self) -> str:
        """What it says, disarmed: what is printed, a runner reads."""
        if self._text is None:
            self._text = disarm(self.says if isinstance(self.says, str) else self.says())
        return self._text


def _fit(pieces: Sequence[Piece], room: int) -> dict[str, int]:
    """Take the pieces that fit, the lowest rank first; return how many were left out, by what they are.

    Once a piece of some rank does not fit, nothing of a higher rank is taken: what is cut is cut in order.
    """
    left_out: dict[str, int] = {}
    closed = False
    for _, rank_pieces in _ranked(pieces):
        for piece in rank_pieces:
            if closed or len(piece.text) + 1 > room:
                left_out[piece.what] = left_out.get(piece.what, 0) + 1
            else:
                piece.taken = True
                room -= len(piece.text) + 1
        closed = closed or any(not piece.taken for piece in rank_pieces)
    return left_out


def _ranked(pieces: Sequence[Piece]) -> list[tuple[int, list[Piece]]]:
    ranks = sorted({piece.rank for piece in pieces})
    return [(rank, [piece for piece in pieces if piece.rank == rank]) for rank in ranks]


def _field_lines(fields: Iterable[FieldChange], *, created: bool) -> list[str]:
    lines: list[str] = []
    listed = list(fields)
    for field in listed[:FIELDS_SHOWN]:
        view = field_view(field, created=created)
        path = clip(visible(view.path), VALUE_LIMIT)
        if view.sensitive:
            lines.append(f"{'+' if created else '!'} {path}: secret, value not shown")
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


def details(title: str, body: str) -> str:
    """Fold a block under a title, which is ours alone: inside an HTML block Markdown escapes nothing."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>\n"


def fields_block(change: Change) -> str:
    """Fold the fields of a change as a diff."""
    lines = _field_lines(change.fields, created=change.action is Action.CREATE)
    return details(counted(len(change.fields), "field"), fenced(lines, "diff"))


def paused_block(notes: Sequence[Note]) -> str:
    """Return what is paused as an alert that stands before everything else, or nothing."""
    listed = pauses(notes)
    if not listed:
        return ""
    title = counted(len(listed), *NOTES[listed[0].kind])
    shown = [f"> - {code_span(note.subject)}: {prose(note.message, 300)}" for note in listed[:PAUSES_SHOWN]]
    if len(listed) > PAUSES_SHOWN:
        shown.append(f"> - and {len(listed) - PAUSES_SHOWN:,} more")
    return "\n".join(["> [!WARNING]", f"> **{title}**", *shown, "", ""])


def note_pieces(notes: Sequence[Note], environment: str, rank: int) -> list[Piece]:
    """Fold notes by what they are about."""
    pieces = []
    for kind, group in notes_by_kind(notes):
        one, several = NOTES[kind]
        title = counted(len(group), one, several)
        listed = "\n".join(f"- {prose(line, 300)}" for line in note_lines(kind, group, NOTES_SHOWN))
        if (step := note_step(kind, environment)) is not None:
            listed += f"\n\n→ {code_span(step)}"
        pieces.append(Piece(details(title, listed), rank, "notes"))
    return pieces


def _whole(command: str, url: str | None) -> str:
    link = f"[the run's artifacts]({url}) or " if url and _URL.fullmatch(url) else ""
    return f"The whole is in {link}the output of {code_span(command)}."


def page(head: str, pieces: Sequence[Piece], closing: str, command: str, url: str | None) -> str:
    """Put a page together from its head, the pieces that fit and the closing, and say what was left out."""
    left_out = _fit(pieces, LIMIT - len(head) - len(closing) - _RESERVE)
    parts = [head, *(piece.text for piece in pieces if piece.taken)]
    if left_out:
        cut = ", ".join(f"{what} ({number:,})" for what, number in left_out.items())
        parts.append(f"> [!NOTE]\n> Cut to fit into a comment. Left out: {cut}. {_whole(command, url)}\n")
    return disarm("\n".join([*parts, closing])).rstrip("\n") + "\n"
