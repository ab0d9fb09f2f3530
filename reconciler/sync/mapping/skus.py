"""SKU of a variant, as docs/sync.md says: what stock, prices and order lines are written under. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.sparklayer.kinds.data_sync.expressions import Expression
from reconciler.sync.mapping.fields import Item, Unfit, check, mapped
from reconciler.sync.mapping.limits import too_long
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.values import text, text_or_none

_SKU = "variants.sku"


def sku_rules(state: Mapping[str, Any]) -> MappingRules:
    """Return the mapping of SKUs alone, for a data type that writes under the SKUs of products.

    Args:
        state: what a DataSync wants, in manifest terms.
    """
    found = ((state.get("products") or {}).get("mapping") or {}).get(_SKU)
    return MappingRules({} if found is None else {_SKU: Expression(found)})


def sku_of(item: Item, rules: MappingRules) -> str:
    """Return the SKU of a variant.

    Raises:
        Unfit: it has none that can be used.
    """
    expression = rules.expressions.get(_SKU)
    if expression is not None:
        found = mapped(expression, _SKU, item.views[:1], text, "text", product=item.product)
        sku = found.value if found is not None else None
    else:
        sku = text_or_none(item.own.xp.get("SKU")) or text_or_none(item.own.xp.get("sku"))
    if sku is None:
        where = "xp.SKU" if expression is None else f"what variants.sku is mapped to ({expression.text[:60]})"
        raise Unfit(item.external_id, "no-sku", f"The SKU is not set. Set {where} in OrderCloud.")
    check(item.external_id, too_long("SKU", sku))
    return sku
