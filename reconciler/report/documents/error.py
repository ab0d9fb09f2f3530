"""The JSON of an error: its shape as models, and the function that fills them."""

from __future__ import annotations

from typing import Any, Literal

from reconciler.errors import ReconcilerError
from reconciler.reconcile.planfile import Document, ErrorBodyDocument, error_body

FORMAT_VERSION = 1


class ErrorDocument(Document):
    """An error: printed by any command with `--format json` that cannot do what it was asked."""

    format_version: Literal[1]
    error: ErrorBodyDocument


def error_to_json(error: ReconcilerError) -> dict[str, Any]:
    """Return an error in the shape of `ErrorDocument`."""
    return {"format_version": FORMAT_VERSION, "error": error_body(error)}
