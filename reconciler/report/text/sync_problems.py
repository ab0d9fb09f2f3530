"""The open problems of a data sync, as text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from reconciler.ledger.data.model import OpenProblem
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, GREEN, YELLOW, Style
from reconciler.report.text.sync_words import code_count, held_back_sentence, problem_count
from reconciler.report.words import moment
from reconciler.sync.monitor.problems import Problems

_LIMIT = 500


def problems_to_text(environment: str, found: Problems, style: Style | None = None) -> str:
    """Return open problems as text: how many of each code, then those of one code together.

    Args:
        environment: its name.
        found: a page of them.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
    if not found.open:
        head = f"{found.sync} in {environment}, {found.data_type}: no open problems"
        return style.finish(style.wrap(head, 0, BOLD, GREEN))
    head = f"{found.sync} in {environment}, {found.data_type}: {problem_count(found.open, found.entries)}"
    logged = f"; the sync log has {found.logged:,} of them" if found.logged < found.open else ""
    lines = style.wrap(f"{head}{logged}", 0, BOLD, YELLOW, hanging=2)
    if found.held_back.records:
        lines.extend(style.wrap(held_back_sentence(found.held_back), 0, YELLOW))
    for code in found.codes:
        lines.extend(style.wrap(code_count(code), 2, hanging=9))
    for name, group in groupby(found.listed, key=lambda item: item.problem.code):
        lines.extend(["", *style.wrap(name, 0, BOLD)])
        for item in group:
            lines.extend(_problem_lines(item, style))
    if not found.listed:
        lines.extend(["", *style.wrap(_why_none(found), 0)])
    if found.more:
        shown = found.offset + len(found.listed)
        lines.extend(
            ["", *style.wrap(f"There are more: go on with --offset {shown}, or see all with --limit 0.", 0, DIM)]
        )
    return style.finish(lines)


def _problem_lines(item: OpenProblem, style: Style) -> Iterator[str]:
    problem = item.problem
    words = f"{clip(visible(problem.external_id), _LIMIT)}: {clip(visible(problem.message), _LIMIT)}"
    yield from style.wrap(f"{words} (since {moment(item.found_at)})", 2, hanging=2)
    yield from style.wrap(clip(visible(problem.url), _LIMIT), 4, DIM)


def _why_none(found: Problems) -> str:
    if found.code is not None and not found.offset:
        return f"None of them is {found.code}."
    return "None of them is in this part of the list."
