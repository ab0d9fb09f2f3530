"""The problems that `validate` finds, as text: grouped by file, the counts last, where the eye is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from reconciler.errors import Problem
from reconciler.report.ci.sentence import MESSAGE_LIMIT, ordered
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, GREEN, RED, YELLOW, Style
from reconciler.report.words import counted


def problems_to_text(
    problems: Sequence[Problem],
    warnings: Sequence[Problem] = (),
    style: Style | None = None,
    *,
    checked: int | None = None,
) -> str:
    """Return the problems as text, grouped by file, the counts last, where the eye is.

    Args:
        problems: what is wrong; none: the text says that all is well.
        warnings: what stands in nobody's way and should be known; listed first.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
        checked: how many manifests were read, when the caller knows.
    """
    style = style or Style()
    read = f" ({counted(checked, 'manifest')} read)" if checked is not None else ""
    lines = [*_listed(warnings, style, YELLOW, "warning "), *_listed(problems, style, RED)]
    beside = f", {counted(len(warnings), 'warning')}" if warnings else ""
    if problems:
        files = len({problem.place.file for problem in problems})
        head = f"✗ {counted(len(problems), 'problem')} in {counted(files, 'file')}"
        lines.extend(style.wrap(f"{head}{beside}{read}.", 0, BOLD, RED))
    else:
        lines.extend(style.wrap(f"✓ No problems{beside}{read}.", 0, GREEN))
    return style.finish(lines)


def _listed(problems: Sequence[Problem], style: Style, color: str, mark: str = "") -> list[str]:
    lines: list[str] = []
    for file, group in groupby(ordered(problems), key=lambda problem: problem.place.file):
        lines.append(style.paint(clip(visible(file), MESSAGE_LIMIT), BOLD))
        for problem in group:
            # The place stays in one piece on its own line: terminals and editors make it clickable.
            place = clip(visible(str(problem.place)), MESSAGE_LIMIT)
            lines.append(f"  {style.paint(place, color)} {style.paint(f'[{mark}{visible(problem.code)}]', DIM)}")
            lines.extend(style.wrap(_shown(problem.message), 6))
            if problem.value is not None:
                lines.extend(style.wrap(f"value: {_shown(problem.value)}", 6, hanging=2))
            if problem.hint:
                lines.extend(style.wrap(f"→ {_shown(problem.hint)}", 6, DIM, hanging=2))
        lines.append("")
    return lines


def _shown(text: str) -> str:
    return clip(visible(text), MESSAGE_LIMIT)
