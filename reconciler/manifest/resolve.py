"""A manifest with its references resolved: the state that live should have, secrets still sealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any, ClassVar, TypeVar, cast

from pydantic import BaseModel, ValidationError

from reconciler.errors import ManifestErrors, Place, Problem
from reconciler.kind.kind import ManifestKind
from reconciler.kind.semantics import SpecModel, State, fields_of
from reconciler.kind.sensitive import Position, marked_paths, replaced, secret_parts
from reconciler.manifest.annotations import annotations_at, branches, max_length
from reconciler.manifest.explain import error_paths, explain
from reconciler.manifest.hosts import hosts_of
from reconciler.manifest.model import Manifest
from reconciler.manifest.positions import Locator, Path, format_path
from reconciler.manifest.references import Reference, is_literal, is_whole_reference, parse_at
from reconciler.manifest.scalars import BadScalar, plain_value
from reconciler.manifest.scope import HOLE, Scope
from reconciler.redacted import RedactedStruct
from reconciler.secret import MASK, Secret, UnusableSecret

LITERAL = "(literal)"
ModelT = TypeVar("ModelT", bound=SpecModel)


class ResolvedSpec(RedactedStruct, frozen=True):
    """Spec of a manifest, references resolved.

    `state` has defaults in, nothing that is absent, `Secret` objects in write-only fields and for values with secrets
    in them, manifest names in reference fields, and no pause: that is in `spec`, whose secret texts are masks. `spec`
    is None for an absent manifest that says no more than its ID.
    """

    redacted: ClassVar[tuple[str, ...]] = ("state", "spec")

    state: State
    spec: SpecModel | None


def resolve(manifest: Manifest, kind: ManifestKind[Any], scope: Scope) -> ResolvedSpec:
    """Resolve the references of a manifest.

    Secrets are not looked up: each is a `Secret` that does so when it is asked.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value, or may not be reached.
        ManifestErrors: a resolved value does not fit its field.
    """
    model: type[SpecModel] = kind.spec
    if not (manifest.references or manifest.metadata.sensitive or _may_hold_secrets(model)):
        spec = manifest.spec
        return ResolvedSpec(dict(manifest.raw) if spec is None else _dump(spec), spec)
    subject = f"{manifest.kind} {manifest.name}"
    marked = marked_paths(manifest.metadata.sensitive)
    raw, resolved, secrets = _resolved(
        model, manifest.raw, manifest, scope, subject=subject, absent=manifest.absent, marked=marked
    )
    state = raw if resolved is None else _dump(resolved)
    for path, secret in secrets.items():
        _put(state, path, secret)
    return ResolvedSpec(state, resolved)


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
    _, typed, secrets = _resolved(model, data, locator, scope, subject=subject, absent=False, plain=False)
    return cast("ModelT", typed), secrets


def _resolved(
    model: type[ModelT],
    data: Mapping[str, Any],
    locator: Locator,
    scope: Scope,
    *,
    subject: str,
    absent: bool,
    marked: frozenset[str] = frozenset(),
    plain: bool = True,
) -> tuple[dict[str, Any], ModelT | None, dict[Path, Secret]]:
    """Return the resolved data, its typed form (None: absent and incomplete), and the secrets in it."""
    resolver = _Resolver(model, scope, locator, marked)
    raw = resolver.mapping(data, Position(model, plain=plain), ())
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
def _may_hold_secrets(model: type[BaseModel]) -> bool:
    return any(
        node.semantics.write_only
        or node.semantics.host is not None
        or node.free_form
        or (node.model is not None and _may_hold_secrets(node.model))
        for node in fields_of(model).values()
    )


def _put(state: Any, path: Path, value: Secret) -> None:
    for part in path[:-1]:
        state = state[part]
    state[path[-1]] = value


class _Resolver:
    """Walks a spec beside its model; collects a `Secret` for every text that is one or has one in it."""

    def __init__(self, model: type[BaseModel], scope: Scope, locator: Locator, marked: frozenset[str]) -> None:
        self.secrets: dict[Path, Secret] = {}
        self._model = model
        self._scope = scope
        self._locator = locator
        self._marked = marked

    def mapping(self, data: Mapping[str, Any], position: Position, path: Path) -> dict[str, Any]:
        nodes = fields_of(position.model) if position.model is not None else {}
        plain = not (position.free or position.whole or self._marked)
        resolved: dict[str, Any] = {}
        for name, value in data.items():
            node = nodes.get(name)
            if node is not None and node.semantics.write_only and isinstance(value, str):
                resolved[name] = self._sealed(value, (*path, name))
            elif node is not None and node.semantics.write_only and isinstance(value, list):
                resolved[name] = [
                    self._sealed(item, (*path, name, index)) if isinstance(item, str) else item
                    for index, item in enumerate(value)
                ]
            elif plain and isinstance(value, str) and "${" not in value and (not node or node.semantics.host is None):
                resolved[name] = value
            else:
                resolved[name] = self._value(value, position.below(name, self._marked, data), (*path, name))
        return resolved

    def _sealed(self, text: str, path: Path) -> str:
        self.secrets[path] = seal(self._model, text, path, self._scope, self._locator)
        return MASK

    def _value(self, value: Any, position: Position, path: Path) -> Any:
        if isinstance(value, str):
            shown = self._with_secrets(value, position, path) if position.may_hold else None
            if shown is not None:
                return shown
            return self._text(value, path) if "${" in value else value
        if isinstance(value, dict):
            return self.mapping(value, position, path)
        if isinstance(value, list):
            return [self._value(item, position.entry(value, index), (*path, index)) for index, item in enumerate(value)]
        return value

    def _with_secrets(self, text: str, position: Position, path: Path) -> str | None:
        """Seal a text that has secrets in it, and return it with them masked; None where it has none."""
        place = partial(self._locator.at, path)
        template = self._scope.template(text, place) if "${" in text else text
        found = position.spans(template)
        if not found or HOLE in replaced(template, found):
            return None  # no secret, or one where none may stand, which `Scope.text` refuses
        secret = seal(self._model, text, path, self._scope, self._locator)
        value = partial(_same_place, secret, template, place) if position.host else partial(_value_of, secret)
        shown = replaced(template, found)
        parts = partial(secret_parts, whole=position.whole, host=position.host)
        self.secrets[path] = Secret(secret.reference, value, place, shown, parts)
        return shown

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


def _value_of(secret: Secret) -> str | None:
    if not secret.is_set:
        raise UnusableSecret(secret.lacks)
    return secret.value


def _same_place(secret: Secret, template: str, place: Callable[[], Place]) -> str | None:
    """Return the value of a URL with secrets in it, if they did not move the place that it names."""
    value = _value_of(secret)
    if value is not None and hosts_of(value, "url") != hosts_of(template.replace(HOLE, "x"), "url"):
        message = f"{secret.reference} has characters that change the host of this URL"
        raise ManifestErrors(
            [Problem("bad-value", message, place(), hint="Percent-encode the secret: / is %2F, @ is %40.")]
        )
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
    where = _Where(locator, path)
    reference = LITERAL if is_literal(text) else _references_in(text, where)
    return Secret(reference, _Lookup(model, text, scope, where), where)


class _Where:
    """Finds the place of a path when it is asked; of thousands of secrets, hardly one ever is."""

    __slots__ = ("locator", "path")

    def __init__(self, locator: Locator, path: Path) -> None:
        self.locator, self.path = locator, path

    def __call__(self) -> Place:
        return self.locator.at(self.path)


class _Lookup:
    """Looks up the value of a write-only field when it is asked."""

    __slots__ = ("model", "scope", "text", "where")

    def __init__(self, model: type[BaseModel], text: str, scope: Scope, where: _Where) -> None:
        self.model, self.text, self.scope, self.where = model, text, scope, where

    def __call__(self) -> str | None:
        return _looked_up(self.model, self.text, self.where.path, self.scope, self.where)


def _references_in(text: str, place: Callable[[], Place]) -> str:
    return "".join(str(part) for part in parse_at(text, place) if isinstance(part, Reference))


@lru_cache(maxsize=4096)  # the same few fields over and over
def _limit(model: type[BaseModel], path: Path) -> int | None:
    return next(filter(None, map(max_length, annotations_at(model, path))), None)


def _looked_up(model: type[BaseModel], text: str, path: Path, scope: Scope, place: Callable[[], Place]) -> str | None:
    value = scope.secret(text, place)
    if value == "":
        raise UnusableSecret("is empty")
    limit = _limit(model, path)
    if value is not None and limit is not None and len(value) > limit:
        message = f"the value of {format_path(path)} is longer than {limit} characters"
        raise ManifestErrors([Problem("too-long", message, place(), hint="Use a shorter secret.")])
    return value
