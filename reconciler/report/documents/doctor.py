"""The JSON of `doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from reconciler.reconcile.doctor import Finding, Verdict


def doctor_to_json(findings: Mapping[str, Sequence[Finding]]) -> dict[str, Any]:
    """Return what was found in each environment; `ok` is false where anything failed."""
    return {
        "format_version": 1,
        "ok": all(finding.verdict is not Verdict.FAILED for found in findings.values() for finding in found),
        "environments": {name: [asdict(finding) for finding in found] for name, found in findings.items()},
    }
