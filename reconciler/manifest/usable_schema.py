"""Which JSON Schemas a policy may use: of one draft, inside their document, with patterns of some size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MAX_PATTERN = 1_000
# A pattern is unrolled when it is compiled: 27 MB at this number.
_MAX_REPEATS = 100_000
_REFUSED: Mapping[str, str] = {
    "$dynamicRef": "Use $ref.",
    "$dynamicAnchor": "Use $anchor.",
    "unevaluatedProperties": "Use additionalProperties.",
    "unevaluatedItems": "Use items beside prefixItems.",
}
# Below these, names are those of fields, and what they name are schemas.
_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"const", "enum", "default", "examples", "required", "dependentRequired"})
Schema = Mapping[str, Any]


class BadSchema(ValueError):
    """It is no JSON Schema that can be used; `path` leads to what is wrong, `hint` says what to write."""

    def __init__(self, message: str, path: tuple[str | int, ...] = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.path, self.hint = path, hint


def check_schema(schema: Schema) -> None:
    """Check that a schema can be used.

    Raises:
        BadSchema: it is no JSON Schema of draft 2020-12, points outside itself, or uses what is not supported.
    """
    if schema.get("$schema", DIALECT) != DIALECT:
        raise BadSchema("is of another draft", ("$schema",), f"Write {DIALECT}, or leave $schema out.")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise BadSchema(error.message, tuple(error.path)) from None
    except RecursionError:
        raise BadSchema("is nested too deeply") from None
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver("")
    for path, found in _schemas(schema, ()):
        for keyword in found.keys() & _REFUSED.keys():
            raise BadSchema(f"uses {keyword}, which is not supported", (*path, keyword), _REFUSED[keyword])
        reference = found.get("$ref")
        if isinstance(reference, str):
            hint = "Write a reference that begins with #, to a schema under $defs."
            if not reference.startswith("#"):
                raise BadSchema("$ref leaves the document", (*path, "$ref"), hint)
            try:
                resolver.lookup(reference)
            except Unresolvable:
                raise BadSchema("$ref names nothing in the document", (*path, "$ref"), hint) from None
        for place, pattern in _patterns(found):
            _check_pattern(pattern, (*path, *place))


def _patterns(schema: Schema) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(schema.get("pattern"), str):
        yield ("pattern",), schema["pattern"]
    yield from ((("patternProperties", each), each) for each in schema.get("patternProperties", ()))


def _check_pattern(pattern: str, path: tuple[str | int, ...]) -> None:
    if len(pattern) > _MAX_PATTERN:
        raise BadSchema(f"has a pattern of more than {_MAX_PATTERN} characters", path)
    counts = (int(number) for braces in re.findall(r"\{([\d,\s]*)\}", pattern) for number in re.findall(r"\d+", braces))
    if prod(max(count, 1) for count in counts) > _MAX_REPEATS:
        raise BadSchema(f"has a pattern whose counts come to more than {_MAX_REPEATS:,} repetitions", path)
    try:
        regex.compile(pattern)
    except (regex.error, ValueError, KeyError, RecursionError, OverflowError, MemoryError) as error:
        raise BadSchema(f"has a pattern that cannot be read: {error}", path) from None


def _schemas(schema: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Schema]]:
    """Yield a schema and those inside it, each with its path."""
    if isinstance(schema, list):
        for number, each in enumerate(schema):
            yield from _schemas(each, (*path, number))
    if not isinstance(schema, dict):
        return
    yield path, schema
    for name, value in schema.items():
        if name in _BY_NAME and isinstance(value, dict):
            for key, each in value.items():
                yield from _schemas(each, (*path, name, key))
        elif name not in _VALUES:
            yield from _schemas(value, (*path, name))
