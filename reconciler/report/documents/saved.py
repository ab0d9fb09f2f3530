"""Read back what reconciler wrote: a saved plan, a drift report, the report of an apply."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from reconciler.errors import Place, PlanFileError
from reconciler.reconcile.approval import check_intact
from reconciler.reconcile.plan import ApplyReport, DriftReport, Plan
from reconciler.reconcile.planfile import explained, json_from_text, plan_from_json, read_saved
from reconciler.report.documents.apply import apply_from_json
from reconciler.report.documents.drift import drift_from_json

_NEXT_STEP = "Write one with `plan --save`, `drift --save` or `apply --format json --output`."


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
    try:
        if isinstance(data, dict) and "results" in data:
            return apply_from_json(data)
        if isinstance(data, dict) and "items" in data:
            return drift_from_json(data)
    except ValidationError as error:
        raise PlanFileError(
            f"this is not a valid report: {explained(error)}", place=Place(str(path)), next_step=_NEXT_STEP
        ) from None
    raise PlanFileError(
        "this is no saved plan, no drift report and no report of an apply", place=Place(str(path)), next_step=_NEXT_STEP
    )
