"""Field semantics: what a field means to diff, import, redaction, schemas and docs. Said once, on the model."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from reconciler.kind.connection import Wire

State = dict[str, Any]

# An ID is a part of a path, and none of its own parts may be empty, one dot or two: they would lead elsewhere.
_PATH_ID = r"^([^./][^/]*|\.[^./][^/]*|\.\.[^/]+)(/([^./][^/]*|\.[^./][^/]*|\.\.[^/]+))*$"

PathID = Annotated[str, StringConstraints(min_length=1, pattern=_PATH_ID)]


class Risk(StrEnum):
    """What a change can do to the business, worst first."""

    LOSES_DATA = "loses-data"
    STOPS_SYNC = "stops-sync"
    RE_SYNCS = "re-syncs"
    COSMETIC = "cosmetic"


class FieldSemantics(Struct, frozen=True):
    """What a field means beyond its type; stands in the `Annotated` of the spec model.

    Args:
        write_only: the API takes it and never returns it (documented by the vendor's SDK types).
        references: the kind whose manifest name the field holds; live, it holds that object's ID.
        unmanaged: such a reference may also hold the ID of a live object that no manifest names.
        made_along: where there is no such object, the one that refers to it makes it.
        identity: the field is the live ID; left out, that is the manifest's name.
        immutable: the API cannot change it once it has a value.
        host: how to find the host the value points at, for the `targetHosts` allow-list.
        unordered: a list whose order means nothing.
        pause: the field is the pause of a sync.
        risk: what changing it can do; with `risk_when`, only when it becomes that value.
        risk_else: with `risk_when`, what it can do when it becomes another.
        risk_gone: what taking it away, or a part of it, can do; None: the same.
        selects: a list that picks out; left out, it stands for everything.
        accompanies: a write-only field that is there only where this sibling is.
        code: an expression, which is shown as it is.
        wire: the API's member name where it does not follow from the field's name.
    """

    write_only: bool = False
    references: str | None = None
    unmanaged: bool = False
    made_along: bool = False
    identity: bool = False
    immutable: bool = False
    host: Literal["url", "brokers", "connection-string"] | None = None
    unordered: bool = False
    pause: bool = False
    risk: Risk = Risk.COSMETIC
    risk_when: bool | str | None = None
    risk_else: Risk = Risk.COSMETIC
    risk_gone: Risk | None = None
    selects: bool = False
    accompanies: str | None = None
    code: bool = False
    wire: str | None = None


PLAIN = FieldSemantics()


class SpecModel(BaseModel):
    """Base of every spec: camelCase names, unknown fields refused, values never coerced."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    @classmethod
    def wire_name(cls, _attribute: str, alias: str) -> str:
        """Return the API's name of a member: the manifest's with a capital first letter, unless a provider differs."""
        return "ID" if alias == "id" else alias[0].upper() + alias[1:]


class FieldNode(Struct, frozen=True):
    """One field of a spec model: its names, its semantics, and its model where it is an object.

    `name` is the manifest's name, `attribute` the model's, `wire` the API's. `free_form` says that it takes any map.
    """

    name: str
    attribute: str
    wire: str
    semantics: FieldSemantics
    required: bool
    default: Any
    model: type[BaseModel] | None = None
    is_list: bool = False
    free_form: bool = False


def _semantics_in(annotation: object) -> FieldSemantics:
    """The semantics inside an annotation such as `Annotated[str, FieldSemantics(…)] | None`."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return next((item for item in arguments[1:] if isinstance(item, FieldSemantics)), PLAIN)
    if get_origin(annotation) in (Union, UnionType):
        return next((found for found in map(_semantics_in, arguments) if found is not PLAIN), PLAIN)
    return PLAIN


def _annotated_semantics(info: FieldInfo) -> FieldSemantics:
    own = next((item for item in info.metadata if isinstance(item, FieldSemantics)), PLAIN)
    return own if own is not PLAIN else _semantics_in(info.annotation)


def _model_in(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """The model that an annotation holds, through Optional, Annotated and list; and whether in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    origin = get_origin(annotation)
    if origin is Annotated:
        return _model_in(get_args(annotation)[0])
    if origin in (Union, UnionType):
        for argument in get_args(annotation):
            model, in_list = _model_in(argument)
            if model is not None:
                return model, in_list
    if origin is list:
        return _model_in(get_args(annotation)[0])[0], True
    return None, False


def _is_free_form(annotation: object) -> bool:
    """Whether an annotation takes a map of anything."""
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return arguments[1] is Any
    if get_origin(annotation) is Annotated:
        return _is_free_form(arguments[0])
    return get_origin(annotation) in (Union, UnionType) and any(map(_is_free_form, arguments))


@cache
def fields_of(model: type[BaseModel]) -> Mapping[str, FieldNode]:
    """Return the fields of a spec model by their manifest name."""
    nodes: dict[str, FieldNode] = {}
    for name, info in model.model_fields.items():
        alias = info.alias or name
        semantics = _annotated_semantics(info)
        # A pause is compared as a boolean, whatever model declares it.
        nested, is_list = (None, False) if semantics.pause else _model_in(info.annotation)
        default = None if info.is_required() else info.get_default(call_default_factory=True, validated_data={})
        wire = model.wire_name if issubclass(model, SpecModel) else SpecModel.wire_name
        nodes[alias] = FieldNode(
            alias,
            name,
            semantics.wire or wire(name, alias),
            semantics,
            info.is_required(),
            default,
            nested,
            is_list,
            _is_free_form(info.annotation),
        )
    return nodes


def has_shape(model: type[BaseModel], state: Mapping[str, Any]) -> bool:
    """Whether a state has objects, and lists of them, where its model has them."""
    for name, node in fields_of(model).items():
        value = state.get(name)
        if value is None or (node.model is None and not node.free_form):
            continue
        objects = value if node.is_list else [value]
        if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
            return False
        if node.model is not None and not all(has_shape(node.model, each) for each in objects):
            return False
    return True


@cache
def semantics_by_path(model: type[BaseModel]) -> Mapping[str, FieldSemantics]:
    """Return the semantics of every field, nested ones under dotted paths (`deliveryTargets.http.secret`)."""
    found: dict[str, FieldSemantics] = {}
    for name, node in fields_of(model).items():
        found[name] = node.semantics
        if node.model is not None:
            suffix = "[]" if node.is_list else ""
            for path, semantics in semantics_by_path(node.model).items():
                found[f"{name}{suffix}.{path}"] = semantics
    return found


@cache
def write_only_paths(model: type[BaseModel]) -> frozenset[str]:
    """Return the path of every write-only field, nested ones dotted."""
    return frozenset(path for path, semantics in semantics_by_path(model).items() if semantics.write_only)


def to_wire(model: type[BaseModel], state: Mapping[str, Any]) -> Wire:
    """Turn a state into the API's terms. Secrets stay `Secret` objects; the client reveals them when it sends."""
    nodes = fields_of(model)
    wire: Wire = {}
    for name, value in state.items():
        node = nodes[name]
        if node.model is not None and isinstance(value, dict):
            wire[node.wire] = to_wire(node.model, value)
        elif node.model is not None and node.is_list:
            wire[node.wire] = [to_wire(node.model, item) for item in value]
        else:
            wire[node.wire] = value
    return wire


def from_wire(model: type[BaseModel], wire: Mapping[str, Any]) -> State:
    """Turn an API object into a state: known members only, nulls and write-only members left out.

    A write-only member that came from a read is a mask or a null, never a value, so it is never kept.
    """
    state: State = {}
    for name, node in fields_of(model).items():
        value = wire.get(node.wire)
        if value is None or node.semantics.write_only:
            continue
        if node.model is not None and isinstance(value, dict):
            state[name] = from_wire(node.model, value)
        elif node.model is not None and isinstance(value, list):
            state[name] = [from_wire(node.model, item) for item in value if isinstance(item, dict)]
        else:
            state[name] = value
    return state
