"""The Kind protocol: what the reconciler has to know of one kind of live object, and nothing more.

A provider registers one `Kind` per kind. Its spec model carries the field semantics as annotations, once; diff,
import, redaction, schemas and docs read them there. State is written in manifest terms (camelCase, nothing that is
absent), wire objects in the API's terms.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from msgspec import Struct

from reconciler.errors import Place, Problem
from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.semantics import Risk, SpecModel, State, fields_of, from_wire, to_wire
from reconciler.redacted import RedactedStruct


class Action(StrEnum):
    """What a change does to its live object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RENAME = "rename"
    PAUSE = "pause"
    RESUME = "resume"


SpecT_co = TypeVar("SpecT_co", bound=SpecModel, covariant=True)


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


class Observed(RedactedStruct, frozen=True):
    """A live object: its state in manifest terms, and the wire object as it was read, unknown members included.

    Args:
        kind: of the object.
        id: its live ID.
        state: in manifest terms.
        wire: as it was read.
        is_record: a data sync keeps it. It is counted, and never taken for configuration unless a manifest names it.
    """

    redacted: ClassVar[tuple[str, ...]] = ("wire",)

    kind: str
    id: str
    state: State
    wire: Wire
    is_record: bool = False


class Seen(Struct, frozen=True):
    """State of an object that the API shows in part, put together from that and from what was applied last.

    Args:
        state: in manifest terms.
        words: what it was put together from, for people.
    """

    state: State
    words: str


class Survey(Struct, frozen=True):
    """Look at another API's live side, for what people should know of an object beside how it differs.

    Args:
        api: the provider to ask.
        roles: what it asks for.
        ask: returns the sentences, given what the manifest wants and a reader. Raises ApiError.
    """

    api: str
    roles: tuple[str, ...]
    ask: Callable[[State, Reader], Awaitable[Sequence[str]]]


class Volume(Struct, frozen=True):
    """Volume of records that flow by a live object, from past runs.

    Args:
        records: how many there are of each data type.
    """

    records: Mapping[str, int]


class Refusal(Struct, frozen=True):
    """Why a change must not be made as it stands: a guardrail rule and a sentence for people."""

    rule: str
    message: str


class ManifestKind(ABC, Generic[SpecT_co]):
    """One kind of manifest: of a live object, or of a request. Subclasses are stateless; one instance is registered.

    Class attributes:
        name: the `kind` of its manifests.
        api: the provider whose connection it uses, e.g. `ordercloud`.
        spec: the model of its `spec`.
        summary: one sentence for schema and docs.
        built_in: IDs of objects that are there from the start and are nobody's to manage.
    """

    name: ClassVar[str]
    api: ClassVar[str]
    spec: type[SpecT_co]
    summary: ClassVar[str]
    built_in: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        """Return the ID of what a manifest of this name and state stands for."""

    def check(self, manifests: Sequence[ManifestView]) -> Iterable[Problem]:
        """Return what is wrong across all manifests of one environment, as far as this kind is concerned."""
        return ()

    @property
    def id_field(self) -> str | None:
        """The field that is the live ID, or None for a kind whose ID is no field of its own."""
        return _id_field(self.spec)

    @property
    def pause_field(self) -> str | None:
        """The field that pauses the sync, or None for a kind that cannot be paused."""
        return _pause_field(self.spec)


@cache
def _id_field(model: type[SpecModel]) -> str | None:
    return next((name for name, node in fields_of(model).items() if node.semantics.identity), None)


@cache
def _pause_field(model: type[SpecModel]) -> str | None:
    return next((name for name, node in fields_of(model).items() if node.semantics.pause), None)


ManifestKinds = Mapping[str, ManifestKind[SpecModel]]


class Kind(ManifestKind[SpecT_co]):
    """One kind of live object.

    Class attributes:
        role: the role that the API asks for, named where a 403 does not; None where the API has no roles.
        create_risk: what creating such an object does.
        delete_risk: what deleting such an object does.
        pause_limits: what a pause of it does not do, for whoever plans one; None where it cannot be paused.
        delete_limits: what deleting it does not do, for whoever plans that; None where it leaves nothing behind.
        target_paths: the fields that say where such an object makes syncs send to.
        deletable: whether the API can delete it.
        readable: whether the API can show it. Where not, what the ledger remembers as last applied stands for live.
        shown_in_part: of what is not readable: whether `read` may tell some of it, which `seen` then takes.
        unverified: what is known of an accepted write of what cannot be read, for people.
    """

    role: ClassVar[str | None] = None
    create_risk: ClassVar[Risk] = Risk.COSMETIC
    delete_risk: ClassVar[Risk] = Risk.STOPS_SYNC
    pause_limits: ClassVar[str | None] = None
    delete_limits: ClassVar[str | None] = None
    target_paths: ClassVar[tuple[str, ...]] = ()
    deletable: ClassVar[bool] = True
    readable: ClassVar[bool] = True
    shown_in_part: ClassVar[bool] = False
    unverified: ClassVar[str] = "the API accepted it, and cannot show it for verification"

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

    async def remove(self, writer: Writer, live_id: str, desired: State) -> None:
        """Delete the object, and what its manifest says is to go along with it."""
        await self.delete(writer, live_id)

    def delete_remarks(self, desired: State, volume: Volume | None) -> Iterable[str]:
        """Return what people should know of a delete before they agree to it; `volume` as in `resends`."""
        return filter(None, (self.delete_limits,))

    def leaves(self, desired: State, observed: State) -> State | None:
        """Return what others have to carry out once the object is deleted, for the ledger; None: nothing.

        Args:
            desired: as the manifest of what is to be absent says.
            observed: as it was.
        """
        return None

    def delete_refusals(self, desired: State) -> Iterable[str]:
        """Return why the object cannot be deleted as its manifest stands, one sentence each."""
        return ()

    def observe(self, live_id: str, wire: Wire) -> Observed:
        """Turn what was read into a comparable state, with the documented defaults filled in."""
        state = from_wire(self.spec, wire)
        for name, node in fields_of(self.spec).items():
            if name not in state and node.default is not None:
                state[name] = node.default
        return Observed(self.name, live_id, state, wire)

    def seen(self, desired: State, remembered: State | None, shown: Observed | None, *, lasting: bool) -> Seen | None:
        """Return what stands for live of an object that is not readable; None: what is remembered, or nothing.

        Args:
            desired: what the manifest wants.
            remembered: what was applied last; None: nothing was, as far as is known.
            shown: what was read.
            lasting: whether what is applied now will be remembered.
        """
        return None

    def survey(self, desired: State) -> Survey | None:
        """Return what else to look at where a plan or drift is made of it; None: nothing."""
        return None

    def write_path(self, live_id: str) -> str | None:
        """Return the API path that writes an object, as webhooks name it below `v1/`; None: no webhook tells."""
        return None

    def access_words(self, wires: Mapping[str, Wire]) -> str:
        """Return what a read found, in a few words."""
        return f"{len(wires)} live"

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

    def create_refusals(self, desired: State) -> Iterable[Refusal]:
        """Return why creating such an object would do harm that the plan has to stop."""
        return ()

    def notes(self, observed: Observed) -> Iterable[str]:
        """Return what people should know of a live object, e.g. members that this version does not know."""
        return ()

    def remarks(self, desired: State, observed: Observed | None, changed: frozenset[str]) -> Iterable[str]:
        """Return what people should know of this change before they agree to it, where nothing refuses it."""
        return ()

    def resends(self, desired: State, observed: Observed, changed: frozenset[str], volume: Volume | None) -> str | None:
        """Return how much is sent, or sent again, because of this change, in a few words; None: nothing is."""
        return None

    def sends(self, desired: State, volume: Volume | None) -> str | None:
        """Return how much is sent because the object is created, in a few words; None: nothing is."""
        return None


Kinds = Mapping[str, Kind[SpecModel]]
