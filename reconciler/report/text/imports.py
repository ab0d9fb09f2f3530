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
    if not result.manifests and not result.left_out:
        return style.finish(style.wrap(f"{environment}: every live object has its manifest; nothing to import.", 0))
    head = f"Imported {counted(len(result.manifests), 'object')} of {environment}"
    lines = style.wrap(head, 0, BOLD)
    for file in files:
        lines += style.wrap(clip(visible(file), _LIMIT), 2)
    secrets = [secret for item in result.manifests for secret in item.secrets]
    if secrets:
        lines += ["", *style.wrap("Set these before a change has to send them; live does not show them:", 0, BOLD)]
        for secret in secrets:
            lines += style.wrap(secret.variable, 2)
            lines += style.wrap(clip(visible(f"{secret.key} {secret.path}"), _LIMIT), 6, DIM)
    for item in result.manifests:
        for note in item.notes:
            lines += style.wrap(clip(visible(f"{item.kind}/{item.name} {note}"), _LIMIT), 0, YELLOW)
    if result.left_out:
        lines += ["", *style.wrap("Left out:", 0, BOLD, YELLOW)]
        for key, reason in result.left_out:
            lines += style.wrap(clip(visible(f"{key}: {reason}"), _LIMIT), 2)
    lines += ["", *style.wrap(f"Look at them, then `reconciler plan -e {environment}` finds nothing to change.", 0)]
    return style.finish(lines)
