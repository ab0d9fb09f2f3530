"""Which records a message touches: one table of all types of the fact sheet. Pure.

What a message names is raised in the transaction that takes it in. What depends on that is raised from the message
afterwards, in batches; what cannot be placed asks for the smallest walk that finds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from reconciler.ledger.data.inbox_model import NOTHING, PLACED, UNKNOWN, Later, Told
from reconciler.ordercloud.deliveries.message import Message, member
from reconciler.sync.customers.datatype import Customers
from reconciler.sync.datatype import AnyDataType
from reconciler.sync.mapping.identity import SEPARATOR, CustomerKey
from reconciler.sync.mode import Mode
from reconciler.sync.orders.datatype import TOLD as ORDER_TOLD
from reconciler.sync.parties.scope import in_scope
from reconciler.sync.party_prices.datatype import PartyPrices
from reconciler.sync.party_prices.model import PREFIX
from reconciler.sync.products.source import TOLD as PRODUCT_TOLD
from reconciler.sync.products.source import stock_name
from reconciler.sync.told import digest_of, digests

PRODUCTS, PARTY_PRICES, CUSTOMERS, ORDERS = "products", "party-prices", "customers", "orders"
"""The data types, by the names of `sync.datasync.TYPE_NAMES`."""
KNOWN, ENDING = "known", "ending"
"""How what depends on a message is found: known records of a data type whose keys begin, or end, with a text."""
_STATUSES = ("Unsubmitted", "AwaitingApproval", "Declined", "Open", "Completed", "Canceled")
"""documented: the numbers of a message, from 1, and the words of the API."""
_PRICES = ("DefaultPriceSchedule", "PartyPriceSchedules", "SellerDefaultPriceSchedules")
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""documented: what IDs of OrderCloud look like."""


class Flows(Struct, frozen=True):
    """What flows through a data sync, as far as messages have to know.

    Args:
        types: names of the data types.
        buyers: patterns of the buyers whose users flow; none: all.
    """

    types: frozenset[str]
    buyers: tuple[str, ...] = ()


class Placement(Struct, frozen=True):
    """What a message touches here.

    Args:
        outcome: `placed`, `nothing` or `unknown`.
        raised: data type and key of each record that it names, with what it tells of that one.
        walks: data type and mode of the walks that find what it does not name.
        later: what is raised from it afterwards.
        mark: name and digest of what it says that much depends on: `later` is only for one that changed.
    """

    outcome: str
    raised: tuple[tuple[str, str, Told | None], ...] = ()
    walks: tuple[tuple[str, Mode], ...] = ()
    later: tuple[Later, ...] = ()
    mark: tuple[str, bytes] | None = None


_NOWHERE = Placement(NOTHING)


def flows_of(data_types: Iterable[AnyDataType]) -> Flows:
    """Return what flows through a data sync with these data types."""
    found = list(data_types)
    patterns = [data.settings.buyers for data in found if isinstance(data, Customers)]
    patterns += [data.settings.users.buyers for data in found if isinstance(data, PartyPrices)]
    return Flows(frozenset(data.name for data in found), tuple(patterns[0]) if patterns else ())


class Rule(Struct, frozen=True):
    """What messages of one type touch.

    Args:
        touches: in words, for people.
        place: finds the records.
    """

    touches: str
    place: Callable[[Message, Flows], Placement] = field(default=lambda _message, _flows: _NOWHERE)


def placement_of(message: Message, flows: Flows) -> Placement:
    """Return what a message touches of what flows."""
    rule = RULES.get(message.type)
    return Placement(UNKNOWN) if rule is None else rule.place(message, flows)


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _product_updated(message: Message, flows: Flows) -> Placement:
    product = _id(message.member("ProductID"))
    if product is None:
        return _NOWHERE
    said = {name: message.member(name) for name in PRODUCT_TOLD}
    raised = ((PRODUCTS, product, Told(members=digests(said, PRODUCT_TOLD))),) if PRODUCTS in flows.types else ()
    if PARTY_PRICES not in flows.types:
        return _placed(raised)
    prices = [message.member(name) for name in _PRICES]
    return _placed(raised, later=(_all_lists(),), mark=(f"prices:{product}", digest_of(prices).encode()))


def _product_deleted(message: Message, flows: Flows) -> Placement:
    product = _id(message.member("ProductID"))
    if product is None:
        return _NOWHERE
    raised = ((PRODUCTS, product, Told(gone=True)),) if PRODUCTS in flows.types else ()
    if PARTY_PRICES not in flows.types:
        return _placed(raised)
    return _placed(raised, later=(_all_lists(),), mark=(f"prices:{product}", b"-"))


def _stock_updated(message: Message, flows: Flows) -> Placement:
    product = _id(message.member("ProductID"))
    if PRODUCTS not in flows.types:
        return _NOWHERE
    if product is None:
        return Placement(PLACED, walks=((PRODUCTS, Mode.LIGHT),))
    said = {
        stock_name(record): digest_of(quantity)
        for each in message.objects("InventoryRecords")
        if (record := _id(member(each, "ID"))) and (quantity := member(each, "QuantityAvailable")) is not None
    }
    return _placed(((PRODUCTS, product, Told(members=said)),))


def _user_updated(message: Message, flows: Flows) -> Placement:
    buyer, user = _id(message.member("CompanyID")), _id(message.member("ID"))
    if user is None or CUSTOMERS not in flows.types:
        return _NOWHERE
    if buyer is None:
        return Placement(PLACED, later=(Later(ENDING, {"type": CUSTOMERS, "text": f"{SEPARATOR}{user}"}),))
    if not in_scope(buyer, flows.buyers):
        return _NOWHERE
    return _placed(((CUSTOMERS, CustomerKey(buyer, user).external_id, None),))


def _buyer(message: Message, flows: Flows) -> Placement:
    buyer = _id(message.member("ID"))
    if buyer is None or not in_scope(buyer, flows.buyers):
        return _NOWHERE
    return _of_buyer(buyer, flows)


def _group(message: Message, flows: Flows) -> Placement:
    buyer = _id(message.member("BuyerID"))
    if buyer is not None:
        return _of_buyer(buyer, flows) if in_scope(buyer, flows.buyers) else _NOWHERE
    # Whose group it is, the message need not say.
    walks = tuple((data_type, Mode.WALK) for data_type in (CUSTOMERS, PARTY_PRICES) if data_type in flows.types)
    return Placement(PLACED, walks=walks) if walks else _NOWHERE


def _of_buyer(buyer: str, flows: Flows) -> Placement:
    starts = {CUSTOMERS: f"{buyer}{SEPARATOR}", PARTY_PRICES: f"{PREFIX}{buyer}"}
    later = tuple(Later(KNOWN, {"type": each, "text": text}) for each, text in starts.items() if each in flows.types)
    return Placement(PLACED, later=later) if later else _NOWHERE


def _order(message: Message, flows: Flows) -> Placement:
    order = _id(message.member("ID"))
    if order is None or ORDERS not in flows.types:
        return _NOWHERE
    status, total = message.member("Status"), message.member("Total")
    known = isinstance(status, int) and 0 < status <= len(_STATUSES)
    said = {"Status": _STATUSES[status - 1] if known else None, "Total": total}
    return _placed(((ORDERS, order, Told(members=digests(said, ORDER_TOLD))),))


def _all_lists() -> Later:
    return Later(KNOWN, {"type": PARTY_PRICES, "text": PREFIX})


def _placed(
    raised: tuple[tuple[str, str, Told | None], ...],
    later: tuple[Later, ...] = (),
    mark: tuple[str, bytes] | None = None,
) -> Placement:
    return Placement(PLACED, raised, later=later, mark=mark) if raised or later else _NOWHERE


_STOCK = Rule("the product; without a product ID, a light walk of the products", _stock_updated)
_USER = Rule("the customer; without a buyer's ID, every known customer with that user ID", _user_updated)
_BUYER = Rule("the buyer's known customers and price lists", _buyer)
_GROUP = Rule("the buyer's known customers and price lists; without a buyer's ID, a walk of both", _group)
# No product is in or out of the scope by a category, and none is mapped from one.
_NO_PART = Rule("nothing")

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "product.updated": Rule("the product; where its prices changed, all price lists", _product_updated),
        "product.deleted": Rule("the product, as deleted; all price lists", _product_deleted),
        "ordersync.updated": Rule("the order", _order),
        "entitysync.inventoryrecord.updated": _STOCK,
        "entitysync.inventoryrecord.full.updated": _STOCK,
        # inferred: the name.
        "entitysync.inventoryrecord.deleted": _STOCK,
        "entitysync.buyeruser.updated": _USER,
        "entitysync.buyeruser.deleted": _USER,
        "entitysync.buyer.updated": _BUYER,
        # inferred: the name of the member.
        "entitysync.buyer.deleted": _BUYER,
        "entitysync.buyerusergroup.updated": _GROUP,
        "entitysync.buyerusergroup.deleted": _GROUP,
        "entitysync.category.updated": _NO_PART,
        "entitysync.category.deleted": _NO_PART,
        # inferred: the names of the types of catalogs.
        "entitysync.catalog.updated": _NO_PART,
        "entitysync.catalog.deleted": _NO_PART,
        "entitysync.adminuser.updated": _NO_PART,
        "entitysync.adminuser.deleted": _NO_PART,
        "entitysync.supplier.updated": _NO_PART,
        "entitysync.supplier.deleted": _NO_PART,
        "entitysync.supplieruser.updated": _NO_PART,
        "entitysync.supplieruser.deleted": _NO_PART,
    }
)
"""All message types, without the vendor's prefix."""
