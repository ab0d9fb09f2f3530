"""Holds the emulator's answers against the OpenAPI file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).parents[1] / "data" / "ordercloud.openapi.yaml"
PREFIXES = ("/ordercloud/v1", "/ordercloud")


class Contract:
    """The answers that the OpenAPI file allows, and which operations were seen."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = yaml.load(FILE.read_bytes(), Loader=yaml.CSafeLoader)
        self.seen: set[tuple[str, str, int]] = set()
        _shape_of_answers(self.document)
        self._registry = Registry().with_resource("urn:ordercloud", Resource(self.document, DRAFT202012))

    def check(self, response: httpx.Response) -> None:
        """Fail where the answer's status or body is not one that the operation has."""
        response.read()
        method = response.request.method.lower()
        template = self._template(response.request.url.path, method)
        self.seen.add((method, template, response.status_code))
        answers = self.document["paths"][template][method]["responses"]
        status = str(response.status_code)
        assert status in answers, f"{method} {template} answers {status}: {response.text}"
        if "content" not in answers[status] and "$ref" not in answers[status]:
            assert response.content == b""
            return
        name = answers[status].get("$ref", "")
        parts = name.removeprefix("#/").split("/") if name else ["paths", template, method, "responses", status]
        pointer = "/".join(part.replace("/", "~1") for part in [*parts, "content", "application/json", "schema"])
        schema = {"$ref": f"urn:ordercloud#/{pointer}"}
        Draft202012Validator(schema, registry=self._registry).validate(response.json())

    def knows(self, path: str, method: str) -> bool:
        """Whether there is such an operation in the file."""
        return bool(self._templates(path, method))

    def _template(self, path: str, method: str) -> str:
        return min(self._templates(path, method), key=lambda template: template.count("{"))

    def _templates(self, path: str, method: str) -> list[str]:
        for prefix in PREFIXES:
            path = path.removeprefix(prefix)
        segments = path.strip("/").lower().split("/")
        return [
            template
            for template, operations in self.document["paths"].items()
            if method in operations and _fits(template.strip("/").lower().split("/"), segments)
        ]


def _fits(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        part.startswith("{") or part == segment for part, segment in zip(template, segments, strict=True)
    )


def _shape_of_answers(node: Any) -> None:
    """A required write-only member is required in requests only; in answers it has no value."""
    if isinstance(node, list):
        for item in node:
            _shape_of_answers(item)
    if not isinstance(node, dict):
        return
    properties = node.get("properties")
    if isinstance(properties, dict):
        write_only = {name for name, schema in properties.items() if schema.get("writeOnly")}
        if "required" in node:
            node["required"] = [name for name in node["required"] if name not in write_only]
        for name in write_only:
            properties[name] = {"type": "null"}
    for item in node.values():
        _shape_of_answers(item)
