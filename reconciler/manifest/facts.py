"""Facts of one manifest that others, or its environment, have to agree with: found once, unresolved. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel, TypeAdapter, ValidationError

from reconciler.errors import Problem
from reconciler.kind.kind import ManifestKind
from reconciler.kind.semantics import FieldNode, fields_of
from reconciler.kind.sensitive import position_of
from reconciler.manifest.annotations import annotations_at
from reconciler.manifest.explain import explain, suggest
from reconciler.manifest.hosts import hosts_of
from reconciler.manifest.model import EnvironmentManifest, Manifest
from reconciler.manifest.positions import DocumentLocator, Path, Source, format_path, parse_path
from reconciler.manifest.references import is_literal, literal_parts, texts_of, unreadable_names

# What stands for a part of a URL that is no host.
_SECRET = re.compile(r"\$\{secret:[^}]*\}")


def _literal_but_for_secrets(text: str) -> bool:
    return "://" in text and "${" not in _SECRET.sub("", text)


class Facts(Struct, frozen=True):
    """Facts of one manifest.

    Args:
        live_id: of its live object; None where that waits for a reference or cannot be known.
        references: path, kind and name of the manifests it names, and whether there has to be such a manifest.
        hosts: path, literal hosts (None: they cannot be parsed) and whether the value is secret.
        literals: paths of write-only fields whose value stands in the manifest.
        unreadable: path and name of environment variables that it may not read unless RECONCILER_ALLOW_ENV says so.
    """

    live_id: str | None = None
    references: tuple[tuple[Path, str, str, bool], ...] = ()
    hosts: tuple[tuple[Path, tuple[str, ...] | None, bool], ...] = ()
    literals: tuple[Path, ...] = ()
    unreadable: tuple[tuple[Path, str], ...] = ()


def facts_of(manifest: Manifest, model: type[BaseModel], kind: ManifestKind[Any] | None) -> tuple[Facts, list[Problem]]:
    """Return the facts of a manifest, and what is wrong with it by itself.

    Args:
        manifest: any manifest.
        model: of its spec.
        kind: its kind; None for an Environment.
    """
    references: list[tuple[Path, str, str, bool]] = []
    hosts: list[tuple[Path, tuple[str, ...] | None, bool]] = []
    literals: list[Path] = []
    for path, node, text in _marked_texts(manifest.raw, model, ()):
        semantics = node.semantics
        literal = "${" not in text
        if semantics.references is not None and literal:
            references.append((path, semantics.references, text, not semantics.unmanaged))
        if semantics.host is not None and (literal or _literal_but_for_secrets(text)):
            literally = _SECRET.sub("x", text)
            hosts.append((path, hosts_of(literally, semantics.host), semantics.write_only))
        if semantics.write_only and is_literal(text):
            literals.append(path)
    if kind is not None:
        literals.extend(path for path, _ in literal_parts(model, manifest.raw, manifest.metadata.sensitive))
    problems = list(_ignored(manifest, model)) if manifest.metadata.ignore else []
    if manifest.metadata.sensitive:
        problems.extend(_marked_badly(manifest, model))
    live_id = None
    if kind is not None and (manifest.typed is not None or manifest.absent):
        try:
            live_id = kind.live_id(manifest.name, manifest.raw)
        except KeyError as error:
            problems.append(_needed_for_id(manifest, str(error.args[0])))
        else:
            problems.extend(_named_badly(manifest, kind))
    if live_id is not None and "${" in live_id:
        live_id = None
    unreadable = tuple(_unreadable(manifest)) if manifest.variables else ()
    return Facts(live_id, tuple(references), tuple(hosts), tuple(literals), unreadable), problems


def secrets_in(model: type[BaseModel], data: Mapping[str, Any], sensitive: Collection[str] = ()) -> Iterator[str]:
    """Yield the secrets that stand in a spec, or in a patch of one, in so many words.

    Args:
        model: of the spec.
        data: the spec, references unresolved.
        sensitive: the paths that `metadata.sensitive` names.
    """
    for _, node, text in _marked_texts(data, model, ()):
        if node.semantics.write_only and is_literal(text):
            yield text
    for _, parts in literal_parts(model, data, sensitive):
        yield from parts


def _unreadable(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    for text in texts_of(manifest.raw):
        # What a patch says is looked at in the manifest that it changes.
        of_environment = isinstance(manifest, EnvironmentManifest)
        if not of_environment or text.path[0] != "patches":
            ledger = of_environment and text.path == ("ledger",)
            yield from ((text.path, name) for name in unreadable_names(text.text, ledger=ledger))


def _marked_badly(manifest: Manifest, model: type[BaseModel]) -> Iterator[Problem]:
    """Yield the paths of metadata.sensitive that name nothing, or what is shown all the same."""
    for number, text in enumerate(manifest.metadata.sensitive):
        path = parse_path(text)
        position = position_of(model, path, frozenset())
        node = fields_of(model).get(str(path[0])) if path else None
        known = node is not None and (position.free or bool(annotations_at(model, path)))
        if known and not (node and (node.semantics.identity or node.semantics.references or node.semantics.pause)):
            continue
        why = "names what is shown everywhere, such as an ID" if known else "names no field of its spec"
        yield Problem(
            "unknown-path",
            f"{manifest.kind} {manifest.name}: metadata.sensitive {why}",
            manifest.metadata_at("sensitive", number),
            text[:60],
            suggest(text, list(fields_of(model)), "fields"),
        )


@cache
def _marked_fields(model: type[BaseModel]) -> Mapping[str, FieldNode]:
    """The fields that say something to others, and those that hold such fields."""
    return {
        name: node
        for name, node in fields_of(model).items()
        if node.semantics.references is not None
        or node.semantics.host is not None
        or node.semantics.write_only
        or (node.model is not None and _marked_fields(node.model))
    }


def _marked_texts(data: Mapping[str, Any], model: type[BaseModel], path: Path) -> Iterator[tuple[Path, FieldNode, str]]:
    for name, node in _marked_fields(model).items():
        value = data.get(name)
        if value is None:
            continue
        here = (*path, name)
        if isinstance(value, str):
            yield here, node, value
        elif isinstance(value, dict) and node.model is not None:
            yield from _marked_texts(value, node.model, here)
        elif isinstance(value, dict):
            yield from (((*here, key), node, item) for key, item in value.items() if isinstance(item, str))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, str):
                    yield (*here, index), node, item
                elif isinstance(item, dict) and node.model is not None:
                    yield from _marked_texts(item, node.model, (*here, index))


def _ignored(manifest: Manifest, model: type[BaseModel]) -> Iterator[Problem]:
    for position, text in enumerate(manifest.metadata.ignore):
        path = parse_path(text)
        if path and format_path(path) == text and annotations_at(model, path):
            if any(isinstance(part, int) for part in path):
                yield _ignored_entry(manifest, position, path)
            continue
        known = list(fields_of(model))
        yield Problem(
            "unknown-path",
            f"{manifest.kind} {manifest.name}: metadata.ignore names {text[:60]}, which is no field of its spec",
            manifest.metadata_at("ignore", position),
            text[:60],
            suggest(text, known, "fields"),
        )


def _ignored_entry(manifest: Manifest, position: int, path: Path) -> Problem:
    whole = format_path(path[: next(index for index, part in enumerate(path) if isinstance(part, int))])
    return Problem(
        "unknown-path",
        f"{manifest.kind} {manifest.name}: metadata.ignore names an entry of {whole}, which is compared as a whole",
        manifest.metadata_at("ignore", position),
        format_path(path)[:60],
        f"Ignore {whole}.",
    )


def _named_badly(manifest: Manifest, kind: ManifestKind[Any]) -> Iterator[Problem]:
    """Yield what keeps the manifest's name from being the live ID, which it is where the spec has none."""
    field = kind.id_field
    if field is None or manifest.raw.get(field) is not None:
        return
    model: type[BaseModel] = kind.spec
    try:
        _id_type(model, fields_of(model)[field].attribute).validate_python(manifest.name)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        data = {**manifest.raw, field: manifest.name}
        subject = f"{manifest.kind} {manifest.name[:60]}"
        place = manifest.metadata_at("name")
        nowhere = DocumentLocator(Source("", b""), 0)
        for problem in explain({(field,): details}, model, data, nowhere, subject=subject):
            message = f"{problem.message}: left out, it is the name"
            yield replace(problem, message=message, place=place, hint=f"Add {field} to the spec, or change the name.")


@cache
def _id_type(model: type[BaseModel], attribute: str) -> TypeAdapter[Any]:
    annotation: Any = model.model_fields[attribute].annotation
    return TypeAdapter(annotation)


def _needed_for_id(manifest: Manifest, name: str) -> Problem:
    return Problem(
        "missing-field",
        f"{manifest.kind} {manifest.name}: spec.{name} is required, because it says which live object is meant",
        manifest.at(()),
        hint=f"Add {name}.",
    )
