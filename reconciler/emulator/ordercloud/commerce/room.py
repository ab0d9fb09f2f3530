"""Marketplace of OrderCloud's room: its resources and operations, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.bodies import decode, validated
from reconciler.emulator.ordercloud.commerce.assignments import Assignments
from reconciler.emulator.ordercloud.commerce.endpoints import Endpoints, Route
from reconciler.emulator.ordercloud.commerce.goods_operations import GoodsOperations
from reconciler.emulator.ordercloud.commerce.marketplace import Marketplace
from reconciler.emulator.ordercloud.commerce.order_operations import OrderOperations
from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.commerce.resources import RESOURCES
from reconciler.emulator.ordercloud.commerce.return_operations import ReturnOperations
from reconciler.emulator.ordercloud.errors import not_found
from reconciler.emulator.routing import Handler
from reconciler.emulator.state import State
from reconciler.emulator.wire import NO_CONTENT, Answer, Request

# The members of /sync operations that say where the record is, by the path of the sync: outermost first.
_SYNCED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "/integrations/productsync": (("ProductID", "Product"),),
    "/integrations/entitysync/adminusers": (("UserID", "AdminUser"),),
    "/integrations/entitysync/buyers": (("BuyerID", "Buyer"),),
    "/integrations/entitysync/buyers/users": (("BuyerID", "Buyer"), ("UserID", "BuyerUser")),
    "/integrations/entitysync/buyers/usergroups": (("BuyerID", "Buyer"), ("UserGroupID", "UserGroup")),
    "/integrations/entitysync/categories": (("CatalogID", "Catalog"), ("CategoryID", "Category")),
    "/integrations/entitysync/catalogs": (("CatalogID", "Catalog"),),
    "/integrations/entitysync/products/inventoryrecords": (
        ("ProductID", "Product"),
        ("InventoryRecordID", "InventoryRecord"),
    ),
    "/integrations/entitysync/suppliers": (("SupplierID", "Supplier"),),
    "/integrations/entitysync/suppliers/users": (("SupplierID", "Supplier"), ("UserID", "SupplierUser")),
}


class SearchSetting(BaseModel):
    """Body of `PUT /_emulator/search`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lag: float = Field(ge=0, description="Seconds until lists (of products also reads) see a write. 0: at once.")


class Commerce:
    """Marketplace of OrderCloud's room. `market` is where seeds are inserted.

    Args:
        state: for switches and clock.
    """

    def __init__(self, state: State) -> None:
        self.market = Marketplace(RESOURCES, state.clock, lambda: state.switches)
        self._endpoints = Endpoints(state, self.market)

    def routes(self) -> Iterable[Route]:
        """Return roles, method, path and handler of every operation."""
        yield from self._endpoints.routes()
        yield from Assignments(self._endpoints).routes()
        yield from GoodsOperations(self._endpoints).routes()
        yield from OrderOperations(self._endpoints).routes()
        yield from ReturnOperations(self._endpoints).routes()

    def control_routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Return the endpoints of the control API for the marketplace."""
        return (("PUT", "/_emulator/search", self._set_search),)

    def _set_search(self, request: Request) -> Answer:
        """Set the lag of the search index: `lag` seconds by the emulator's clock until lists see a write."""
        self.market.store.search.lag = validated(SearchSetting, decode(request)).lag
        return NO_CONTENT

    def check_record(self, sync: str, ids: Mapping[str, Any]) -> None:
        """Refuse a /sync operation for a record that there is not.

        Args:
            sync: path of the sync.
            ids: the operation's body.

        Raises:
            Refusal: 404 that names the record, or its parent.
        """
        scope: Scope = ()
        for member, name in _SYNCED[sync]:
            key = ids[member]
            if name == "InventoryRecord":
                self._check_stock(scope[0], key)
            elif key not in self.market.store.table(name, scope):
                raise not_found(RESOURCES[name].type_name, key)
            scope = (*scope, key)

    def _check_stock(self, product_id: str, record_id: str) -> None:
        store = self.market.store
        scopes = [(product_id, variant_id) for variant_id in store.table("Variant", (product_id,))]
        tables = [
            store.table("InventoryRecord", (product_id,)),
            *(store.table("VariantInventoryRecord", scope) for scope in scopes),
        ]
        if not any(record_id in table for table in tables):
            raise not_found("InventoryRecord", record_id)
