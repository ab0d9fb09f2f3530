"""Endpoints of every resource: create, save, patch, delete, get and list, the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from reconciler.emulator.ordercloud.commerce.categories import shift_siblings
from reconciler.emulator.ordercloud.commerce.clashes import clashing
from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID, Marketplace, new_id
from reconciler.emulator.ordercloud.commerce.orders import DIRECTIONS, asks_for_drafts, goes
from reconciler.emulator.ordercloud.commerce.query import Listed, Selection, page_of
from reconciler.emulator.ordercloud.commerce.resource import Preset, Resource, Scope
from reconciler.emulator.ordercloud.commerce.table import Table
from reconciler.emulator.ordercloud.errors import invalid, not_found, refuse
from reconciler.emulator.ordercloud.lists import read_query
from reconciler.emulator.ordercloud.models import JsonObject, Model, checked_body
from reconciler.emulator.routing import Handler
from reconciler.emulator.state import State
from reconciler.emulator.switches import Switches
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

Route = tuple[tuple[str, ...], str, str, Handler]


class Endpoints:
    """Operations of all resources.

    Args:
        state: for the switches.
        market: what they work on.
    """

    def __init__(self, state: State, market: Marketplace) -> None:
        self._state = state
        self.market = market

    def routes(self) -> Iterable[Route]:
        """Return roles, method, path and handler of every operation."""
        for resource in self.market.resources.values():
            one = f"{resource.path}/{{{resource.id_parameter}}}"
            writers = (resource.admin,)
            for operation, roles, method, path, handler in (
                ("list", resource.readers, "GET", resource.path, self.list_all),
                ("create", writers, "POST", resource.path, self.create),
                ("get", resource.readers, "GET", one, self.get),
                ("save", writers, "PUT", one, self.save),
                ("patch", writers, "PATCH", one, self.patch),
                ("delete", writers, "DELETE", one, self.delete),
            ):
                if operation in resource.methods:
                    yield roles, method, path, partial(handler, resource)

    # Reading

    def get(self, resource: Resource, request: Request) -> Answer:
        """Answer a GET of one object."""
        scope = self.scope(resource, request)
        key = request.ids[resource.id_parameter]
        if resource.lagging_get:
            table = self.market.store.seen(resource.name, scope)
            if key not in table:
                raise not_found(resource.type_name, key)
            row = table.load(key)
        else:
            row = self.one(resource, scope, request)
        return self.answer(resource, scope, row)

    def list_all(self, resource: Resource, request: Request) -> Answer:
        """Answer a list."""
        scope = self.scope(resource, request)
        options, filters = read_query(request, resource.listing.options)
        # inferred: whether those who may read them may read them here; see the switch.
        if resource.name == "ApiClient" and self._state.switches.default_users == "forbidden":
            raise refuse(403, "Auth.InsufficientRoles", "API clients are not for you.")
        # inferred: that not every marketplace has them; see the switch.
        if resource.name == "OrderReturn" and self._state.switches.order_returns == "absent":
            raise refuse(404, "NotFound", "There is no such page.")
        if resource.name == "Order":
            options |= {"direction": request.ids["direction"], "drafts": str(asks_for_drafts(filters)).lower()}
        selection = self.selection(resource, scope, options, filters)
        page = page_of(selection, options, searched=resource.searched, capped=self.capped)
        if resource.name == "Product":
            page["Meta"]["Facets"] = self._facets(selection)
        return json_answer(page)

    def selection(
        self, resource: Resource, scope: Scope, options: dict[str, str], filters: Sequence[tuple[str, str]]
    ) -> Selection:
        """Return the selection of a request from the list of a resource."""
        market = self.market
        table = (
            market.store.seen(resource.name, scope) if resource.searched else market.store.table(resource.name, scope)
        )
        stock = any(name.lower().startswith("inventoryrecords.") for name, _ in filters)

        def show(key: str) -> JsonObject:
            shown = market.show(resource, scope, table.load(key))
            return {**shown, "InventoryRecords": self._stock(key)} if stock else shown

        has_id = "ID" in resource.key
        listed = Listed(table, resource.listing, show, searched=resource.searched, has_id=has_id, numbers=self.numbers)
        presets = [*resource.rules.presets(market, scope, options)]
        if resource.name == "Product":
            self.check_catalog(options, "everywhere")
            # documented: a product whose xp types clash is left out of lists; that they clash is a switch.
            if self._state.switches.clashing_xp == "left_out":
                presets.append(_without_clashes(table))
        return Selection(listed, options, filters, presets)

    def check_catalog(self, options: Mapping[str, str], *minding: str) -> None:
        """Refuse a list by a catalog that there is not. inferred: see the switch.

        Args:
            options: what the list is asked for.
            minding: the values of the switch with which this list minds.

        Raises:
            Refusal: there is no such catalog.
        """
        catalog_id = options.get("catalogID")
        if catalog_id and self._state.switches.unknown_catalog in minding:
            self.market.existing("Catalog", (), catalog_id)

    @property
    def switches(self) -> Switches:
        """Return how the API behaves where nobody knows."""
        return self._state.switches

    @property
    def capped(self) -> bool:
        """Return whether TotalCount stops at the cap."""
        return self._state.switches.large_lists == "counted_to_cap"

    @property
    def numbers(self) -> bool:
        """Return whether searched lists sort IDs that look like numbers as numbers."""
        return self._state.switches.number_ids == "as_numbers"

    def _stock(self, product_id: str) -> list[JsonObject]:
        """Return the inventory records of a product and its variants, for a filter on InventoryRecords."""
        store = self.market.store
        scopes = [(product_id, variant_id) for variant_id in store.table("Variant", (product_id,))]
        of_variants = [row for scope in scopes for row in store.rows("VariantInventoryRecord", scope)]
        return [*store.rows("InventoryRecord", (product_id,)), *of_variants]

    def _facets(self, selection: Selection) -> list[JsonObject]:
        facets = sorted(self.market.store.rows("ProductFacet"), key=lambda facet: facet.get("ListOrder") or 0)
        if not facets:
            return []
        version = self.market.store.versions["ProductFacet"]
        return selection.kept(f"facets {version}", lambda: selection.facets(facets))

    # Writing

    def create(self, resource: Resource, request: Request) -> Answer:
        """Answer a POST."""
        scope = self.scope(resource, request)
        row = self.body(resource.model, request)
        # documented: generated when absent.
        row.setdefault("ID", new_id())
        self._direct(resource, row, request)
        return self.store(resource, scope, row, None, request, 201)

    def save(self, resource: Resource, request: Request) -> Answer:
        """Answer a PUT: everything is replaced but what is read-only."""
        scope = self.scope(resource, request)
        key = request.ids[resource.id_parameter]
        before = self.market.row(resource.name, scope, key)
        row = self.body(resource.model, request)
        # inferred: a PUT that creates under an ID takes the one in the body where that says another.
        row.setdefault("ID", key)
        if before is None:
            if "create" not in resource.methods:
                raise not_found(resource.type_name, key)
            self._direct(resource, row, request)
            return self.store(resource, scope, row, None, request, int(self._state.switches.put_create_status))
        self._check_direction(resource, before, request)
        row = {**_read_only(resource.model, before), **row}
        return self.store(resource, scope, row, before, request, 200)

    def patch(self, resource: Resource, request: Request) -> Answer:
        """Answer a PATCH: members that were sent are changed."""
        scope = self.scope(resource, request)
        before = self.one(resource, scope, request)
        sent = checked_body(resource.model, request)
        row = merged(resource.model, before, sent, self._state.switches.xp_patch_depth)
        # A null ID is no new ID.
        row.setdefault("ID", before["ID"])
        return self.store(resource, scope, row, before, request, 200)

    def delete(self, resource: Resource, request: Request) -> Answer:
        """Answer a DELETE."""
        scope = self.scope(resource, request)
        row = self.one(resource, scope, request)
        self.market.remove(resource, scope, row["ID"])
        return NO_CONTENT

    def store(
        self,
        resource: Resource,
        scope: Scope,
        row: JsonObject,
        before: JsonObject | None,
        request: Request,
        status: int,
    ) -> Answer:
        """Store an object and answer with it as it is now."""
        stored = self.market.save(resource, scope, row, before)
        key = resource.key_of(stored)
        if resource.name == "Category" and _flag(request, "adjustListOrders"):
            shift_siblings(self.market, scope, stored)
        return self.answer(resource, scope, self.market.existing(resource.name, scope, key), status)

    def answer(self, resource: Resource, scope: Scope, row: JsonObject, status: int = 200) -> Answer:
        """Answer with an object."""
        return json_answer(self.market.show(resource, scope, row), status)

    # Reading requests

    def body(self, model: Model, request: Request) -> JsonObject:
        """Read the members of a request's body that have a value.

        inferred: no body is taken as an empty one; the third-party SDK sends none for an object without members.

        Raises:
            Refusal: it is no such object.
        """
        if not request.body:
            return {}
        return _compact(model, checked_body(model, request))

    def one(self, resource: Resource, scope: Scope, request: Request) -> JsonObject:
        """Return the row that the path names.

        Raises:
            Refusal: there is none.
        """
        row = self.market.existing(resource.name, scope, request.ids[resource.id_parameter])
        self._check_direction(resource, row, request)
        return row

    def scope(self, resource: Resource, request: Request) -> Scope:
        """Return the IDs of the parents that the path names.

        Raises:
            Refusal: one of them is not there.
        """
        if request.ids.get("direction", "all").lower() not in DIRECTIONS:
            raise refuse(404, "NotFound", "There is no such direction.")
        if resource.parent is None:
            return ()
        parent = self.market.resources[resource.parent]
        scope = self.scope(parent, request)
        return (*scope, self.one(parent, scope, request)["ID"])

    @staticmethod
    def _check_direction(resource: Resource, row: JsonObject, request: Request) -> None:
        if resource.name == "Order" and not goes(row, request.ids["direction"]):
            raise not_found("Order", row["ID"])

    @staticmethod
    def _direct(resource: Resource, row: JsonObject, request: Request) -> None:
        """Set the companies of a new order by its direction, and refuse one that says otherwise."""
        if resource.name != "Order":
            return
        if not row.get("FromCompanyID"):
            # inferred: an incoming order has to say from whom, any other is the marketplace owner's own.
            if request.ids["direction"].lower() == "incoming":
                raise invalid([("FromCompanyID", "FromCompanyID is required on an incoming order.")])
            row["FromCompanyID"] = MARKETPLACE_ID
        if not goes(row, request.ids["direction"]):
            raise invalid([("FromCompanyID", "FromCompanyID does not fit the direction.")])


def _without_clashes(table: Table) -> Preset:
    def make() -> Callable[[str, JsonObject], bool]:
        left_out = clashing((key, table.load(key)) for key in table)
        return lambda entry, _row: entry not in left_out

    return Preset("clashing", make)


def _flag(request: Request, name: str) -> bool:
    return any(key.lower() == name.lower() and value.lower() == "true" for key, value in request.params)


def _read_only(model: Model, row: JsonObject) -> JsonObject:
    return {name: row[name] for name, member in model.members.items() if member.read_only and name in row}


def _compact(model: Model, sent: JsonObject) -> JsonObject:
    """Drop the members of an object that are null, at any depth of the model; xp stays as it is."""
    return {name: _compact_value(model, name, value) for name, value in sent.items() if value is not None}


def _compact_value(model: Model, name: str, value: Any) -> Any:
    inner = model.members[name].model
    if inner is None:
        return value
    return [_compact(inner, item) for item in value] if isinstance(value, list) else _compact(inner, value)


def merged(model: Model, before: JsonObject, sent: JsonObject, depth: Literal["shallow", "deep"]) -> JsonObject:
    """Merge a PATCH into a row: nested objects are merged, lists replaced, nulls removed.

    Args:
        model: the members.
        before: the row.
        sent: the members that were sent.
        depth: whether objects inside xp are merged as well, or replaced.
    """
    row = dict(before)
    for name, value in sent.items():
        member = model.members[name]
        if value is None:
            row.pop(name, None)
        elif name == "xp":
            # documented: keys that are not sent survive; inferred: what a nested object does, see the switch.
            row[name] = _merged_xp(before.get(name) or {}, value, deep=depth == "deep")
        elif member.type is dict and member.model is not None:
            row[name] = merged(member.model, before.get(name) or {}, value, depth)
        else:
            row[name] = _compact_value(model, name, value)
    return row


def _merged_xp(before: JsonObject, sent: JsonObject, *, deep: bool) -> JsonObject:
    found = dict(before)
    for name, value in sent.items():
        held = found.get(name)
        if value is None:
            found.pop(name, None)
        elif deep and isinstance(held, dict) and isinstance(value, dict):
            found[name] = _merged_xp(held, value, deep=True)
        else:
            found[name] = value
    return found
