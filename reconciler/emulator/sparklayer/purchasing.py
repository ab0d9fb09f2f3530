"""SparkLayer's purchases, their transactions, and the carts that the API makes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal

from pydantic import TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.problems import INVALID, TAKEN, UNKNOWN_ID
from reconciler.emulator.sparklayer.purchase_models import Package, Purchase, Transaction
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site
from reconciler.emulator.wire import Answer, Request, json_answer

ALL = "/api/v1/purchases"
ONE = f"{ALL}/{{lookupBy}}/{{identifier}}"
TRANSACTIONS = f"{ONE}/transactions"
_PURCHASE = TypeAdapter(Purchase)
_TRANSACTION = TypeAdapter(Transaction)
_CART = TypeAdapter(models.Cart)
_LOOKUPS = ("sparklayer", "platform", "internal", "visible")
_LARGEST_PAGE = 500
_LISTED = (
    "type",
    "purchase_identifiers",
    "customer_identifiers",
    "payment_method",
    "dates",
    "customer_reference",
    "currency_code",
    "calculated_total",
    "calculated_fulfilment_status",
)


class Purchasing(Resource):
    """Purchases by SparkLayer's ID, found by any of their four."""

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("GET", ALL, self._list),
            ("GET", ONE, self._get),
            ("PUT", ONE, self._put),
            ("GET", TRANSACTIONS, self._transactions),
            ("PUT", TRANSACTIONS, self._put_transaction),
            ("POST", "/api/v1/carts", self._create_cart),
        )

    def _list(self, site: Site, request: Request) -> Answer:
        params = dict(request.params)
        # inferred: the limit that holds where none is asked for.
        limit = self._number(params, "limit", 100, _LARGEST_PAGE)
        offset = self._number(params, "offset", 0, None)
        found = [each for each in site.purchases.values() if _fits(each, params)]
        page = found[offset : offset + limit]
        return json_answer([{name: each[name] for name in _LISTED if name in each} for each in page])

    def _number(self, params: dict[str, str], name: str, default: int, largest: int | None) -> int:
        text = params.get(name, str(default))
        valid = text.isascii() and text.isdigit() and len(text) < 10
        if not valid or (largest is not None and int(text) > largest):
            raise self._problems.refuse(400, f"{name} is out of range.", INVALID, name)
        return int(text)

    def _get(self, site: Site, request: Request) -> Answer:
        return json_answer(self._found(site, request))

    def _put(self, site: Site, request: Request) -> Answer:
        sent: Purchase = self._problems.body(request, _PURCHASE)
        stored = self._lookup(site, request)
        lookup, name = request.ids["lookupBy"], request.ids["identifier"]
        if stored is None and lookup == "sparklayer":
            # inferred: only SparkLayer gives out its IDs.
            raise self._problems.not_found("Purchase", name)
        own_id = str(uuid.uuid4()) if stored is None else stored["purchase_identifiers"]["sparklayer"]
        identifiers = sent.purchase_identifiers.model_dump(exclude_none=True)
        if identifiers.get("sparklayer", own_id) != own_id:
            raise self._problems.refuse(403, "The SparkLayer ID cannot be changed.")
        identifiers = {lookup: name} | identifiers | {"sparklayer": own_id}
        for other_id, other in site.purchases.items():
            for member in _LOOKUPS[1:]:
                value = identifiers.get(member)
                if other_id != own_id and value is not None and other["purchase_identifiers"].get(member) == value:
                    raise self._problems.refuse(409, f"Another purchase has the {member} ID {value}.", TAKEN, member)
        purchase = {**sent.model_dump(exclude_none=True), "purchase_identifiers": identifiers}
        site.purchases[own_id] = purchase | _calculated(sent)
        return json_answer(site.purchases[own_id])

    def _transactions(self, site: Site, request: Request) -> Answer:
        own_id = self._found(site, request)["purchase_identifiers"]["sparklayer"]
        return json_answer(list(site.transactions.get(own_id, {}).values()))

    def _put_transaction(self, site: Site, request: Request) -> Answer:
        own_id = self._found(site, request)["purchase_identifiers"]["sparklayer"]
        sent = self._problems.body(request, _TRANSACTION).model_dump(exclude_none=True)
        site.transactions.setdefault(own_id, {})[sent["platform_id"]] = sent
        return json_answer(sent)

    def _create_cart(self, site: Site, request: Request) -> Answer:
        asked: models.Cart = self._problems.body(request, _CART)
        customer = site.customer(asked.customer_lookup_by, asked.customer_id)
        if customer is None:
            raise self._problems.refuse(400, f"There is no customer {asked.customer_id}.", UNKNOWN_ID, "customer_id")
        cart_id = str(uuid.uuid4())
        site.purchases[cart_id] = {**placed_cart(cart_id, site.now), "type": "cart"}
        return json_answer({"cart_id": cart_id}, 201)

    def _lookup(self, site: Site, request: Request) -> JsonObject | None:
        lookup, name = request.ids["lookupBy"], request.ids["identifier"]
        if lookup not in _LOOKUPS:
            raise self._problems.refuse(400, f"lookupBy is one of {', '.join(_LOOKUPS)}.", INVALID, "lookupBy")
        if lookup != "sparklayer":
            found = (each for each in site.purchases.values() if each["purchase_identifiers"].get(lookup) == name)
            return next(found, None)
        try:
            return site.purchases.get(str(uuid.UUID(name)))
        except ValueError:
            raise self._problems.refuse(400, "identifier has to be a UUID.", INVALID, "identifier") from None

    def _found(self, site: Site, request: Request) -> JsonObject:
        found = self._lookup(site, request)
        if found is None:
            raise self._problems.not_found("Purchase", request.ids["identifier"])
        return found


def placed_cart(cart_id: str, now: str) -> JsonObject:
    """Return the purchase of a cart whose order was placed, and that the platform has not confirmed yet."""
    empty: JsonObject = {"packages": [], "accounting_files": [], "custom_fields": [], "customer_identifiers": {}}
    named = {"type": "order_unconfirmed", "purchase_identifiers": {"sparklayer": cart_id}}
    return {**named, "dates": {"last_updated": now}, **empty}


def _fits(purchase: JsonObject, params: dict[str, str]) -> bool:
    """Whether a purchase passes the filters of a list."""
    if params.get("type", purchase["type"]) != purchase["type"]:
        return False
    for name in ("sparklayer", "sparklayer_impersonator", "sparklayer_sales_rep"):
        wanted = params.get(f"customer_identifiers[{name}]")
        if wanted is not None and purchase["customer_identifiers"].get(name) != wanted:
            return False
    for name in ("last_updated", "placed"):
        least, most = params.get(f"dates[{name}][gte]"), params.get(f"dates[{name}][lte]")
        moment = str(purchase["dates"].get(name) or "")
        if (least is not None and moment < least) or (most is not None and moment > most):
            return False
    return True


def _calculated(sent: Purchase) -> JsonObject:
    """Calculate members that the API works out. inferred: how; the values of the fulfilment status are not known."""
    packages = sent.packages if isinstance(sent.packages, list) else [sent.packages]
    total = sum((amount for package in packages for amount in _amounts(package)), Decimal(0))
    shipped = bool(packages) and all(package.shipments for package in packages)
    return {
        "calculated_total": {"number": f"{total:f}", "currency": sent.currency_code or ""},
        "calculated_fulfilment_status": "fulfilled" if shipped else "unfulfilled",
    }


def _amounts(package: Package) -> Iterable[Decimal]:
    totals = [item.line_total for item in package.line_items or ()]
    if package.shipping_method is not None:
        totals.append(package.shipping_method.line_total)
    return [
        Decimal(total.total_gross.number) for total in totals if total is not None and total.total_gross is not None
    ]
