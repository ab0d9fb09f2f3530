"""The JSON Schemas: complete, described, stable, and of one mind with the loader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from reconciler.kind.kind import Kinds
from reconciler.manifest.documents import Scalars, parse_documents
from reconciler.manifest.schemas import schemas
from reconciler.manifest.validate import Validation

SPECS = {
    "DeliveryConfig": "{name: C, deliveryTargets: {http: {endpoint: 'https://a.example.com', secret: '${secret:S}'}}}",
    "ProductSync": "{deliveryConfig: c, pause: {until: 2026-12-01T06:00:00Z, reason: x}}",
    "EntitySync": "{entity: buyers, deliveryConfig: c, pause: true}",
    "OrderSync": "{deliveryConfig: c, configData: {a: [1]}}",
    "ErrorConfig": "{deliveryConfig: c}",
    "Environment": "{variables: {a: 1, b: x}, guardrails: {maxDeletes: 3}, patches: []}",
}


def manifest(kind: str, spec: str, more: str = "") -> str:
    name = "c" if kind == "DeliveryConfig" else "x"
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{more}spec: {spec}\n"


@pytest.fixture(scope="module")
def schema(kinds: Kinds) -> Any:
    return json.loads(schemas(kinds)["manifest.schema.json"])


@pytest.fixture(scope="module")
def valid(schema: Any) -> Callable[[str], bool]:
    validator = Draft7Validator(schema)

    def _valid(text: str) -> bool:
        (document,) = parse_documents(text.encode(), "m.yaml", Scalars()).documents
        return bool(validator.is_valid(document.value))

    return _valid


def test_there_is_one_for_all_kinds_and_one_for_each(kinds: Kinds) -> None:
    files = schemas(kinds)
    assert {"manifest.schema.json", "environment.schema.json", "delivery-config.schema.json"} < files.keys()
    # Beside the kinds: all in one, Environment, Policy.
    assert len(files) == len(kinds) + 3
    for data in files.values():
        Draft7Validator.check_schema(json.loads(data))


def test_the_same_kinds_give_the_same_bytes(kinds: Kinds) -> None:
    assert schemas(kinds) == schemas(kinds)


def _fields(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from _fields(field, f"{path}.{name}")


def test_every_field_is_described(schema: Any) -> None:
    undescribed = [
        path
        for name, definition in schema["definitions"].items()
        for path, field in _fields(definition, name)
        if not field.get("description")
    ]
    assert undescribed == []


@pytest.mark.parametrize("kind", SPECS)
def test_right_manifests_are_valid_in_both_schemas(kind: str, kinds: Kinds, valid: Callable[[str], bool]) -> None:
    assert valid(manifest(kind, SPECS[kind]))
    own = next(data for data in schemas(kinds).values() if json.loads(data)["title"] == kind)
    (document,) = parse_documents(manifest(kind, SPECS[kind]).encode(), "m", Scalars()).documents
    assert Draft7Validator(json.loads(own)).is_valid(document.value)


CASES = [
    manifest("EntitySync", "{entity: buyer, deliveryConfig: c}"),
    manifest("EntitySync", "{entity: '${var:e}', deliveryConfig: c}"),
    manifest("EntitySync", "{entity: 'x${var:e}', deliveryConfig: c}"),
    manifest("EntitySync", "{deliveryConfig: c}"),
    manifest("EntitySync", "{entity: buyers}", "state: absent\n"),
    manifest("EntitySync", "{entity: buyers, deliveryConfig: c, syncEntityChanged: yes}"),
    manifest("EntitySync", "{entity: buyers, deliveryConfig: c, syncEntityChanged: '${env:OC_X:-true}'}"),
    manifest("EntitySync", "{entity: buyers, deliveryConfig: c, pause: '${var:p}'}"),
    manifest("EntitySync", "{entity: buyers, deliveryConfig: c, pause: {reason: x, until: '${var:p}'}}"),
    manifest("EntitySync", "{entity: buyers, deliveryConfig: c, pause: {until: '2026-12-01T06:00:00Z'}}"),
    manifest("OrderSync", "{deliveryConfig: c, pause: true}"),
    manifest("OrderSync", "{deliveryConfig: c}", "state: gone\n"),
    manifest("OrderSync", "{deliveryConfig: c}", "status: absent\n"),
    manifest("NoSync", "{deliveryConfig: c}"),
    manifest("DeliveryConfig", "{id: a b, name: C, deliveryTargets: {}}"),
    manifest("DeliveryConfig", "{id: '${var:id}', name: C, deliveryTargets: {}}"),
    manifest("DeliveryConfig", f"{{name: {'n' * 129}, deliveryTargets: {{}}}}"),
    manifest("DeliveryConfig", f"{{name: '${{var:{'n' * 129}}}', deliveryTargets: {{}}}}"),
    manifest("Environment", "{guardrails: {maxDeletes: -1}}"),
    manifest("Environment", "{guardrails: {maxDeletes: '${env:OC_M}'}}"),
    manifest("Environment", "{guardrails: {maxPause: 7 days}}"),
    "kind: OrderSync\nmetadata: {name: x}\nspec: {deliveryConfig: c}\n",
    "apiVersion: reconciler/v1\nkind: OrderSync\nmetadata: {name: a b}\nspec: {deliveryConfig: c}\n",
]


@pytest.mark.parametrize("text", CASES)
def test_schema_and_loader_agree(
    text: str, valid: Callable[[str], bool], check: Callable[..., Validation], kinds: Kinds
) -> None:
    # The config that the others point at stands in a file of its own.
    beside = {} if "kind: DeliveryConfig" in text else {"c": manifest("DeliveryConfig", SPECS["DeliveryConfig"])}
    assert valid(text) is (check(text, **beside).problems == ())
