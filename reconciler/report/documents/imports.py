"""The JSON of `import`: what it wrote, and what is left to do by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.reconcile.importer import ImportResult


def import_to_json(environment: str, result: ImportResult, files: Sequence[str]) -> dict[str, Any]:
    """Return what was imported, the variables to set and what was left out, as JSON data."""
    return {
        "environment": environment,
        "files": list(files),
        "manifests": [{"kind": item.kind, "name": item.name, "id": item.id} for item in result.manifests],
        "shared": list(result.shared),
        "patched": list(result.patched),
        "elsewhere": list(result.elsewhere),
        "secrets": [
            {"variable": secret.variable, "manifest": secret.key, "path": secret.path} for secret in result.secrets
        ],
        "notes": [f"{item.kind}/{item.name} {note}" for item in result.manifests for note in item.notes],
        "left_out": [{"object": key, "reason": reason} for key, reason in result.left_out],
    }
