"""JSON Schemas of manifests, generated from the models, made for editors (draft-07: what yaml-language-server speaks).

What is offered and what is marked follows from `kind` by if/then, one branch per kind: with `oneOf`, editors mark every
branch that does not fit. A field that takes no text takes a reference as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from reconciler.kind.kind import ManifestKinds
from reconciler.kind.request import RequestKind
from reconciler.kind.semantics import SpecModel
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.load import ENVIRONMENT
from reconciler.manifest.model import API_VERSION, Metadata
from reconciler.manifest.policies import POLICY, PolicySpec

Schema = dict[str, Any]
ALL_KINDS = "manifest.schema.json"
_DIALECT = "http://json-schema.org/draft-07/schema#"
_WHOLE_REFERENCE: Schema = {"type": "string", "pattern": r"^\$\{(var|env):[^}]+\}$"}
_ANY_REFERENCE: Schema = {"pattern": r"\$\{"}
_TEXT_LIMITS = ("pattern", "minLength", "maxLength", "format")
# What has no live counterpart and so cannot be absent.
_WITHOUT_LIVE = {
    ENVIRONMENT: "One environment: its connections, variables, limits and patches.",
    POLICY: "A rule over manifests, as JSON Schema, with a message and a severity.",
}


def schemas(kinds: ManifestKinds) -> dict[str, bytes]:
    """Return every schema file by its name: one for all kinds, and one for each.

    The same kinds give the same bytes.
    """
    summaries = {name: kind.summary for name, kind in kinds.items()} | _WITHOUT_LIVE
    models: dict[str, type[SpecModel]] = {name: kind.spec for name, kind in kinds.items()}
    models |= {ENVIRONMENT: EnvironmentSpec, POLICY: PolicySpec}
    files = {ALL_KINDS: _manifest_schema(models, summaries)}
    for name, model in models.items():
        # The reports of `resync` and `sync run` have the plain names.
        suffix = "-request" if isinstance(kinds.get(name), RequestKind) else ""
        files[f"{_kebab(name)}{suffix}.schema.json"] = _manifest_schema({name: model}, summaries)
    return {name: (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode() for name, schema in files.items()}


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _manifest_schema(models: Mapping[str, type[SpecModel]], summaries: Mapping[str, str]) -> Schema:
    """Return the schema of a manifest that is of one of these kinds."""
    described: list[type[BaseModel]] = [Metadata, *models.values()]
    wanted: list[tuple[type[BaseModel], Literal["validation"]]] = [(model, "validation") for model in described]
    references, generated = models_json_schema(wanted, ref_template="#/definitions/{model}")
    definitions = {name: _with_references(_tidy(schema)) for name, schema in generated["$defs"].items()}
    definitions["Metadata"] = _tidy(generated["$defs"]["Metadata"])  # read before anything is resolved
    names = {kind: references[(model, "validation")]["$ref"].rpartition("/")[2] for kind, model in models.items()}
    for spec in names.values():
        definitions[f"{spec}Absent"] = {key: value for key, value in definitions[spec].items() if key != "required"}
    return {
        "$schema": _DIALECT,
        "title": "reconciler manifest" if len(models) > 1 else next(iter(models)),
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "Version of the manifest format."},
            "kind": {
                "description": "What the manifest describes.",
                "enum": list(models),
                "markdownEnumDescriptions": [summaries[kind] for kind in models],
            },
            "metadata": {"$ref": "#/definitions/Metadata"},
            "state": {
                "description": "absent: the live object must not exist, and is deleted.",
                "enum": ["present", "absent"],
                "default": "present",
            },
            "spec": {"type": "object", "description": "What is wanted."},
        },
        "allOf": [_branch(kind, spec, summaries[kind]) for kind, spec in names.items()],
        "definitions": dict(sorted(definitions.items())),
    }


def _branch(kind: str, spec: str, summary: str) -> Schema:
    """Return what follows from a kind."""
    wanted = {"description": summary, "$ref": f"#/definitions/{spec}"}
    present: Schema = {"required": ["spec"], "properties": {"spec": wanted}}
    if kind in _WITHOUT_LIVE:
        then = present
    else:
        is_absent = {"properties": {"state": {"const": "absent"}}, "required": ["state"]}
        absent = {"properties": {"spec": {"description": summary, "$ref": f"#/definitions/{spec}Absent"}}}
        then = {"if": is_absent, "then": absent, "else": present}
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": then}


def _tidy(schema: Any) -> Any:
    """Drop what pydantic adds and nobody reads: titles made from names, `null` for what may be left out."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {}
    for key, value in schema.items():
        if key == "title" or (key == "default" and value is None):
            continue
        if key in ("default", "enum", "const", "examples"):
            tidy[key] = value
        elif key == "properties":
            tidy[key] = {name: _tidy(field) for name, field in value.items()}
        else:
            tidy[key] = _tidy(value)
    branches = [branch for branch in tidy.get("anyOf", ()) if branch != {"type": "null"}]
    if len(branches) == 1:
        del tidy["anyOf"]
        return branches[0] | tidy
    if branches:
        tidy["anyOf"] = branches
    return tidy


def _with_references(schema: Any) -> Any:
    """Let a field that takes no text take a reference, and one whose text is limited take one beyond the limit."""
    if not isinstance(schema, dict):
        return schema
    changed = dict(schema)
    if "properties" in changed:
        changed["properties"] = {name: _with_references(field) for name, field in changed["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in changed:
            changed[key] = _with_references(changed[key])
    if "anyOf" in changed:
        return _union_with_reference(changed)
    if "enum" in changed or changed.get("type") in ("boolean", "integer", "number"):
        return _either(changed, ("type", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
    if changed.get("type") == "string" and any(limit in changed for limit in _TEXT_LIMITS):
        limits = {limit: changed.pop(limit) for limit in _TEXT_LIMITS if limit in changed}
        changed["anyOf"] = [limits, _ANY_REFERENCE]
    return changed


def _either(schema: Schema, own: Iterable[str]) -> Schema:
    """Move what the field takes into one branch, a reference into another; what describes it stays outside."""
    taken = {key: schema[key] for key in own if key in schema}
    rest = {key: value for key, value in schema.items() if key not in taken}
    return rest | {"anyOf": [taken, _WHOLE_REFERENCE]}


def _union_with_reference(schema: Schema) -> Schema:
    branches: list[Schema] = schema["anyOf"]
    takes_text = any(branch.get("type") == "string" and "enum" not in branch for branch in branches)
    return schema if takes_text else schema | {"anyOf": [*branches, _WHOLE_REFERENCE]}
