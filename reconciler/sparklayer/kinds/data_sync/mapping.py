"""The section `products.mapping` of a DataSync: one expression per value."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from reconciler.kind.credentials import shows_credentials
from reconciler.kind.semantics import FieldSemantics, Risk
from reconciler.sparklayer.kinds.data_sync.expressions import Expression
from reconciler.sparklayer.kinds.spec import SparkLayerSpec


def _compiled(text: str) -> str:
    if shows_credentials(text):
        raise ValueError("an expression is shown everywhere and must hold no credentials")
    Expression(text)
    return text


Jmespath = Annotated[str, AfterValidator(_compiled), FieldSemantics(risk=Risk.RE_SYNCS, code=True)]


def _member(key: str, description: str) -> Any:
    return Field(default=None, alias=key, description=description)


class MappingSpec(SparkLayerSpec):
    """JMESPath expressions that replace defaults; docs/sync.md says what each gives and what it sees."""

    title: Jmespath | None = _member("title", "Title of a product, seen from the product. Default: Name.")
    slug: Jmespath | None = _member("slug", "Its slug, made of letters, digits and hyphens. Default: from the ID.")
    sku: Jmespath | None = _member("variants.sku", "SKU, seen from the variant. Default: xp.SKU, else xp.sku.")
    weight: Jmespath | None = _member("variants.weightInGrams", "Weight. Default: xp.weight, else ShipWeight.")
    position: Jmespath | None = _member("variants.position", "Place among the variants. Default: as OrderCloud has it.")
    image: Jmespath | None = _member("variants.cartImageUrl", "URL of a picture. Default: of xp.Images[0].")
    options: Jmespath | None = _member("variants.options", "List of group and value. Default: from Specs.")
    status: Jmespath | None = _member(
        "variants.status", "live, suspended, pending or discontinued. Default: by Active."
    )
    rrp: Jmespath | None = _member("variants.rrp", "Recommended retail price. Default: xp.rrp.")
    settings: Jmespath | None = _member(
        "variants.settings",
        "Object with pack_size and the like. Default: from QuantityMultiplier and the price schedule.",
    )
    restock_date: Jmespath | None = _member("variants.restockDate", "When more is expected. Default: xp.restockDate.")
