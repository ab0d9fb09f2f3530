"""Operations of orders beside the common ones: submit to complete, worksheets, shipments, line items of all orders."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from msgspec import Struct

from reconciler.emulator.ordercloud.commerce.endpoints import Endpoints, Route
from reconciler.emulator.ordercloud.commerce.models import MODELS
from reconciler.emulator.ordercloud.commerce.orders import UNSUBMITTED
from reconciler.emulator.ordercloud.commerce.query import Listed, Selection, page_of
from reconciler.emulator.ordercloud.commerce.resource import Preset, Scope
from reconciler.emulator.ordercloud.commerce.resources import SHIPMENT_SEARCH, SHIPMENT_SORT
from reconciler.emulator.ordercloud.commerce.stock import take
from reconciler.emulator.ordercloud.commerce.table import fold
from reconciler.emulator.ordercloud.errors import not_found, refuse
from reconciler.emulator.ordercloud.lists import Listing, list_answer, page_meta, read_page, read_query
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

_ORDER = "/v1/orders/{direction}/{orderID}"
_ITEM = "/v1/shipments/{shipmentID}/items/{orderID}/{lineItemID}"
_OPTIONS = ("buyerID", "supplierID", "from", "to")
_LINE_ITEMS = Listing(
    ("OrderID", "Order", *MODELS["LineItem"].members), ("ID", "ProductID"), ("DateAdded", "ID", "ProductID"), _OPTIONS
)
_SHIPMENTS = Listing(tuple(MODELS["Shipment"].members), SHIPMENT_SEARCH, SHIPMENT_SORT)
_RESPONSES = ("ShipEstimate", "OrderCalculate", "OrderSubmit", "OrderSubmitForApproval", "OrderApproved")


class Step(Struct, frozen=True):
    """Step of an order: from which statuses, to which, and the date that it sets."""

    sources: tuple[str, ...]
    status: str
    date: str


# inferred: which step is possible from where, and how an impossible one is refused.
STEPS: Mapping[str, Step] = {
    "submit": Step((UNSUBMITTED,), "Open", "DateSubmitted"),
    "approve": Step(("AwaitingApproval",), "Open", "DateApproved"),
    "decline": Step(("AwaitingApproval",), "Declined", "DateDeclined"),
    "cancel": Step((UNSUBMITTED, "AwaitingApproval", "Open"), "Canceled", "DateCanceled"),
    "complete": Step(("Open",), "Completed", "DateCompleted"),
}


class OrderOperations:
    """Operations of orders, of line items across orders, and of shipments.

    Args:
        endpoints: reads paths and bodies.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._market = endpoints.market
        self._carried: tuple[tuple[int, int], Mapping[str, Sequence[str]]] | None = None

    def routes(self) -> Iterable[Route]:
        """Return roles, method, path and handler of every operation."""
        read, write = ("OrderReader", "OrderAdmin"), ("OrderAdmin",)
        ship_read, ship_write = ("ShipmentReader", "ShipmentAdmin"), ("ShipmentAdmin",)
        for name, step in STEPS.items():
            yield (
                (*write, "Shopper") if name == "submit" else write,
                "POST",
                f"{_ORDER}/{name}",
                partial(self._take, step),
            )
        yield write, "POST", f"{_ORDER}/ship", self._ship
        yield (*read, "IntegrationEventAdmin", "Shopper"), "GET", f"{_ORDER}/worksheet", self._worksheet
        yield (*read, "Shopper"), "GET", f"{_ORDER}/shipments", self._shipments
        yield read, "GET", "/v1/lineitems/{direction}", self._line_items
        yield ship_write, "POST", "/v1/shipments/{shipmentID}/items", self._save_item
        yield ship_read, "GET", _ITEM, self._item
        yield ship_write, "DELETE", _ITEM, self._delete_item
        yield ("BuyerUserReader", "BuyerUserAdmin"), "GET", "/v1/buyerusers", self._buyer_users

    def _order(self, request: Request) -> JsonObject:
        resource = self._market.resources["Order"]
        return self._endpoints.one(resource, self._endpoints.scope(resource, request), request)

    def _shown(self, order_id: str, status: int) -> Answer:
        order = self._market.existing("Order", (), order_id)
        return self._endpoints.answer(self._market.resources["Order"], (), order, status)

    def _take(self, step: Step, request: Request) -> Answer:
        order = self._order(request)
        if order["Status"] not in step.sources:
            raise refuse(400, "Order.InvalidStatus", f"The order is {order['Status']}.")
        market = self._market
        changes: JsonObject = {"Status": step.status, step.date: market.now()}
        if step.status == "Open":
            lines = list(market.store.rows("LineItem", (order["ID"],)))
            if not lines:
                raise refuse(400, "Order.CannotSubmitWithoutLineItems", "The order has no line items.")
            take(market, lines)
            changes["DateSubmitted"] = market.now()
        market.update("Order", (), order["ID"], changes)
        return self._shown(order["ID"], 201)

    def _ship(self, request: Request) -> Answer:
        """Ship all that was not shipped yet in one shipment."""
        order = self._order(request)
        if order["Status"] != "Open":
            raise refuse(400, "Order.InvalidStatus", f"The order is {order['Status']}.")
        market = self._market
        resource = market.resources["Shipment"]
        row = self._endpoints.body(resource.model, request)
        row.setdefault("ID", f"{order['ID'][:90]}-{len(market.store.table('Shipment')) + 1:04}")
        row.setdefault("BuyerID", order.get("FromCompanyID"))
        shipment = market.save(resource, (), row, None)
        for line in list(market.store.rows("LineItem", (order["ID"],))):
            left = line["Quantity"] - (line.get("QuantityShipped") or 0)
            if left > 0:
                item = {"OrderID": order["ID"], "LineItemID": line["ID"], "QuantityShipped": left}
                market.save(market.resources["ShipmentItem"], (shipment["ID"],), item, None)
        return self._shown(order["ID"], 201)

    def _worksheet(self, request: Request) -> Answer:
        order = self._order(request)
        scope = (order["ID"],)
        market = self._market
        line = market.resources["LineItem"]
        return json_answer(
            {
                "Order": market.show(market.resources["Order"], (), order),
                "LineItems": [market.show(line, scope, row) for row in market.store.rows("LineItem", scope)],
                "OrderPromotions": [],
                "Subscription": None,
                **{f"{name}Response": None for name in _RESPONSES},
            }
        )

    def _shipments(self, request: Request) -> Answer:
        order = self._order(request)
        market = self._market
        resource = market.resources["Shipment"]
        rows = (market.existing("Shipment", (), key) for key in self._carriers().get(order["ID"], ()))
        return list_answer([market.show(resource, (), row) for row in rows], _SHIPMENTS, request)

    def _carriers(self) -> Mapping[str, Sequence[str]]:
        """Return the shipments by the orders that they carry something of."""
        store = self._market.store
        version = (store.versions["Shipment"], store.versions["ShipmentItem"])
        if self._carried is None or self._carried[0] != version:
            found: dict[str, list[str]] = {}
            for shipment in store.table("Shipment").ordered():
                orders = {item.partition("/")[0] for item in store.table("ShipmentItem", (shipment,))}
                for order in orders:
                    found.setdefault(order, []).append(shipment)
            self._carried = version, found
        return self._carried[1]

    # Line items of all orders, users of all buyers

    def _line_items(self, request: Request) -> Answer:
        market = self._market
        orders = market.resources["Order"]
        self._endpoints.scope(orders, request)
        options, filters = read_query(request, _OPTIONS)
        options |= {"direction": request.ids["direction"], "drafts": "false"}
        source = market.store.across("LineItem")
        table = market.store.seen("Order")
        of_orders = orders.rules.presets(market, (), options)[0]
        resource = market.resources["LineItem"]

        def show(entry: tuple[str, Scope]) -> JsonObject:
            order_id = entry[1][0]
            line = market.show(resource, entry[1], source.load(entry))
            return {"OrderID": order_id, "Order": market.show(orders, (), table.load(order_id)), **line}

        named = _named_orders(filters)

        def of_order() -> Any:
            fits = of_orders.make()
            possible = [order_id for order_id in table if named is None or fold(order_id) in named]
            chosen = {order_id for order_id in possible if fits(order_id, table.load(order_id))}
            return lambda entry, _row: entry[1][0] in chosen

        preset = Preset((of_orders.key, market.store.versions["Order"], named), of_order)
        listed = Listed(source, _LINE_ITEMS, show, id_of=source.id_of, searched=True, numbers=self._endpoints.numbers)
        selection = Selection(listed, options, filters, [preset])
        if options.get("pageKey"):
            return json_answer(_page_by_key(selection, options))
        page = page_of(selection, options, searched=True, capped=self._endpoints.capped)
        number, size = read_page(options)
        page["Meta"]["NextPageKey"] = _next_key(selection, (number - 1) * size, size)
        return json_answer(page)

    def _buyer_users(self, request: Request) -> Answer:
        # inferred: that an older marketplace does not have the path; see the switch.
        if self._endpoints.switches.user_list == "per_buyer":
            raise refuse(404, "NotFound", "There is no such page.")
        market = self._market
        resource = market.resources["BuyerUser"]
        source = market.store.across("BuyerUser")
        options, filters = read_query(request)

        def show(entry: tuple[str, Scope]) -> JsonObject:
            return market.show(resource, entry[1], source.load(entry))

        selection = Selection(Listed(source, resource.listing, show, id_of=source.id_of), options, filters)
        return json_answer(page_of(selection, options, searched=False, capped=self._endpoints.capped))

    # Items of a shipment

    def _shipment(self, request: Request) -> Scope:
        return (self._market.existing("Shipment", (), request.ids["shipmentID"])["ID"],)

    def _save_item(self, request: Request) -> Answer:
        scope = self._shipment(request)
        resource = self._market.resources["ShipmentItem"]
        row = self._endpoints.body(resource.model, request)
        before = self._market.row("ShipmentItem", scope, resource.key_of(row))
        stored = self._market.save(resource, scope, row, before)
        return self._endpoints.answer(resource, scope, stored, 201)

    def _item_key(self, request: Request, scope: Scope) -> str:
        key = f"{request.ids['orderID']}/{request.ids['lineItemID']}"
        if key not in self._market.store.table("ShipmentItem", scope):
            raise not_found("ShipmentItem", key)
        return key

    def _item(self, request: Request) -> Answer:
        scope = self._shipment(request)
        row = self._market.existing("ShipmentItem", scope, self._item_key(request, scope))
        return self._endpoints.answer(self._market.resources["ShipmentItem"], scope, row)

    def _delete_item(self, request: Request) -> Answer:
        scope = self._shipment(request)
        self._market.remove(self._market.resources["ShipmentItem"], scope, self._item_key(request, scope))
        return NO_CONTENT


def _named_orders(filters: Sequence[tuple[str, str]]) -> frozenset[Any] | None:
    """Return the orders that filters name in so many words: of no other one a line need be shown; None: any."""
    for name, text in filters:
        if name.lower() == "order.id" and not any(sign in text for sign in "*!<>"):
            return frozenset(fold(each) for each in text.split("|"))
    return None


# A page key holds the size of the pages, where the next one starts, and the entry before it.


def _next_key(selection: Selection, start: int, size: int) -> str | None:
    if start + size >= len(selection):
        return None
    ((item_id, scope),) = selection.entries(start + size - 1, 1)
    return base64.urlsafe_b64encode(orjson.dumps([size, start + size, item_id, scope])).decode()


def _page_by_key(selection: Selection, options: Mapping[str, str]) -> JsonObject:
    if "page" in options or "pageSize" in options:
        # documented: they are not to be sent together; inferred: that it is refused.
        raise refuse(400, "List.InvalidPageKey", "page and pageSize cannot be sent with pageKey.")
    refusal = refuse(400, "List.InvalidPageKey", "pageKey is not one that a list returned.")
    try:
        size, start, item_id, scope = orjson.loads(base64.urlsafe_b64decode(options["pageKey"]))
        after = (fold(item_id), tuple(scope))
        possible = 1 <= size <= 100 and start >= 1
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise refusal from error
    if not possible:
        raise refusal
    if not options.get("sortBy"):
        # In order of ID, what was added or removed since moves nothing: the page starts behind the last entry.
        everything = selection.entries(0, len(selection))
        start = bisect_right(everything, after, key=lambda entry: (fold(entry[0]), entry[1]))
    items = selection.objects(start, size)
    meta = page_meta(start // size + 1, size, len(selection), len(items))
    return {"Meta": {**meta, "NextPageKey": _next_key(selection, start, size)}, "Items": items}
