"""Meaning of a code, as text."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.report.codes.lookup import Meaning, plain
from reconciler.report.escape import terminal
from reconciler.report.style import BOLD, DIM, Style


def meaning_to_text(found: Sequence[Meaning], style: Style | None = None) -> str:
    """Return what a code means, as text.

    Args:
        found: its meanings, one or several.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
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
