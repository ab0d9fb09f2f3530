"""The rules of a mapping: the expressions of a manifest, and the units of what has none."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from reconciler.sparklayer.kinds.data_sync.budget import Budget
from reconciler.sparklayer.kinds.data_sync.expressions import MOST_WORK, Expression

GRAMS: Mapping[str, Decimal] = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
"""Units of weight."""
# What all expressions together may do to one record: enough for some that look through all of many variants.
_WORK_PER_RECORD, _WORK_PER_VARIANT = 2 * MOST_WORK, 2_000


class MappingRules(Struct, frozen=True):
    """How values of a record come about where the defaults are not wanted.

    Args:
        expressions: by mapping key, e.g. `variants.sku`.
        grams: of one unit of `ShipWeight`.
    """

    expressions: Mapping[str, Expression] = {}
    grams: Decimal = GRAMS["kg"]

    def for_record(self, variants: int = 0) -> MappingRules:
        """Return the rules with one budget for all that their expressions do to one record.

        Args:
            variants: how many the record has.
        """
        budget = Budget(_WORK_PER_RECORD + _WORK_PER_VARIANT * variants)
        return replace(self, expressions={key: rule.within(budget) for key, rule in self.expressions.items()})
