"""The Kind protocol: what the reconciler has to know of one kind of live object, and nothing more.

A provider registers one `Kind` per kind. Its spec model carries the field semantics as annotations, once; diff,
import, redaction, schemas and docs read them there. State is written in manifest terms (camelCase, nothing that is
absent), wire objects in the API's terms.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from reconciler.errors import Place, Problem

Json = Any
State = dict[str, Any]
Wire = dict[str, Any]
Params = Mapping[str, str | int | Sequence[str]]
"""Query parameters. Several values under one name send it as often: in OrderCloud's lists all of them have to hold."""


class Risk(StrEnum):
    """What a change can do to the business, worst first."""

    LOSES_DATA = "loses-data"
    STOPS_SYNC = "stops-sync"
    RE_SYNCS = "re-syncs"
    COSMETIC = "cosmetic"


class Action(StrEnum):
    """What a change does to its live object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RENAME = "rename"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class FieldSemantics:
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
        accompanies: a write-only field that is there only where this sibling is.
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
    risk_when: bool | None = None
    accompanies: str | None = None
    wire: str | None = None


PLAIN = FieldSemantics()


class SpecModel(BaseModel):
    """Base of every spec: camelCase names, unknown fields refused, values never coerced.

    Class attributes:
        later: fields that a later version will know; whoever writes one already is told so.
    """

    later: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, strict=True, hide_input_in_errors=True
    )

    @classmethod
    def wire_name(cls, _attribute: str, alias: str) -> str:
        """Return the API's name of a member: the manifest's with a capital first letter, unless a provider differs."""
        return "ID" if alias == "id" else alias[0].upper() + alias[1:]


SpecT_co = TypeVar("SpecT_co", bound=SpecModel, covariant=True)


@dataclass(frozen=True, slots=True)
class FieldNode:
    """One field of a spec model: its names, its semantics, and its model where it is an object.

    `name` is the manifest's name, `attribute` the model's, `wire` the API's.
    """

    name: str
    attribute: str
    wire: str
    semantics: FieldSemantics
    required: bool
    default: Any
    model: type[BaseModel] | None = None
    is_list: bool = False


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
            alias, name, semantics.wire or wire(name, alias), semantics, info.is_required(), default, nested, is_list
        )
    return nodes


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


class Reader(Protocol):
    """A connection that can only read. Planning gets nothing else."""

    async def get(self, path: str, params: Params | None = None) -> Json:
        """GET `path` (relative to the API's base) and return the decoded JSON body.

        Raises:
            ApiError: a subclass that says what happened; `NotFound` for a 404.
        """
        ...


class Writer(Reader, Protocol):
    """A connection that can write as well. Only apply gets one.

    Every write returns the decoded body, or None for an empty one, and raises `AnswerLost` where its outcome is not
    known: the caller reads back before it writes again.
    """

    async def post(self, path: str, body: Json = None) -> Json: ...

    async def put(self, path: str, body: Json) -> Json: ...

    async def patch(self, path: str, body: Json) -> Json: ...

    async def delete(self, path: str) -> None: ...


class ManifestView(Protocol):
    """What a kind's own cross-checks may know of a manifest."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def spec(self) -> Any: ...

    @property
    def absent(self) -> bool: ...

    def place(self, path: str = "") -> Place: ...


@dataclass(frozen=True, slots=True)
class Observed:
    """A live object: its state in manifest terms, and the wire object as it was read, unknown members included."""

    kind: str
    id: str
    state: State
    wire: Wire = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change must not be made as it stands: a guardrail rule and a sentence for people."""

    rule: str
    message: str


class Kind(ABC, Generic[SpecT_co]):
    """One kind of live object. Subclasses are stateless; one instance is registered per kind.

    Class attributes:
        name: the `kind` of its manifests.
        api: the provider whose connection it uses, e.g. `ordercloud`.
        spec: the model of its `spec`.
        role: the role that the API asks for, named where a 403 does not; None where the API has no roles.
        summary: one sentence for schema and docs.
        delete_risk: what deleting such an object does.
        pause_limits: what a pause of it does not do, for whoever plans one; None where it cannot be paused.
        delete_limits: what deleting it does not do, for whoever plans that; None where it leaves nothing behind.
        deletable: whether the API can delete it.
        readable: whether the API can show it. Where not, what the ledger remembers as last applied stands for live.
        built_in: IDs of objects that are there from the start and are nobody's to manage.
    """

    name: ClassVar[str]
    api: ClassVar[str]
    spec: type[SpecT_co]
    role: ClassVar[str | None] = None
    summary: ClassVar[str]
    delete_risk: ClassVar[Risk] = Risk.STOPS_SYNC
    pause_limits: ClassVar[str | None] = None
    delete_limits: ClassVar[str | None] = None
    deletable: ClassVar[bool] = True
    readable: ClassVar[bool] = True
    built_in: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        """Return the ID of the live object that a manifest of this name and state stands for."""

    @abstractmethod
    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        """Read every live object of this kind, by ID. A failed read raises; it never looks like 'none'."""

    @abstractmethod
    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        """Read one live object, or None where it does not exist."""

    @abstractmethod
    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        """Create the object and return the API's answer (None: it says nothing)."""

    @abstractmethod
    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        """Change the members in `body` and return the API's answer (None: it says nothing)."""

    @abstractmethod
    async def delete(self, writer: Writer, live_id: str) -> None:
        """Delete the object."""

    def observe(self, live_id: str, wire: Wire) -> Observed:
        """Turn what was read into a comparable state, with the documented defaults filled in."""
        state = from_wire(self.spec, wire)
        for name, node in fields_of(self.spec).items():
            if name not in state and node.default is not None:
                state[name] = node.default
        return Observed(self.name, live_id, state, wire)

    def create_body(self, state: State) -> Wire:
        """Return the body that creates an object of this state."""
        return to_wire(self.spec, state)

    def update_body(self, desired: State, observed: Observed, changed: frozenset[str]) -> Wire:
        """Return the members to send so that the `changed` paths become as desired; null removes a member."""
        nodes = fields_of(self.spec)
        names = {path.partition(".")[0] for path in changed}
        full = to_wire(self.spec, {name: desired[name] for name in names if name in desired})
        return full | {nodes[name].wire: None for name in names if name not in desired}

    def refusals(
        self, desired: State, observed: Observed, changed: frozenset[str], ignored: frozenset[str]
    ) -> Iterable[Refusal]:
        """Return why changing these paths would do harm that the plan has to stop; `ignored` is left to others."""
        return ()

    def notes(self, observed: Observed) -> Iterable[str]:
        """Return what people should know of a live object, e.g. members that this version does not know."""
        return ()

    def remarks(self, desired: State, observed: Observed | None, changed: frozenset[str]) -> Iterable[str]:
        """Return what people should know of this change before they agree to it, where nothing refuses it."""
        return ()

    def check(self, manifests: Sequence[ManifestView]) -> Iterable[Problem]:
        """Return what is wrong across all manifests of one environment, as far as this kind is concerned."""
        return ()

    @property
    def id_field(self) -> str | None:
        """The field that is the live ID, or None for a kind whose ID is no field of its own."""
        return next((name for name, node in fields_of(self.spec).items() if node.semantics.identity), None)

    @property
    def pause_field(self) -> str | None:
        """The field that pauses the sync, or None for a kind that cannot be paused."""
        return next((name for name, node in fields_of(self.spec).items() if node.semantics.pause), None)


Kinds = Mapping[str, Kind[SpecModel]]
ReaderFor = Callable[[str], Reader]
