"""The rules of a mapping: the expressions of a manifest, and the units of what has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from reconciler.sparklayer.kinds.data_sync.budget import Budget
from reconciler.sparklayer.kinds.data_sync.expressions import Expression

GRAMS: Mapping[str, Decimal] = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
"""Units of weight."""


@dataclass(frozen=True, slots=True)
class MappingRules:
    """How values of a record come about where the defaults are not wanted.

    Args:
        expressions: by mapping key, e.g. `variants.sku`.
        grams: of one unit of `ShipWeight`.
    """

    expressions: Mapping[str, Expression] = field(default_factory=dict)
    grams: Decimal = GRAMS["kg"]

    def within(self, work: int) -> MappingRules:
        """Return the rules with one budget for all that their expressions do, in the units of `Budget`."""
        budget = Budget(work)
        return replace(self, expressions={key: rule.within(budget) for key, rule in self.expressions.items()})
