"""Meaning of a code, as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from reconciler.report.codes.lookup import Meaning, plain
from reconciler.report.escape import terminal
from reconciler.report.style import BOLD, DIM, Style

_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")
_SHORTEST = 30


def meaning_to_text(found: Sequence[Meaning], style: Style | None = None, *, listed: bool = False) -> str:
    """Return what a code means, as text.

    Args:
        found: its meanings, one or several.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
        listed: whether they are codes of many sorts, of each of which the first sentence is enough.
    """
    style = style or Style()
    if listed:
        return style.finish(_list(found, style))
    lines: list[str] = []
    for meaning in found:
        status = "" if meaning.exit_status is None else f", exit status {meaning.exit_status}"
        lines.extend([*([""] if lines else []), *style.wrap(f"{meaning.code} ({meaning.what}{status})", 0, BOLD)])
        for paragraph in meaning.paragraphs:
            lines.extend(style.wrap(plain(paragraph), 2))
        if meaning.example is not None:
            lines.extend(["", *(terminal(f"    {line}".rstrip()) for line in meaning.example.splitlines()), ""])
        if meaning.next_step is not None:
            lines.extend(style.wrap(f"→ {plain(meaning.next_step)}", 2, DIM, hanging=2))
    return style.finish(lines)


def _list(found: Sequence[Meaning], style: Style) -> Iterator[str]:
    for what, group in groupby(found, key=lambda meaning: meaning.what):
        first, _, rest = what.partition(" ")
        yield from style.wrap(f"{first.capitalize()}s {rest}".rstrip(), 0, BOLD)
        for meaning in group:
            yield from style.wrap(f"{meaning.code}: {_short(meaning)}", 2, hanging=4)
        yield ""
    yield from style.wrap("→ `reconciler explain CODE` says the rest, and what to do.", 0, DIM)


def _short(meaning: Meaning) -> str:
    """Return the first sentence that says something, or all there is."""
    text = plain(meaning.paragraphs[0]).removeprefix("The merchant reads: ")
    end = _SENTENCE_END.search(text, _SHORTEST)
    return text[: end.start()] if end else text
