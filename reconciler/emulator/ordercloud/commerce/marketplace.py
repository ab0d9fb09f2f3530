"""Marketplace: stores, renames and removes objects with everything that follows, over HTTP or as a seed.

Seeds and tests write here without HTTP:

    market.insert("Product", (), {"ID": "shirt", "Name": "Shirt"})
    market.insert("Variant", ("shirt",), {"ID": "shirt-red", "Active": True})
    market.load([("Buyer", (), {"ID": "acme", "Name": "Acme"}), ("BuyerUser", ("acme",), {...})])

The names are those of `resources.py`; the tuple holds the IDs of the parents.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from reconciler.emulator.clock import Clock
from reconciler.emulator.ordercloud.commerce.models import check_xp
from reconciler.emulator.ordercloud.commerce.resource import Reference, Resource, Scope
from reconciler.emulator.ordercloud.commerce.store import Store
from reconciler.emulator.ordercloud.errors import id_exists, invalid, not_found
from reconciler.emulator.ordercloud.models import JsonObject, Problems, check_id, date_text
from reconciler.emulator.switches import Switches

# The organisation that owns the marketplace, as OwnerID, CompanyID of its users and ToCompanyID of orders.
MARKETPLACE_ID = "emulator-marketplace"


def new_id() -> str:
    """Return an ID for an object that came without one. inferred: what such an ID looks like."""
    return secrets.token_urlsafe(16)


class Observer(Protocol):
    """Hears of every write, but for what is loaded or restored."""

    def changed(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        """Take note of a row that was stored."""

    def removed(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        """Take note of a row that was removed."""

    def renamed(self, name: str, scope: Scope, key: str, row: JsonObject) -> None:
        """Take note that a row gets another ID; `key` and `row` are those before."""

    def replaced(self) -> None:
        """Take note that everything is gone, or another."""


class Marketplace:
    """Objects of a marketplace, by resource and parents.

    Args:
        resources: by name.
        clock: for the dates that are stamped.
        switches: returns how it behaves where nobody knows.
    """

    def __init__(self, resources: Mapping[str, Resource], clock: Clock, switches: Callable[[], Switches]) -> None:
        self.resources = resources
        self.switches = switches
        self.observer: Observer | None = None
        self._clock = clock
        searched = frozenset(name for name, resource in resources.items() if resource.searched or resource.indexed)
        self.store = Store(searched, clock.timestamp)
        self._children: dict[str, list[Resource]] = {name: [] for name in resources}
        self._referrers: dict[str, list[tuple[Resource, Reference]]] = {name: [] for name in resources}
        for resource in resources.values():
            if resource.parent is not None:
                self._children[resource.parent].append(resource)
            for reference in resource.references:
                self._referrers[reference.to].append((resource, reference))
        self.reset()

    def reset(self) -> None:
        """Remove all objects."""
        self.store.clear()
        self.usernames: dict[str, tuple[str, Scope, str]] = {}
        self.passwords: dict[str, str] = {}
        self._touched: set[tuple[str, Scope, str]] | None = None
        self._silent = False
        if self.observer is not None:
            self.observer.replaced()

    def now(self) -> str:
        """Return the time by the emulator's clock, as the API writes it."""
        return date_text(self._clock.now())

    # Reading

    def row(self, name: str, scope: Scope, key: str | None) -> JsonObject | None:
        """Return what is stored of an object, or None."""
        return None if key is None else self.store.row(name, scope, key)

    def existing(self, name: str, scope: Scope, key: str) -> JsonObject:
        """Return what is stored of an object.

        Raises:
            Refusal: there is none.
        """
        row = self.store.row(name, scope, key)
        if row is None:
            raise not_found(self.resources[name].type_name, key)
        return row

    def show(self, resource: Resource, scope: Scope, row: JsonObject) -> JsonObject:
        """Show an object as reads do."""
        return resource.rules.shown(self, scope, resource.shape.show(row))

    # Writing

    def save(self, resource: Resource, scope: Scope, row: JsonObject, before: JsonObject | None) -> JsonObject:
        """Store an object that a client sent.

        Args:
            resource: what it is.
            scope: the IDs of its parents.
            row: the whole object.
            before: what is stored of it, if it is not new.

        Returns:
            What is stored now.

        Raises:
            Refusal: it may not be stored.
        """
        problems: Problems = []
        resource.model.missing(row, problems, secrets=False)
        if "ID" in resource.key:
            check_id(row.get("ID"), problems)
        check_xp(row, problems)
        if problems:
            raise invalid(problems)
        key = resource.key_of(row)
        old_key = None if before is None else resource.key_of(before)
        if key != old_key and "ID" in resource.key and key in self.store.table(resource.name, scope):
            raise id_exists(key)
        self._check_references(resource, scope, row, before or {})
        resource.rules.check(self, scope, row, before)
        if "LastUpdated" in resource.model.members:
            row["LastUpdated"] = self.now()
        if old_key is not None and key != old_key:
            self._rename(resource, scope, old_key, key)
        return self._write(resource, scope, row, before)

    def insert(self, name: str, scope: Scope, body: JsonObject) -> str:
        """Insert an object unchecked: read-only members are kept, missing ones worked out.

        Args:
            name: of the resource.
            scope: the IDs of its parents.
            body: the object; one that is there already is replaced.

        Returns:
            Its key: the ID, or for assignments their IDs joined with slashes.

        Raises:
            KeyError: there is no such resource.
        """
        resource = self.resources[name]
        row = dict(body)
        if "ID" in resource.key and not row.get("ID"):
            row["ID"] = new_id()
        if "LastUpdated" in resource.model.members and not row.get("LastUpdated"):
            row["LastUpdated"] = self.now()
        key = resource.key_of(row)
        self._write(resource, scope, row, self.store.row(name, scope, key))
        return key

    def load(self, objects: Iterable[tuple[str, Scope, JsonObject]], *, silent: bool = False) -> int:
        """Insert many objects; counts and sums are worked out once, at the end.

        Args:
            objects: resource, IDs of the parents, and body of each.
            silent: the observer does not hear of it.

        Returns:
            How many there were.

        Raises:
            KeyError: there is no such resource.
        """
        self._touched = set()
        self._silent = silent
        count = 0
        try:
            for name, scope, body in objects:
                self.insert(name, scope, body)
                count += 1
        finally:
            touched, self._touched = self._touched, None
            # Children before their parents, whose sums stand on theirs.
            for place in sorted(touched, key=lambda place: -len(place[1])):
                self._refresh(*place, stamp=False)
            self._silent = False
        return count

    def touch(self, name: str, scope: Scope, key: str | None) -> None:
        """Derive again the members of an object that follow from others; in a `load`, at its end."""
        if key is None:
            return
        if self._touched is not None:
            self._touched.add((name, scope, key))
        else:
            self._refresh(name, scope, key, stamp=True)

    @property
    def is_loading(self) -> bool:
        """Whether a `load` is under way, whose objects have stamps of their own."""
        return self._touched is not None

    def stamp(self, name: str, scope: Scope, key: str) -> None:
        """Move `LastUpdated` of an object, but in a `load`."""
        if not self.is_loading:
            self.update(name, scope, key, {})

    def update(self, name: str, scope: Scope, key: str, changes: JsonObject) -> None:
        """Update members of an object without checks, with everything that follows."""
        before = self.existing(name, scope, key)
        row = {**before, **changes}
        resource = self.resources[name]
        if "LastUpdated" in resource.model.members:
            row["LastUpdated"] = self.now()
        self._write(resource, scope, row, before)

    def remove(self, resource: Resource, scope: Scope, key: str) -> None:
        """Remove an object with its children; references to it are treated as each says."""
        row = self.store.row(resource.name, scope, key)
        if row is None:
            return
        for child in self._children[resource.name]:
            for child_key in list(self.store.table(child.name, (*scope, key))):
                self.remove(child, (*scope, key), child_key)
        self.store.drop(resource.name, scope, key)
        if self.observer is not None:
            self.observer.removed(resource.name, scope, key, row)
        resource.rules.removed(self, scope, row)
        for referrer, reference in self._referrers[resource.name]:
            if reference.on_delete != "keep":
                for its_scope, its_key, its_row in self._referring(referrer, reference, scope, key):
                    if reference.on_delete == "cascade":
                        self.remove(referrer, its_scope, its_key)
                    else:
                        self._write(referrer, its_scope, {**its_row, reference.member: None}, its_row)

    def _write(self, resource: Resource, scope: Scope, row: JsonObject, before: JsonObject | None) -> JsonObject:
        for member in resource.stamps:
            if not row.get(member):
                row[member] = self.now()
        if resource.owned and not row.get("OwnerID"):
            row["OwnerID"] = (before or {}).get("OwnerID") or MARKETPLACE_ID
        resource.rules.complete(self, scope, row, before)
        self._put(resource, scope, resource.key_of(row), row)
        resource.rules.saved(self, scope, row, before)
        return row

    def _put(self, resource: Resource, scope: Scope, key: str, row: JsonObject) -> None:
        self.store.put(resource.name, scope, key, row)
        if self.observer is not None and not self._silent:
            self.observer.changed(resource.name, scope, key, row)

    def _refresh(self, name: str, scope: Scope, key: str, *, stamp: bool) -> None:
        row = self.store.row(name, scope, key)
        if row is None:
            return
        resource = self.resources[name]
        derived = resource.rules.derive(self, scope, row)
        if any(row.get(member) != value for member, value in derived.items()):
            row.update(derived)
            if stamp and "LastUpdated" in resource.model.members:
                row["LastUpdated"] = self.now()
            self._put(resource, scope, key, row)
            if resource.parent is not None:
                self.touch(resource.parent, scope[:-1], scope[-1])

    def _check_references(self, resource: Resource, scope: Scope, row: JsonObject, before: JsonObject) -> None:
        """Refuse a reference to an ID that nothing has. inferred: that it is a 404 that names what is missing."""
        for reference in resource.references:
            value = row.get(reference.member)
            if reference.checked and value and value != before.get(reference.member):
                self.existing(reference.to, reference.target_scope(scope, row), value)

    def _rename(self, resource: Resource, scope: Scope, old: str, new: str) -> None:
        """Drop the row under its old key; children and references follow to the new one."""
        row = self.existing(resource.name, scope, old)
        self.store.drop(resource.name, scope, old)
        if self.observer is not None:
            self.observer.renamed(resource.name, scope, old, row)
        self._move_children(resource, (*scope, old), (*scope, new))
        for referrer, reference in self._referrers[resource.name]:
            for its_scope, its_key, its_row in self._referring(referrer, reference, scope, old):
                self.store.drop(referrer.name, its_scope, its_key)
                its_row[reference.member] = new
                self._put(referrer, its_scope, referrer.key_of(its_row), its_row)

    def _move_children(self, resource: Resource, old: Scope, new: Scope) -> None:
        for child in self._children[resource.name]:
            for key in list(self.store.table(child.name, old)):
                self._move_children(child, (*old, key), (*new, key))
            self.store.move(child.name, old, new)

    def _referring(
        self, referrer: Resource, reference: Reference, scope: Scope, key: str
    ) -> list[tuple[Scope, str, JsonObject]]:
        """Return the rows of one resource that point to an object: scopes, keys and rows."""
        return [
            (its_scope, its_key, its_row)
            for its_scope in self.store.scopes(referrer.name)
            for its_key, its_row in self.store.holding(referrer.name, its_scope, reference.member, key)
            if reference.target_scope(its_scope, its_row) == scope
        ]

    def dump(self) -> dict[str, Any]:
        """Dump all objects, as they are stored, by resource and parents."""
        return {"searchLag": self.store.search.lag, "objects": self.store.dump()}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        """Load what `dump` returned."""
        self.reset()
        for name, scopes in dumped["objects"].items():
            resource = self.resources[name]
            for parents, rows in scopes.items():
                scope = tuple(parents.split("/")) if parents else ()
                for row in rows:
                    self.store.put(name, scope, resource.key_of(row), row)
                    resource.rules.restored(self, scope, row)
        self.store.search.lag = dumped["searchLag"]
