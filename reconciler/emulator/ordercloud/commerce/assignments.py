"""Assignments over HTTP: POST assigns, DELETE removes, lists filter by the IDs of both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from reconciler.emulator.ordercloud.commerce.endpoints import Endpoints, Route
from reconciler.emulator.ordercloud.commerce.query import Listed, Selection, page_of
from reconciler.emulator.ordercloud.commerce.resource import Preset, Resource
from reconciler.emulator.ordercloud.errors import not_found, refuse
from reconciler.emulator.ordercloud.filters import text_of
from reconciler.emulator.ordercloud.lists import read_query
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

_LEVELS = ("user", "group", "company")


class Assignments:
    """Operations of all assignments.

    Args:
        endpoints: reads paths and bodies.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._market = endpoints.market

    def routes(self) -> Iterable[Route]:
        """Return roles, method, path and handler of every operation."""
        for resource in self._market.resources.values():
            if resource.unassign_by:
                base, last = resource.path.rsplit("/", 1)
                first, *others = (f"{{{parameter(member)}}}" for member in resource.unassign_by)
                one = "/".join((base, first, last, *others))
                yield resource.readers, "GET", resource.path, partial(self._list, resource)
                yield (resource.admin,), "POST", resource.path, partial(self._assign, resource)
                yield (resource.admin,), "DELETE", one, partial(self._unassign, resource)

    def _assign(self, resource: Resource, request: Request) -> Answer:
        scope = self._endpoints.scope(resource, request)
        row = self._endpoints.body(resource.model, request)
        before = self._market.row(resource.name, scope, resource.key_of(row)) if _complete(resource, row) else None
        self._market.save(resource, scope, row, before)
        return NO_CONTENT

    def _unassign(self, resource: Resource, request: Request) -> Answer:
        scope = self._endpoints.scope(resource, request)
        asked = {name.lower(): value for name, value in request.params}
        named = {member: request.ids[parameter(member)] for member in resource.unassign_by}
        row = {member: named.get(member) or asked.get(member.lower()) for member in resource.key}
        key = resource.key_of(row)
        if key not in self._market.store.table(resource.name, scope):
            # inferred: that removing what is not assigned is a 404.
            raise not_found(resource.type_name, key)
        self._market.remove(resource, scope, key)
        return NO_CONTENT

    def _list(self, resource: Resource, request: Request) -> Answer:
        scope = self._endpoints.scope(resource, request)
        options, filters = read_query(request, resource.listing.options)
        if resource.name == "ProductCatalogAssignment":
            self._endpoints.check_catalog(options, "assignments", "everywhere")
        # From the system itself: no search index, and no lag.
        table = self._market.store.table(resource.name, scope)
        listed = Listed(
            table,
            resource.listing,
            lambda key: self._market.show(resource, scope, table.load(key)),
            has_id=False,
        )
        presets = [_preset(resource, name, options[name]) for name in resource.listing.options if options.get(name)]
        selection = Selection(listed, options, filters, presets)
        return json_answer(page_of(selection, options, searched=False, capped=self._endpoints.capped))


def parameter(member: str) -> str:
    """Return the path or query parameter of a member: `productID` for `ProductID`."""
    return member[0].lower() + member[1:]


def _complete(resource: Resource, row: JsonObject) -> bool:
    return all(isinstance(row.get(name) or "", str) for name in resource.key)


def _preset(resource: Resource, name: str, value: str) -> Preset:
    """Return the condition of one option: an ID in the key, another member, or the level of the party."""
    places = [parameter(member) for member in resource.key]
    if name == "level":
        return _level(value)
    if name in places:
        place = places.index(name)
        return Preset((name, value), lambda: lambda entry, _row: entry.split("/")[place] == value)
    member = next((member for member in resource.model.members if parameter(member) == name), "UserID")
    return Preset((name, value), lambda: _equal(member, value.lower()), reads_rows=True)


def _equal(member: str, value: str) -> Callable[[str, JsonObject], bool]:
    return lambda _entry, row: text_of(row.get(member, False)).lower() == value


def _level(value: str) -> Preset:
    if value.lower() not in _LEVELS:
        raise refuse(400, "List.InvalidType", f"level has to be one of {', '.join(_LEVELS)}.")

    def level(row: JsonObject) -> str:
        return "user" if row.get("UserID") else "group" if row.get("UserGroupID") else "company"

    return Preset(("level", value.lower()), lambda: lambda _entry, row: level(row) == value.lower(), reads_rows=True)
