"""What a run of a data sync would do, as text: counts first, then what is held back and why, then a few differences."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, MARK_COLORS, RED, YELLOW, Style
from reconciler.report.text.sync_explain import shown
from reconciler.report.text.sync_words import (
    MODES,
    code_count,
    held_back_sentence,
    part_counts,
    remarks_and_next_step,
    request_counts,
)
from reconciler.report.words import counted
from reconciler.sync.explanation import Explanation
from reconciler.sync.run.dry_report import DryRun
from reconciler.sync.run.report import State

_LIMIT = 400
_DIFFERENCES = 8
_WOULD = {
    "written": "would be written",
    "held_back": "would be held back",
    "failed": "could not be written",
    "unchanged": "stay as they are",
}


def dry_run_to_text(found: DryRun, environment: str, style: Style | None = None) -> str:
    """Return what a run would do, as text.

    Args:
        found: what the rehearsal found.
        environment: where.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
    report = found.report
    head = f"Dry run of {report.sync} in {environment}, {report.data_type}, {MODES[report.mode]}: nothing was written"
    lines = style.wrap(head, 0, BOLD, hanging=2)
    if not found.applied:
        words = "The manifest is not what was applied: a run starts only after `reconciler apply`."
        lines.extend(style.wrap(words, 2, YELLOW))
    if found.lacks is not None:
        words = f"A run needs more of the target: {clip(visible(found.lacks), _LIMIT)}; `reconciler apply` makes it."
        lines.extend(style.wrap(words, 2, YELLOW, hanging=2))
    if report.state is not State.FINISHED and report.message is not None:
        lines.extend(style.wrap(f"It would not finish: {clip(visible(report.message), _LIMIT)}", 2, RED, hanging=2))
    for name, words in _facts(found):
        lines.extend(style.wrap(f"{name:<10} {words}", 2, hanging=11))
    if report.held_back.records:
        lines.extend(["", *style.wrap(held_back_sentence(report.held_back), 0, YELLOW)])
    for code in found.codes:
        lines.extend(style.wrap(code_count(code), 2, hanging=9))
    differing = [record for record in found.shown if any(part.differences for part in record.parts)]
    if differing:
        lines.extend(["", style.paint("A few of the differences", BOLD)])
    elif found.shown:
        words = "The first of them are in the target as they should be, and would be sent again."
        lines.extend(["", *style.wrap(words, 0)])
    for record in differing:
        lines.extend(_record_lines(record, style))
    return style.finish([*lines, *remarks_and_next_step(report, style)])


def _facts(found: DryRun) -> Iterator[tuple[str, str]]:
    counts = found.report.counts
    outcomes = {**_WOULD, "discontinued": f"would be {found.report.ends}"}
    would = ", ".join(f"{counts[name]:,} {words}" for name, words in outcomes.items() if counts.get(name))
    yield "read", ": ".join(filter(None, [counted(counts.get("seen", 0), "record"), would]))
    yield "would send", part_counts(found.report.parts)
    if found.discontinued:
        yield "would end", clip(visible(", ".join(found.discontinued)), _LIMIT)
    yield "requests", request_counts(found.report.requests)


def _record_lines(record: Explanation, style: Style) -> Iterator[str]:
    yield from style.wrap(clip(visible(record.key), _LIMIT), 2, BOLD)
    differences = [(part.part, each) for part in record.parts for each in part.differences]
    for part, each in differences[:_DIFFERENCES]:
        yield from style.wrap(f"~ {part}, {clip(visible(each.where), _LIMIT)}:", 4, hanging=2)
        yield from style.wrap(f"- {shown(each.target)}", 6, MARK_COLORS["-"], hanging=2)
        yield from style.wrap(f"+ {shown(each.mapped)}", 6, MARK_COLORS["+"], hanging=2)
    if len(differences) > _DIFFERENCES:
        yield from style.wrap(f"and {len(differences) - _DIFFERENCES:,} more", 4, DIM)
