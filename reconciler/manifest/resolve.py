"""A manifest with its references resolved: the state that live should have, secrets still sealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from reconciler.errors import ManifestErrors, Place, Problem
from reconciler.kind.kind import Kind
from reconciler.kind.semantics import SpecModel, State, fields_of
from reconciler.manifest.annotations import annotations_at, branches, max_length
from reconciler.manifest.explain import error_paths, explain
from reconciler.manifest.model import Manifest
from reconciler.manifest.positions import Locator, Path, format_path
from reconciler.manifest.references import Reference, is_literal, is_whole_reference, parse_text
from reconciler.manifest.scalars import BadScalar, plain_value
from reconciler.manifest.scope import Scope
from reconciler.secret import MASK, Secret

LITERAL = "(literal)"
ModelT = TypeVar("ModelT", bound=SpecModel)


@dataclass(frozen=True, slots=True)
class ResolvedSpec:
    """What a manifest wants, references resolved.

    `state` has defaults in, nothing that is absent, `Secret` objects in write-only fields, manifest names in reference
    fields, and no pause: that is in `spec`, whose write-only texts are masks. `spec` is None for an absent manifest
    that says no more than its ID.
    """

    state: State = field(repr=False)
    spec: SpecModel | None = field(repr=False)


def resolve(manifest: Manifest, kind: Kind[Any], scope: Scope) -> ResolvedSpec:
    """Resolve the references of a manifest.

    Secrets are not looked up: each is a `Secret` that does so when it is asked.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value, or may not be reached.
        ManifestErrors: a resolved value does not fit its field.
    """
    model: type[SpecModel] = kind.spec
    if not manifest.references and not _has_write_only(model):
        return ResolvedSpec(dict(manifest.raw) if manifest.spec is None else _dump(manifest.spec), manifest.spec)
    subject = f"{manifest.kind} {manifest.name}"
    raw, spec, secrets = _resolved(model, manifest.raw, manifest, scope, subject=subject, absent=manifest.absent)
    state = raw if spec is None else _dump(spec)
    for path, secret in secrets.items():
        _put(state, path, secret)
    return ResolvedSpec(state, spec)


def resolve_section(
    model: type[ModelT], data: Mapping[str, Any], locator: Locator, scope: Scope, *, subject: str
) -> tuple[ModelT, Mapping[Path, Secret]]:
    """Resolve the references of a part of a spec.

    Args:
        model: what the part has to be.
        data: the part as plain data.
        locator: finds places below it.
        scope: where references resolve.
        subject: the part, as messages name it.

    Returns:
        The typed part, write-only texts masked, and the secrets behind the masks by path.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value, or may not be reached.
        ManifestErrors: a resolved value does not fit its field.
    """
    _, typed, secrets = _resolved(model, data, locator, scope, subject=subject, absent=False)
    return cast("ModelT", typed), secrets


def _resolved(
    model: type[ModelT], data: Mapping[str, Any], locator: Locator, scope: Scope, *, subject: str, absent: bool
) -> tuple[dict[str, Any], ModelT | None, dict[Path, Secret]]:
    """Return the resolved data, its typed form (None: absent and incomplete), and the secrets in it."""
    resolver = _Resolver(model, scope, locator)
    raw = resolver.mapping(data, model, ())
    try:
        return raw, model.model_validate(raw), resolver.secrets
    except ValidationError as error:
        errors = error_paths(error, raw)
    if absent:
        errors = {path: details for path, details in errors.items() if details[0]["type"] != "missing"}
    if errors:
        raise ManifestErrors(list(explain(errors, model, raw, locator, subject=subject)))
    return raw, None, resolver.secrets


def _dump(spec: SpecModel) -> State:
    pause = _pause_attribute(type(spec))
    return spec.model_dump(by_alias=True, exclude_none=True, exclude={pause} if pause else None)


@cache
def _pause_attribute(model: type[SpecModel]) -> str | None:
    """The Python name of the field that pauses, or None."""
    pauses = {name for name, node in fields_of(model).items() if node.semantics.pause}
    return next((name for name, info in model.model_fields.items() if (info.alias or name) in pauses), None)


@cache
def _has_write_only(model: type[BaseModel]) -> bool:
    return any(
        node.semantics.write_only or (node.model is not None and _has_write_only(node.model))
        for node in fields_of(model).values()
    )


def _put(state: Any, path: Path, value: Secret) -> None:
    for part in path[:-1]:
        state = state[part]
    state[path[-1]] = value


class _Resolver:
    """Walks a spec beside its model; collects a `Secret` for every write-only text it passes."""

    def __init__(self, model: type[BaseModel], scope: Scope, locator: Locator) -> None:
        self.secrets: dict[Path, Secret] = {}
        self._model = model
        self._scope = scope
        self._locator = locator

    def mapping(self, data: Mapping[str, Any], model: type[BaseModel] | None, path: Path) -> dict[str, Any]:
        nodes = fields_of(model) if model is not None else {}
        resolved: dict[str, Any] = {}
        for name, value in data.items():
            node = nodes.get(name)
            if node is not None and node.semantics.write_only and isinstance(value, str):
                here = (*path, name)
                self.secrets[here] = seal(self._model, value, here, self._scope, self._locator)
                resolved[name] = MASK
            elif isinstance(value, str) and "${" not in value:
                resolved[name] = value
            else:
                resolved[name] = self._value(value, node.model if node is not None else None, (*path, name))
        return resolved

    def _value(self, value: Any, model: type[BaseModel] | None, path: Path) -> Any:
        if isinstance(value, str):
            return self._text(value, path) if "${" in value else value
        if isinstance(value, dict):
            return self.mapping(value, model, path)
        if isinstance(value, list):
            return [self._value(item, model, (*path, index)) for index, item in enumerate(value)]
        return value

    def _text(self, text: str, path: Path) -> Any:
        value = self._scope.text(text, partial(self._locator.at, path))
        taken = {branch for annotation in annotations_at(self._model, path) for branch in branches(annotation)}
        if taken & {str, Any} or not taken or not is_whole_reference(text):
            return value
        # The field takes no text, so the value means what it would mean if it stood there unquoted.
        try:
            return plain_value(value)
        except BadScalar:
            return value


def seal(model: type[BaseModel], text: str, path: Path, scope: Scope, locator: Locator) -> Secret:
    """Return the value of a write-only field as a `Secret` that looks it up when it is asked.

    Args:
        model: of the spec.
        text: as the manifest has it.
        path: of the field, below the spec.
        scope: where references resolve.
        locator: finds places below the spec.
    """
    if is_literal(text):
        reference = LITERAL
    else:
        reference = "".join(str(part) for part in parse_text(text) if isinstance(part, Reference))
    place = partial(locator.at, path)
    return Secret(reference, partial(_looked_up, model, text, path, scope, place), place)


def _looked_up(model: type[BaseModel], text: str, path: Path, scope: Scope, place: Callable[[], Place]) -> str | None:
    value = scope.secret(text, place)
    limit = next(filter(None, map(max_length, annotations_at(model, path))), None)
    if value is not None and limit is not None and len(value) > limit:
        message = f"the value of {format_path(path)} is longer than {limit} characters"
        raise ManifestErrors([Problem("too-long", message, place(), hint="Use a shorter secret.")])
    return value
