"""Holds the emulator's SparkLayer answers against the OpenAPI file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from reconciler.emulator.sparklayer.later import NOT_YET

FILE = Path(__file__).parents[1] / "data" / "sparklayer.openapi.yaml"
PREFIX = "/sparklayer"


def served(document: dict[str, Any]) -> set[tuple[str, str]]:
    """The operations that SparkLayer itself serves, all but Ignite's, which it calls, and that the emulator has."""
    methods = {"get", "put", "post", "patch", "delete"}
    return {
        (method, path)
        for path, operations in document["paths"].items()
        if path.startswith("/api/")
        for method in operations.keys() & methods
        if (method.upper(), path) not in NOT_YET
    }


class SparkLayerContract:
    """The answers that the file allows, and which operations were answered well."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = yaml.load(FILE.read_bytes(), Loader=yaml.CSafeLoader)
        self.done: set[tuple[str, str]] = set()
        self._registry = Registry().with_resource("urn:sparklayer", Resource(self.document, DRAFT202012))

    def check(self, response: httpx.Response) -> None:
        """Fail where the answer's status or body is not one that the operation has."""
        response.read()
        method = response.request.method.lower()
        template = self._template(response.request.url.path.removeprefix(PREFIX), method)
        if response.is_success:
            self.done.add((method, template))
        answers = self.document["paths"][template][method]["responses"]
        status = str(response.status_code)
        assert not response.is_success or status in answers, f"{method} {template} answers {status}"
        answer = answers.get(status, answers["default"])
        pointer = ["paths", template, method, "responses", status if status in answers else "default"]
        if "$ref" in answer:
            pointer = answer["$ref"].removeprefix("#/").split("/")
            answer = self.document["components"]["responses"][pointer[-1]]
        if "content" not in answer:
            return
        # A problem is the same under either media type.
        path = "/".join(part.replace("/", "~1") for part in [*pointer, "content", "application/json", "schema"])
        schema = {"$ref": f"urn:sparklayer#/{path}"}
        Draft202012Validator(schema, registry=self._registry).validate(response.json())

    def _template(self, path: str, method: str) -> str:
        segments = path.strip("/").split("/")
        fits = [
            template
            for template, operations in self.document["paths"].items()
            if method in operations and _fits(template.strip("/").split("/"), segments)
        ]
        return min(fits, key=lambda template: template.count("{"))


def _fits(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        part.startswith("{") or part == segment for part, segment in zip(template, segments, strict=True)
    )
