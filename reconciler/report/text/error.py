"""One error as text for people: what is wrong, where, and what to do now."""

from __future__ import annotations

from reconciler.errors import ApiError, ManifestErrors, MissingRole, ReconcilerError
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, RED, Style
from reconciler.report.text.problems import problems_to_text

_LIMIT = 1_000


def error_to_text(error: ReconcilerError, style: Style | None = None) -> str:
    """Return an error as text: `error[code]: message`, its place, the request, the next step.

    Args:
        error: what happened. The problems of a `ManifestErrors` are listed first.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    style = style or Style()
    head = f"error[{error.code}]: {clip(visible(error.message), _LIMIT)}"
    lines = style.wrap(head, 0, RED, BOLD, hanging=2)
    if error.place is not None:
        lines.append(f"  at {clip(visible(str(error.place)), _LIMIT)}")
    if isinstance(error, ApiError):
        facts = [error.request, f"HTTP {error.status}" if error.status else None, error.vendor_code]
        if any(facts):
            lines.extend(style.wrap(", ".join(clip(visible(fact), _LIMIT) for fact in facts if fact), 2, DIM))
    if isinstance(error, MissingRole) and error.roles:
        lines.extend(style.wrap(f"roles: {clip(visible(', '.join(error.roles)), _LIMIT)}", 2))
    if error.next_step:
        lines.extend(style.wrap(f"→ {clip(visible(error.next_step), _LIMIT)}", 2, hanging=2))
    text = style.finish(lines)
    return f"{problems_to_text(error.problems, style=style)}\n{text}" if isinstance(error, ManifestErrors) else text
