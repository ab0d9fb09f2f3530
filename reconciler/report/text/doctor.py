"""Findings of `doctor`, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from reconciler.kind.probe import Outcome
from reconciler.reconcile.doctor import Finding, Verdict
from reconciler.report.style import BOLD, DIM, GREEN, RED, YELLOW, Style
from reconciler.report.words import counted

_MARKS = {Verdict.OK: ("✓", GREEN), Verdict.NOTE: ("·", YELLOW), Verdict.FAILED: ("✗", RED)}
_AREAS = {
    "access": "Login and roles",
    "target": "Delivery targets",
    "secret": "Secrets",
    "ledger": "Ledger",
    "data": "Data syncs",
    "forge": "Forge",
}


def doctor_to_text(findings: Mapping[str, Sequence[Finding]], style: Style | None = None) -> str:
    """Return what was found in each environment, as text.

    Args:
        findings: by environment.
        style: colour, characters and width; left out: no colour, Unicode, 80 columns.
    """
    return "\n".join(_environment(name, found, style or Style()) for name, found in findings.items())


def _environment(environment: str, findings: Sequence[Finding], style: Style) -> str:
    """Return what was found, by area, the verdict last; every line that is not well names the next step."""
    # No environment can be called that: it stands for the repository.
    lines = style.wrap("Repository" if environment == "*" else f"Environment {environment}", 0, BOLD)
    for area, group in groupby(findings, key=lambda finding: finding.area):
        lines.append(f"  {_AREAS[area]}")
        for finding in group:
            mark, color = _MARKS[finding.verdict]
            lines.extend(style.wrap(f"{mark} {finding.subject}: {finding.message}", 4, color, hanging=2))
            if finding.next_step and finding.verdict is not Verdict.OK:
                lines.extend(style.wrap(f"→ {finding.next_step}", 6, DIM, hanging=2))
    failed = sum(finding.verdict is Verdict.FAILED for finding in findings)
    # A note about the forge is of something that was not looked at.
    unseen = sum(
        finding.outcome is Outcome.UNKNOWN or (finding.verdict is Verdict.NOTE and finding.area == "forge")
        for finding in findings
    )
    if failed:
        lines.extend(style.wrap(f"✗ {counted(failed, 'thing')} to mend.", 0, BOLD, RED))
    elif unseen:
        words = f"· Nothing to mend was found; {counted(unseen, 'thing')} could not be checked."
        lines.extend(style.wrap(words, 0, BOLD, YELLOW))
    else:
        lines.extend(style.wrap("✓ All is well.", 0, BOLD, GREEN))
    return style.finish(lines)
