"""The JSON of `sync run --explain`."""

from __future__ import annotations

import json
from typing import Any

from reconciler.reconcile.planfile import time_to_json
from reconciler.sync.explanation import Explanation


def explanation_to_json(name: str, environment: str, found: Explanation) -> dict[str, Any]:
    """Return the explanation of one record as plain data."""
    return {
        "format_version": 1,
        "environment": environment,
        "sync": name,
        "record": found.key,
        "outside_scope": found.outside,
        "source": json.loads(json.dumps(found.source, default=str)),
        "due": None if found.due is None else time_to_json(found.due),
        "problems": [
            {"external_id": each.external_id, "part": each.part, "code": each.code, "message": each.message}
            for each in found.problems
        ],
        "parts": [
            {
                "part": part.part,
                "mapped": None if part.mapped is None else dict(part.mapped),
                "target": dict(part.target),
                "differences": [
                    {"where": each.where, "target": each.target, "mapped": each.mapped} for each in part.differences
                ],
                "as_written": part.as_written,
                "sends": part.sends,
                "removes": list(part.removes),
            }
            for part in found.parts
        ],
    }
