"""Result of an import, as text: what it wrote, and what is left to do by hand."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.reconcile.importer import ImportResult
from reconciler.report.escape import clip, visible
from reconciler.report.style import BOLD, DIM, YELLOW, Style
from reconciler.report.words import counted

_LIMIT = 300


def import_to_text(environment: str, result: ImportResult, files: Sequence[str], style: Style | None = None) -> str:
    """Return what was imported, for people."""
    style = style or Style()
    changed = result.shared or result.patched or result.elsewhere
    if not (result.manifests or result.left_out or changed):
        return style.finish(style.wrap(f"{environment}: every live object has its manifest; nothing to import.", 0))
    new = f", {counted(len(result.shared), 'object')} shared" if result.shared else ""
    head = f"Imported {counted(len(result.manifests), 'new object')} of {environment}{new}"
    lines = style.wrap(head, 0, BOLD)
    for words, keys in (
        ("Shared with other environments", result.shared),
        (f"Patched in Environment {environment}", tuple(result.patched)),
        (f"Not in {environment}, so limited to the others", result.elsewhere),
    ):
        if keys:
            lines += style.wrap(clip(visible(f"{words}: {', '.join(keys)}"), _LIMIT), 0, hanging=2)
    if files:
        lines += style.wrap("Written:", 0)
    for file in files:
        lines += style.wrap(clip(visible(file), _LIMIT), 2)
    if result.secrets:
        lines += ["", *style.wrap("Set these before a change has to send them; live does not show them:", 0, BOLD)]
        for secret in result.secrets:
            lines += style.wrap(secret.variable, 2)
            lines += style.wrap(clip(visible(f"{secret.key} {secret.path}"), _LIMIT), 6, DIM)
    for item in result.manifests:
        for note in item.notes:
            lines += style.wrap(clip(visible(f"{item.kind}/{item.name} {note}"), _LIMIT), 0, YELLOW)
    if result.left_out:
        lines += ["", *style.wrap("Left out:", 0, BOLD, YELLOW)]
        for key, reason in result.left_out:
            lines += style.wrap(clip(visible(f"{key}: {reason}"), _LIMIT), 2)
    lines += ["", *style.wrap(f"Look at them; `reconciler plan -e {environment}` shows whether anything is left.", 0)]
    return style.finish(lines)
