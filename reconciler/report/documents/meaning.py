"""The JSON of what a code means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from reconciler.report.codes.lookup import Meaning


def meaning_to_json(found: Sequence[Meaning]) -> dict[str, Any]:
    """Return the meanings of a code; the texts are Markdown."""
    return {"format_version": 1, "meanings": [asdict(meaning) for meaning in found]}
