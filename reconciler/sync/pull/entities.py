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
from reconciler.sync.customers.resolve import CustomerState
from reconciler.sync.orders.state import OrderState
from reconciler.sync.products.resolve import removals
from reconciler.sync.products.state import ProductState
from reconciler.sync.products.target import external_ids

Entities = Callable[[Any], Sequence[Wire]]
"""Makes the entities of the state that the site should have of a record: none where it must not have it."""


def of_product(state: ProductState) -> Sequence[Wire]:
    """Return a product with its variants; of one that is gone its variants, discontinued."""
    body = state.wanted.product
    return () if body is None else (body,)


def of_stock(state: ProductState) -> Sequence[Wire]:
    """Return the levels of each SKU of a product; a SKU that it has no longer is at 0 wherever it had a level."""
    owners = external_ids(state.wanted)
    rows = [(level.sku, level.location, level.level, level.restock_date) for level in state.wanted.stock or ()]
    gone = removals(state.before, state.wanted).stock
    rows += [(sku, place, 0, None) for sku in gone for place in state.before.skus[sku]]
    entities = []
    for sku, levels in groupby(sorted(rows, key=lambda row: row[:2]), key=lambda row: row[0]):
        listed = [
            {"stock_location_external_id": place, "stock_level": level, "restock_date": day and day.isoformat()}
            for _, place, level, day in levels
        ]
        entities.append({"external_id": owners.get(sku, state.key), "sku": sku, "stock_levels": listed})
    return entities


def of_customer(state: CustomerState) -> Sequence[Wire]:
    """Return a customer: what is mapped, and what a run found beside it and carries along."""
    if not state.prints and not state.deletes:
        return ()
    before = state.before
    if state.gone:
        return ({"external_id": before.external_id or state.key, "status": INACTIVE[0]},)
    body = {name: value for name, value in before.extra.items() if name not in state.named and name != ADDRESSES}
    body |= {name: value for name, value in state.named.items() if value is not None}
    body[ADDRESSES] = [*_objects(state.named.get(ADDRESSES)), *_objects(before.extra.get(ADDRESSES))]
    return (body,)


def of_purchase(state: OrderState) -> Sequence[Wire]:
    """Return an order as a purchase."""
    return () if state.body is None else (state.body,)


def _objects(value: Any) -> Iterable[Wire]:
    return [dict(item) for item in value or () if isinstance(item, Mapping)]


ENTITIES: Mapping[str, Entities] = {
    "products": of_product,
    "stock": of_stock,
    "customers": of_customer,
    "purchases": of_purchase,
}
"""By the data types of Ignite's pages."""
