"""A sensitive field shows neither value in any format, even if the values are there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.reconcile.plan import (
    ApplyReport,
    Cause,
    ChangeResult,
    DriftItem,
    DriftReport,
    FieldChange,
    Outcome,
    Plan,
)
from reconciler.reconcile.planfile import plan_to_json
from reconciler.report.documents.apply import apply_to_json
from reconciler.report.documents.drift import drift_to_json
from reconciler.report.escape import json_text
from reconciler.report.html.apply import apply_to_html
from reconciler.report.html.drift import drift_to_html
from reconciler.report.html.plan import plan_to_html
from reconciler.report.markdown.apply import apply_to_markdown
from reconciler.report.markdown.drift import drift_to_markdown
from reconciler.report.markdown.plan import plan_to_markdown
from reconciler.report.text.apply import apply_to_text
from reconciler.report.text.drift import drift_to_text
from reconciler.report.text.plan import plan_to_text
from support.report_samples import MARKER, NOW, change, hostile_plan, plan, secret

LEAKY = (
    FieldChange("apiKey", MARKER, MARKER + "2", sensitive=True),
    FieldChange("other", secret(), {"deep": [secret()]}),
    FieldChange("nested", [{"a": "x" * 99, "key": secret()}], [{"key": secret()}]),
)


def _drift(of: Plan) -> DriftReport:
    return DriftReport("e", NOW, tuple(DriftItem("K", "n", "i", Cause.DIFFERS, c, ()) for c in of.changes), (), 0)


def _apply(of: Plan) -> ApplyReport:
    return ApplyReport("e", None, tuple(ChangeResult(c, Outcome.FAILED) for c in of.changes))


RENDERERS: dict[str, Callable[[Plan], str]] = {
    "plan text": plan_to_text,
    "plan json": lambda of: json_text(plan_to_json(of)),
    "plan markdown": plan_to_markdown,
    "plan html": plan_to_html,
    "apply text": lambda of: apply_to_text(_apply(of)),
    "apply json": lambda of: json_text(apply_to_json(_apply(of))),
    "apply markdown": lambda of: apply_to_markdown(_apply(of)),
    "apply html": lambda of: apply_to_html(_apply(of)),
    "drift text": lambda of: drift_to_text(_drift(of)),
    "drift json": lambda of: json_text(drift_to_json(_drift(of))),
    "drift markdown": lambda of: drift_to_markdown(_drift(of)),
    "drift html": lambda of: drift_to_html(_drift(of)),
}


@pytest.mark.parametrize("renderer", RENDERERS)
def test_no_secret_comes_out(renderer: str) -> None:
    for of in (plan((change(fields=LEAKY),)), hostile_plan("x")):
        assert MARKER not in RENDERERS[renderer](of)
