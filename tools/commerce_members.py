"""Writes the members of the emulator's commerce models from the OpenAPI file; `--check` only looks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "tests/data/ordercloud.openapi.yaml"
TARGET = ROOT / "reconciler/emulator/ordercloud/commerce/members.json"
MODELS = (
    "Product", "Inventory", "Variant", "VariantInventory", "VariantSpec", "Spec", "SpecOption", "PriceSchedule",
    "PriceBreak", "InventoryRecord", "Buyer", "User", "UserGroup", "UserGroupAssignment", "Category",
    "CategoryProductAssignment", "Catalog", "Supplier", "Address", "Locale", "ProductAssignment",
    "SpecProductAssignment", "Order", "OrderUser", "LineItem", "LineItemProduct", "LineItemVariant", "LineItemSpec",
    "Shipment", "ShipmentItem",
)  # fmt: skip
KEPT = ("maxLength", "format", "readOnly", "writeOnly", "enum")


def members() -> dict[str, dict[str, Any]]:
    """Return the members of each model, by name: type, nullable, and what limits there are."""
    schemas = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))["components"]["schemas"]
    return {model: {name: _member(schema) for name, schema in schemas[model]["properties"].items()} for model in MODELS}


def _member(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        branches = [branch for branch in schema["anyOf"] if branch != {"type": "null"}]
        found: dict[str, Any] = {"type": "object", "nullable": True, **_model(branches[0])}
    else:
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        found = {"type": types[0], "nullable": "null" in types}
        if "items" in schema:
            items = schema["items"].get("anyOf", [schema["items"]])[0]
            found |= _model(items)
    found |= {key: schema[key] for key in KEPT if key in schema}
    if "enum" in found:
        found["enum"] = [value for value in found["enum"] if value is not None]
    return found


def _model(schema: dict[str, Any]) -> dict[str, Any]:
    return {"model": schema["$ref"].rsplit("/", 1)[1]} if "$ref" in schema else {}


def text() -> str:
    """Return the file as it ought to be: one member a line."""
    models = [
        f"{json.dumps(model)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(member)}" for name, member in found.items())
        + "\n}"
        for model, found in members().items()
    ]
    return "{\n" + ",\n".join(models) + "\n}\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        TARGET.write_text(text(), encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != text():
        sys.exit(f"{TARGET.relative_to(ROOT)} is not current; run tools/commerce_members.py")
