"""Read back what reconciler wrote: a saved plan, a drift report, the report of an apply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from reconciler.errors import Place, PlanFileError
from reconciler.reconcile.approval import check_intact
from reconciler.reconcile.plan import ApplyReport, DriftReport, Plan
from reconciler.reconcile.planfile import Document
from reconciler.reconcile.planread import broken_rule, explained, json_from_text, plan_from_json, read_saved
from reconciler.report.documents.apply import ApplyDocument, apply_from_json
from reconciler.report.documents.drift import DriftDocument, drift_from_json

_NEXT_STEP = "Write one with `plan --save`, `drift --save` or `apply --format json --output`."

# By a member that only it has.
_REPORTS: tuple[tuple[str, type[Document], Callable[[object], DriftReport | ApplyReport]], ...] = (
    ("results", ApplyDocument, apply_from_json),
    ("items", DriftDocument, drift_from_json),
)


def read_result(path: Path) -> Plan | DriftReport | ApplyReport:
    """Read a file that reconciler wrote, whichever of the three it is.

    Raises:
        PlanFileError: it cannot be read, is none of them, or is a plan that was altered.
    """
    data = json_from_text(read_saved(path), file=str(path))
    if isinstance(data, dict) and "digest" in data:
        plan = plan_from_json(data, file=str(path))
        check_intact(plan)
        return plan
    for member, model, read in _REPORTS:
        if isinstance(data, dict) and member in data:
            broken = broken_rule(data, model)
            if broken is None:
                try:
                    return read(data)
                except ValidationError as error:
                    broken = explained(error)
            message = f"this is not a valid report: {broken}"
            raise PlanFileError(message, place=Place(str(path)), next_step=_NEXT_STEP)
    raise PlanFileError(
        "this is no saved plan, no drift report and no report of an apply", place=Place(str(path)), next_step=_NEXT_STEP
    )
