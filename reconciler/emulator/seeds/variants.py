"""Variants of a seed file, as the API shows them, and those that it would generate beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product as combinations
from math import prod
from typing import Any

from reconciler.emulator.ordercloud.commerce.goods_operations import VARIANT_LIMIT
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.seeds.seed import Row

Chosen = Sequence[tuple[JsonObject, JsonObject]]


class Variants:
    """Specs and options of a file, for its variants.

    Args:
        rows: the specs, options, spec assignments, products and variants of the file.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._specs: dict[str, JsonObject] = {}
        self._options: dict[str, dict[str, JsonObject]] = defaultdict(dict)
        self._assigned: dict[str, list[str]] = defaultdict(list)
        self._products: list[JsonObject] = []
        self._variants: list[tuple[str, JsonObject]] = []
        for name, scope, body in rows:
            match name:
                case "Spec":
                    self._specs[body["ID"]] = body
                case "SpecOption":
                    self._options[scope[0]][body["ID"]] = body
                case "SpecProductAssignment":
                    self._assigned[body["ProductID"]].append(body["SpecID"])
                case "Product":
                    self._products.append(body)
                case "Variant":
                    self._variants.append((scope[0], body))

    def complete(self) -> None:
        """Complete the specs of variants with the names, values and markups of the options that they name."""
        for _, variant in self._variants:
            for spec in variant.get("Specs") or ():
                option = self._options.get(spec.get("SpecID"), {}).get(spec.get("OptionID"), {})
                shown = _shown(self._specs.get(spec.get("SpecID"), {}), option)
                spec.update({member: value for member, value in shown.items() if spec.get(member) is None})

    def generated(self) -> Iterator[Row]:
        """Yield the combinations of options that no variant of the file has.

        documented: the vendor's tool lets the API generate them for each product with a VariantCount, and finds them
        by product and options joined with hyphens.
        """
        there: dict[str, set[frozenset[Any]]] = defaultdict(set)
        for product_id, variant in self._variants:
            there[product_id].add(_combination(variant))
        for product in self._products:
            key = product["ID"]
            specs = [
                self._specs[spec] for spec in self._assigned[key] if self._specs.get(spec, {}).get("DefinesVariant")
            ]
            choices = [[(spec, option) for option in self._options[spec["ID"]].values()] for spec in specs]
            if not product.get("VariantCount") or not specs or prod(map(len, choices)) > VARIANT_LIMIT:
                continue
            for chosen in combinations(*choices):
                variant = _variant(product, chosen)
                if _combination(variant) not in there[key]:
                    yield "Variant", (key,), variant


def _variant(product: JsonObject, chosen: Chosen) -> JsonObject:
    specs = [{"SpecID": spec["ID"], "OptionID": option["ID"], **_shown(spec, option)} for spec, option in chosen]
    name = " ".join((product.get("Name", ""), *(option.get("Value", "") for _, option in chosen)))
    variant_id = "-".join((product["ID"], *(option["ID"] for _, option in chosen)))
    return {"ID": variant_id[:100], "Name": name[:100], "Active": product.get("Active", False), "Specs": specs}


def _shown(spec: JsonObject, option: JsonObject) -> JsonObject:
    shown = {"Name": spec.get("Name"), "Value": option.get("Value")}
    return {**shown, **{member: option.get(member) for member in ("PriceMarkupType", "PriceMarkup")}}


def _combination(variant: JsonObject) -> frozenset[Any]:
    return frozenset((spec.get("SpecID"), spec.get("OptionID")) for spec in variant.get("Specs") or ())
