"""Which renderer makes which format, for one environment and for several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.reconcile.plan import DriftReport, Plan
from reconciler.reconcile.planfile import plan_to_json
from reconciler.report.escape import json_text
from reconciler.report.style import Style


def plans_to(format_name: str, plans: Sequence[Plan], style: Style, saved_as: Path | None) -> str:
    """Return plans in a format: one is itself, several follow each other (JSON: an array; HTML: one page each)."""
    if format_name == "json":
        documents = [plan_to_json(plan) for plan in plans]
        return json_text(documents[0] if len(documents) == 1 else documents)
    if format_name == "markdown":
        from reconciler.report.markdown.plan import plan_to_markdown

        return "\n\n".join(plan_to_markdown(plan) for plan in plans)
    if format_name == "html":
        from reconciler.report.html.plan import plan_to_html

        return "\n".join(plan_to_html(plan) for plan in plans)
    from reconciler.report.text.plan import plan_to_text

    saved = str(saved_as) if saved_as is not None else None
    return "\n".join(plan_to_text(plan, style, saved_as=saved) for plan in plans)


def drift_to(format_name: str, reports: Sequence[DriftReport], style: Style) -> str:
    """Return drift reports in a format; see `plans_to`."""
    if format_name == "json":
        from reconciler.report.documents.plan import drift_to_json

        documents = [drift_to_json(report) for report in reports]
        return json_text(documents[0] if len(documents) == 1 else documents)
    if format_name == "markdown":
        from reconciler.report.markdown.plan import drift_to_markdown

        return "\n\n".join(drift_to_markdown(report) for report in reports)
    if format_name == "html":
        from reconciler.report.html.drift import drift_to_html

        return "\n".join(drift_to_html(report) for report in reports)
    from reconciler.report.text.drift import drift_to_text

    return "\n".join(drift_to_text(report, style) for report in reports)
