"""Remedy for many products at once: one mapping expression that would let most of them through. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from reconciler.sync.products.model import Part
from reconciler.sync.products.settings import ProductSettings

# Tried in this order: the first that gives most of the variants a SKU of their own.
_OWN_ID = "xp.SKU || ID"
_BOTH_IDS = "xp.SKU || join('-', [Product.ID, ID])"


def remedy(settings: ProductSettings, code: str, external_ids: Collection[str]) -> str | None:
    """Return what would let most records with a problem through, for people; None where no one expression does.

    Args:
        settings: what the manifest says; what is mapped already is not mapped otherwise.
        code: of the problem.
        external_ids: of products and variants that have it.
    """
    expressions = settings.rules.expressions
    if code == "no-sku" and Part.PRODUCT not in settings.parts:
        # The mapping stands below `products`, which would make them flow.
        return "Give them a SKU in `xp.SKU` at the source: without `products` in the DataSync nothing here makes one."
    if code == "no-sku" and "variants.sku" not in expressions:
        return _mapped("variants.sku", _sku_of(external_ids), "the SKU is made from the ID where there is none")
    if code == "no-name" and Part.PRODUCT in settings.parts and "title" not in expressions:
        return _mapped("title", "Name || ID", "the title is the ID where there is no name")
    return None


def _mapped(key: str, expression: str, effect: str) -> str:
    return f'Set products.mapping to `{key}: "{expression}"` in the DataSync: {effect}.'


def _sku_of(external_ids: Collection[str]) -> str:
    """A variant's ID is its own within its product only."""
    own = Counter(external_id.rpartition("/")[2] for external_id in external_ids)
    alone = sum(number for number in own.values() if number == 1)
    return _OWN_ID if 2 * alone > len(external_ids) or not external_ids else _BOTH_IDS
