"""Resource of the marketplace, as data: its path, model, roles, references and rules."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from reconciler.emulator.ordercloud.commerce.models import Shape
from reconciler.emulator.ordercloud.lists import Listing
from reconciler.emulator.ordercloud.models import JsonObject, Model

if TYPE_CHECKING:
    from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace

Scope = tuple[str, ...]
# An entry of a list: a key within one parent, or a key and its parents for lists across them.
Entry = Any
ALL_METHODS = frozenset({"list", "create", "get", "save", "patch", "delete"})


class Reference(Struct, frozen=True):
    """Reference: a member that holds the ID of another object.

    Args:
        member: its name.
        to: name of the resource that it points to.
        within: how many leading parents both have in common.
        inside: the member that names the parent of what is pointed to; instead of `within`.
        on_delete: what becomes of the object when the other one goes: loses the member, goes too, or keeps it.
        checked: whether what it points to has to be there when it is written.
    """

    member: str
    to: str
    within: int = 0
    inside: str | None = None
    on_delete: Literal["clear", "cascade", "keep"] = "clear"
    checked: bool = True

    def target_scope(self, scope: Scope, row: JsonObject) -> Scope:
        """Return the IDs of the parents of the object that `row` points to."""
        return scope[: self.within] if self.inside is None else (row.get(self.inside) or "",)


def gone(member: str, to: str, within: int = 0, inside: str | None = None) -> Reference:
    """Make a reference whose object is removed with the one that it points to."""
    return Reference(member, to, within, inside, on_delete="cascade")


def kept(member: str, to: str, within: int = 0, inside: str | None = None) -> Reference:
    """Make a reference that stays when the object that it points to is removed."""
    return Reference(member, to, within, inside, on_delete="keep")


def followed(member: str, to: str, inside: str | None = None) -> Reference:
    """Make a reference that may point to one of several resources: it follows a new ID, and is not checked."""
    return Reference(member, to, inside=inside, on_delete="keep", checked=False)


class Preset(Struct, frozen=True):
    """Condition of a list beside its filters.

    Args:
        key: tells it from other conditions, for results that are kept.
        make: returns the test of an entry and, where `reads_rows`, its row.
        reads_rows: whether the test looks at the row; else it is given an empty one.
    """

    key: Hashable
    make: Callable[[], Callable[[Entry, JsonObject], bool]]
    reads_rows: bool = False


class Rules:
    """Rules of a resource: checks and side effects. These do nothing; each resource overrides what it needs."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        """Refuse a row that may not be stored.

        Raises:
            Refusal: it may not.
        """

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        """Complete a row with the members that the service works out itself. Refuses nothing."""

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        """Carry out what follows from a stored row."""

    def restored(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        """Note a row that comes from a dump."""

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        """Carry out what follows from a row's removal."""

    def derive(self, market: Marketplace, scope: Scope, row: JsonObject) -> JsonObject:
        """Derive the members that follow from other objects, such as counts and sums."""
        return {}

    def shown(self, market: Marketplace, scope: Scope, shown: JsonObject) -> JsonObject:
        """Add the members that are worked out when an object is read."""
        return shown

    def presets(self, market: Marketplace, scope: Scope, options: Mapping[str, str]) -> Sequence[Preset]:
        """Return the conditions that a list's own options state."""
        return ()


@dataclass(frozen=True, slots=True)
class Resource:
    """Resource of the marketplace, or one kind of assignment.

    Args:
        name: its key in dumps and references.
        path: of its list.
        model: its members.
        id_parameter: name of the path parameter of a single one; empty for assignments.
        reader: role that may read.
        admin: role that may write, and read.
        also_read: further roles that may read.
        parent: name of the resource that it belongs to.
        key: members that tell it from others within its parent.
        listing: what its list can be asked for.
        references: members that hold IDs.
        rules: its side effects.
        methods: the operations that it has.
        unassign_by: the leading members of the key that the path of an assignment's DELETE names.
        searched: its list comes from a search index: it may lag, and sorts IDs that look like numbers by number.
        indexed: the search index knows it beside that: searched lists of others go by it.
        lagging_get: a read of a single one comes from the index as well.
    """

    name: str
    path: str
    model: Model
    id_parameter: str
    reader: str
    admin: str
    listing: Listing
    also_read: tuple[str, ...] = ()
    parent: str | None = None
    key: tuple[str, ...] = ("ID",)
    references: tuple[Reference, ...] = ()
    rules: Rules = field(default_factory=Rules)
    methods: frozenset[str] = ALL_METHODS
    unassign_by: tuple[str, ...] = ()
    searched: bool = False
    indexed: bool = False
    lagging_get: bool = False
    shape: Shape = field(init=False, repr=False, compare=False)
    stamps: tuple[str, ...] = field(init=False, repr=False, compare=False)
    owned: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", Shape(self.model))
        stamps = tuple(name for name in ("DateCreated", "DateAdded") if name in self.model.members)
        object.__setattr__(self, "stamps", stamps)
        object.__setattr__(self, "owned", "OwnerID" in self.model.members)

    @property
    def type_name(self) -> str:
        """Return the name that a 404 has for it."""
        return self.model.name

    @property
    def readers(self) -> tuple[str, ...]:
        """Return the roles of which one is enough to read."""
        return (self.reader, self.admin, *self.also_read)

    def key_of(self, row: JsonObject) -> str:
        """Return the key of a row within its parent."""
        if len(self.key) == 1:
            key: str = row[self.key[0]]
            return key
        return "/".join([row.get(name) or "" for name in self.key])
