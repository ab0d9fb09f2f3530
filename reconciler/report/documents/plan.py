"""The JSON of a plan. Its shape stands in reconcile/planfile.py, because a saved plan is read back."""

from __future__ import annotations

from reconciler.reconcile.planfile import PlanDocument, plan_to_json

__all__ = ["PlanDocument", "plan_to_json"]
