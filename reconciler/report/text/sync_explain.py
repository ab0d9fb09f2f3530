"""Explanation of one record, as text: source, mapped, what differs in the target, what would be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kind.connection import Json
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, GREEN, MARK_COLORS, RED, YELLOW, Style
from reconciler.report.words import moment
from reconciler.sync.explanation import Explanation, PartExplanation

_VALUE_LIMIT = 300
_SOURCE_LINES = 200
_PARTS = {"product": "Product and variants"}


def explanation_to_text(name: str, environment: str, found: Explanation, style: Style | None = None) -> str:
    """Return the explanation of one record, as text.

    Args:
        name: of the DataSync.
        environment: its name.
        found: what was found out.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
    lines = style.wrap(f"{found.key} in {name}, {environment}: {_verdict(found)}", 0, BOLD, hanging=2)
    if found.due is not None:
        lines.extend(style.wrap(f"It is read again {moment(found.due)}, as what becomes of it changes then.", 0))
    lines.extend(["", style.paint("Source", BOLD)])
    lines.extend(_source(found.source, style))
    if found.problems:
        lines.extend(["", style.paint("Problems", BOLD)])
    for problem in found.problems:
        words = f"{problem.code} ({problem.part}, {problem.external_id}): {problem.message}"
        lines.extend(style.wrap(clip(visible(words), _VALUE_LIMIT), 2, RED, hanging=2))
    for part in found.parts:
        lines.extend(["", *_part(part, style, blocked=bool(found.problems))])
    return style.finish(lines)


def _verdict(found: Explanation) -> str:
    gone = "it is gone at the source; " if found.source is None else "it left the scope; " if found.outside else ""
    parts = [_title(part).lower() for part in found.parts if part.sends is not None or part.removes]
    return f"{gone}a run would send {', '.join(parts) if parts else 'nothing'}"


def _source(source: Mapping[str, Any] | None, style: Style) -> Iterator[str]:
    if source is None:
        yield "  OrderCloud has none of this ID."
        return
    text = json.dumps(source, indent=2, ensure_ascii=False, default=str).splitlines()
    for line in text[:_SOURCE_LINES]:
        # Wrapping would lose the indentation, which is what makes it readable.
        yield f"  {clip(visible(line), _VALUE_LIMIT)}"
    if len(text) > _SOURCE_LINES:
        yield style.paint(f"  and {len(text) - _SOURCE_LINES:,} more lines; --format json has them all", DIM)


def _part(part: PartExplanation, style: Style, *, blocked: bool) -> Iterator[str]:
    yield style.paint(_title(part), BOLD)
    if part.mapped is None:
        why = "is not written: see the problems; what the target holds stays" if blocked else "nothing is to be written"
        yield from style.wrap(why, 2, YELLOW)
    else:
        yield from style.wrap(_standing(part), 2, GREEN if not part.differences else YELLOW)
        differing = {difference.where for difference in part.differences}
        for where, value in part.mapped.items():
            if where not in differing:
                yield from style.wrap(f"{where}: {shown(value)}", 4, hanging=2)
        for difference in part.differences:
            yield from style.wrap(f"~ {difference.where}:", 4, hanging=2)
            yield from style.wrap(f"- {shown(difference.target)}", 6, MARK_COLORS["-"], hanging=2)
            yield from style.wrap(f"+ {shown(difference.mapped)}", 6, MARK_COLORS["+"], hanging=2)
    if part.removes:
        yield from style.wrap(f"removes what it holds of {', '.join(part.removes)}", 2, YELLOW, hanging=2)


def _title(part: PartExplanation) -> str:
    return _PARTS.get(part.part, part.part.capitalize())


def _standing(part: PartExplanation) -> str:
    written = "as we wrote it last" if part.as_written else "not as we wrote it last"
    if part.sends is not None:
        return f"mapped {written}: a run sends it"
    if part.removes:
        return "what is no longer wanted is in the target: a run removes it"
    if part.differences:
        return "mapped as we wrote it last, and changed in the target since: only a run with --verify sees that"
    return f"mapped {written}, and the target has it so: nothing is sent"


def shown(value: Json) -> str:
    """Return a value of a record for people, on one line and not too long."""
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return clip(visible(text), _VALUE_LIMIT)
