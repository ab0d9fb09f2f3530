"""SKU of a variant, as docs/sync.md says: what stock, prices and order lines are written under. Pure."""

from __future__ import annotations

from reconciler.sync.mapping.fields import Item, Unfit, check, mapped
from reconciler.sync.mapping.limits import too_long
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.values import text, text_or_none


def sku_of(item: Item, rules: MappingRules) -> str:
    """Return the SKU of a variant.

    Raises:
        Unfit: it has none that can be used.
    """
    expression = rules.expressions.get("variants.sku")
    if expression is not None:
        found = mapped(expression, "variants.sku", item.views[:1], text, "text", product=item.product)
        sku = found.value if found is not None else None
    else:
        sku = text_or_none(item.own.xp.get("SKU")) or text_or_none(item.own.xp.get("sku"))
    if sku is None:
        where = "xp.SKU" if expression is None else f"what variants.sku is mapped to ({expression.text[:60]})"
        raise Unfit(item.external_id, "no-sku", f"The SKU is not set. Set {where} in OrderCloud.")
    check(item.external_id, too_long("SKU", sku))
    return sku
