"""The section `products.mapping` of a DataSync: one expression per value."""

from __future__ import annotations

from reconciler.sparklayer.kinds.data_sync.common import Jmespath, mapped
from reconciler.sparklayer.kinds.spec import SparkLayerSpec


class MappingSpec(SparkLayerSpec):
    """JMESPath expressions that replace defaults; docs/sync.md says what each gives and what it sees."""

    title: Jmespath | None = mapped("title", "Title of a product, seen from the product. Default: Name.")
    slug: Jmespath | None = mapped("slug", "Its slug, made of letters, digits and hyphens. Default: from the ID.")
    sku: Jmespath | None = mapped("variants.sku", "SKU, seen from the variant. Default: xp.SKU, else xp.sku.")
    weight: Jmespath | None = mapped("variants.weightInGrams", "Weight. Default: xp.weight, else ShipWeight.")
    position: Jmespath | None = mapped("variants.position", "Place among the variants. Default: as OrderCloud has it.")
    image: Jmespath | None = mapped("variants.cartImageUrl", "URL of a picture. Default: of xp.Images[0].")
    options: Jmespath | None = mapped("variants.options", "List of group and value. Default: from Specs.")
    status: Jmespath | None = mapped("variants.status", "live, suspended, pending or discontinued. Default: by Active.")
    rrp: Jmespath | None = mapped("variants.rrp", "Recommended retail price. Default: xp.rrp.")
    settings: Jmespath | None = mapped(
        "variants.settings",
        "Object with pack_size and the like. Default: from QuantityMultiplier and the price schedule.",
    )
    restock_date: Jmespath | None = mapped("variants.restockDate", "When more is expected. Default: xp.restockDate.")
