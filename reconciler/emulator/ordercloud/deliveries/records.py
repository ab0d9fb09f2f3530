"""Records by sync: which flow through which, and the types of their messages (fact sheet §4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from reconciler.emulator.ordercloud.commerce.resource import Scope

PRODUCT_SYNC = "/integrations/productsync"
ORDER_SYNC = "/integrations/OrderSync"
ENTITY_SYNCS = "/integrations/entitysync/"
STOCK_SYNC = f"{ENTITY_SYNCS}products/inventoryrecords"
_PREFIX = "sitecore.ordercloud.messages."
# inferred: that error notices are messages, and what they are called.
ERROR_TYPE = f"{_PREFIX}error"


class Record(NamedTuple):
    """One record of one sync: the path of the sync, resource, IDs of the parents, and ID."""

    sync: str
    name: str
    scope: Scope
    key: str


class Topic(Struct, frozen=True):
    """What the messages about one resource are.

    Args:
        sync: path of the sync.
        stem: of the message's type, between the vendor's prefix and `updated` or `deleted`.
        parents: members that name the parents in a message, outermost first.
    """

    sync: str
    stem: str
    parents: tuple[str, ...] = ()

    def type(self, what: str, stem: str | None = None) -> str:
        """Return the type of a message: `what` is updated, deleted or full.updated; `stem` another than its own."""
        return f"{_PREFIX}{stem or self.stem}.{what}"


def _entity(path: str, stem: str, *parents: str) -> Topic:
    return Topic(ENTITY_SYNCS + path, f"entitysync.{stem}", parents)


_STOCK = _entity("products/inventoryrecords", "inventoryrecord", "ProductID")
TOPICS: Mapping[str, Topic] = {
    "Product": Topic(PRODUCT_SYNC, "product"),
    "AdminUser": _entity("adminusers", "adminuser"),
    "Buyer": _entity("buyers", "buyer"),
    "BuyerUser": _entity("buyers/users", "buyeruser", "CompanyID"),
    "UserGroup": _entity("buyers/usergroups", "buyerusergroup", "BuyerID"),
    "Category": _entity("categories", "category", "CatalogID"),
    # inferred: the name; the messages of catalogs are not published.
    "Catalog": _entity("catalogs", "catalog"),
    "InventoryRecord": _STOCK,
    "VariantInventoryRecord": _STOCK,
    "Supplier": _entity("suppliers", "supplier"),
    "SupplierUser": _entity("suppliers/users", "supplieruser", "CompanyID"),
    "Order": Topic(ORDER_SYNC, "ordersync"),
}


# inferred: the other name that the delete of an inventory record may have; the one above is not published either.
OTHER_STOCK_STEM = "entitysync.productinventoryrecord"


def record_of(name: str, scope: Scope, key: str) -> Record | None:
    """Return the record that a row is, or None where no sync is about such rows."""
    topic = TOPICS.get(name)
    return None if topic is None else Record(topic.sync, name, scope, key)


def names_of(record: Record) -> dict[str, str]:
    """Return the IDs of a record by member, as a list of deliveries shows them."""
    topic = TOPICS[record.name]
    return {**dict(zip(topic.parents, record.scope, strict=False)), "ID": record.key}


def key_of(record: Record) -> str:
    """Return what all messages about a record have in common, and no other's."""
    return "/".join((TOPICS[record.name].stem, *record.scope, record.key))
