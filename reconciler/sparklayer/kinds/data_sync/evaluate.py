"""Evaluation of JMESPath within a budget. Loaded only where something is mapped."""

from __future__ import annotations

from typing import Any

from jmespath.visitor import Options, TreeInterpreter

from reconciler.sparklayer.kinds.data_sync.budget import Budget, equal, size
from reconciler.sparklayer.kinds.data_sync.functions import MappingFunctions


class Evaluator(TreeInterpreter):
    """Evaluates one parsed expression on one record.

    Args:
        budget: for all of it.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__(Options(custom_functions=MappingFunctions(budget)))
        self._budget = budget

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate a node of the expression."""
        self._budget.spend(1)
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        """Evaluate `[]`."""
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        self._budget.spend(sum(len(item) if isinstance(item, list) else 1 for item in base))
        return [inner for item in base for inner in (item if isinstance(item, list) else (item,))]

    def visit_slice(self, node: Any, value: Any) -> Any:
        """Evaluate `[start:stop:step]`."""
        self._budget.spend(size(value))
        return super().visit_slice(node, value)

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Evaluate `==`, `<` and the like; only texts and numbers have an order."""
        left, right = (self.visit(child, value) for child in node["children"])
        operator = node["value"]
        if operator in ("eq", "ne"):
            return equal(left, right, self._budget) is (operator == "eq")
        if not (_has_order(left) and _has_order(right)):
            return None
        self._budget.spend(min(size(left), size(right)))
        return self.COMPARATOR_FUNC[operator](left, right)

    def _is_false(self, value: Any) -> bool:
        """Whether JMESPath takes a value for false; asked most often of all, so in few comparisons."""
        return value is None or value is False or (isinstance(value, str | list | dict) and not value)


def _has_order(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
