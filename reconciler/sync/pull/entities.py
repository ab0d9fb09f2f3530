"""Entities: what a page of Ignite says of one record, made of the state that a run would write. Pure.

inferred: all of it. SparkLayer publishes neither the members of an entity nor their names (sparklayer.md §7, §10 no.
13): they are those of the API that takes the same by push, so that one edit here corrects them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from reconciler.kind.connection import Wire
from reconciler.sparklayer.customer_bodies import ADDRESSES, INACTIVE
from reconciler.sparklayer.purchases import completed_purchase
from reconciler.sparklayer.records import StockLevel
from reconciler.sync.customers.resolve import CustomerState, body_of
from reconciler.sync.orders.state import OrderState
from reconciler.sync.products.resolve import removals
from reconciler.sync.products.state import ProductState
from reconciler.sync.products.target import external_ids

_PARENT = "parent_customer_external_id"
Entities = Callable[[Any], Sequence[Wire]]
"""Makes the entities of the state that the site should have of a record: none where it must not have it."""


def of_product(state: ProductState) -> Sequence[Wire]:
    """Return a product with its variants; of one that is gone its variants, discontinued."""
    body = state.wanted.product
    return () if body is None else (body,)


def of_stock(state: ProductState) -> Sequence[Wire]:
    """Return the levels of each SKU of a product: none of one that it has no longer."""
    owners = external_ids(state.wanted)
    entities: list[Wire] = [
        {"external_id": state.key, "sku": sku, "stock_levels": []}
        for sku in sorted(removals(state.before, state.wanted).stock)
    ]
    for sku, levels in groupby(sorted(state.wanted.stock or ()), key=lambda level: level.sku):
        rows = [_row(level) for level in levels]
        entities.append({"external_id": owners.get(sku, state.key), "sku": sku, "stock_levels": rows})
    return entities


def of_customer(state: CustomerState) -> Sequence[Wire]:
    """Return a customer: what is mapped, and what a run found beside it and carries along."""
    if not state.prints and not state.deletes:
        return ()
    before = state.before
    if state.gone:
        gone = {**_named(body_of(before)), "external_id": before.external_id or state.key, "status": INACTIVE[0]}
        return (gone,)
    body = {name: value for name, value in before.extra.items() if name not in state.named and name != ADDRESSES}
    body |= {name: value for name, value in state.named.items() if value is not None}
    body[ADDRESSES] = [*_objects(state.named.get(ADDRESSES)), *_objects(before.extra.get(ADDRESSES))]
    return (_named(body),)


def _named(body: Wire) -> Wire:
    """Return a customer whose parent is named by the ID that we gave it, as Ignite's own calls name one."""
    return {_PARENT if name == "parent_customer_id" else name: value for name, value in body.items()}


def _row(level: StockLevel) -> Wire:
    row: Wire = {"stock_location_external_id": level.location, "stock_level": level.level}
    return row if level.restock_date is None else {**row, "restock_date": level.restock_date.isoformat()}


def of_purchase(state: OrderState) -> Sequence[Wire]:
    """Return an order as a purchase: what the site has beside it, e.g. of the cart, is SparkLayer's to keep."""
    return () if state.body is None else (completed_purchase(state.body, {}, ()),)


def _objects(value: Any) -> Iterable[Wire]:
    return [dict(item) for item in value or () if isinstance(item, Mapping)]


ENTITIES: Mapping[str, Entities] = {
    "products": of_product,
    "stock": of_stock,
    "customers": of_customer,
    "purchases": of_purchase,
}
"""By the data types of Ignite's pages."""
