"""Models of the syncs: their paths, members, roles and /sync operations, from the fact sheet (§2)."""

from __future__ import annotations

from msgspec import Struct

from reconciler.emulator.ordercloud.models import Member, Model

_REQUIRED_ID = Member(str, required=True)
_REQUIRED_FLAG = Member(bool, required=True)
# inferred: the defaults of optional flags; the SDK types are plain booleans, which .NET leaves false.
_FLAG = Member(bool, default=False)

PRODUCT_SYNC = Model(
    "ProductSyncConfig",
    {
        "SyncProductChanged": _REQUIRED_FLAG,
        "SyncProductDeleted": _REQUIRED_FLAG,
        "DeliveryConfigID": _REQUIRED_ID,
        "ConfigData": Member(dict),
        "Paused": _FLAG,
        "ExcludePriceSchedules": _FLAG,
    },
)
ENTITY_SYNC = Model(
    "EntitySyncConfig",
    {
        "DeliveryConfigID": _REQUIRED_ID,
        "SyncEntityChanged": _REQUIRED_FLAG,
        "SyncEntityDeleted": _REQUIRED_FLAG,
        "Paused": _FLAG,
    },
)
ORDER_SYNC = Model("OrderSyncConfig", {"DeliveryConfigID": _REQUIRED_ID, "ConfigData": Member(dict)})
ERROR_CONFIG = Model("ErrorConfig", {"DeliveryConfigID": _REQUIRED_ID})


class Operation(Struct, frozen=True):
    """Operation /sync of a sync: its path, the IDs that it takes, and the error code while the sync cannot run.

    `guide_path` is where the vendor's guide, or what it would lead one to expect, has it instead.
    """

    path: str
    body: Model
    not_enabled: str
    guide_path: str | None = None


class Singleton(Struct, frozen=True):
    """Configuration that a marketplace has at most once."""

    path: str
    model: Model
    role: str
    operation: Operation | None = None


def _ids(*names: str) -> Model:
    return Model("SyncOperation", dict.fromkeys(names, _REQUIRED_ID))


def _entity(path: str, code: str, *ids: str, operation: str | None = None, guide_path: str | None = None) -> Singleton:
    base = f"/integrations/entitysync/{path}"
    operation_path = f"/integrations/entitysync/{operation or path}/sync"
    not_enabled = f"Synchronize.EntitySyncFor{code}NotEnabled"
    return Singleton(
        base, ENTITY_SYNC, "EntitySyncConfigAdmin", Operation(operation_path, _ids(*ids), not_enabled, guide_path)
    )


SINGLETONS: tuple[Singleton, ...] = (
    Singleton(
        "/integrations/productsync",
        PRODUCT_SYNC,
        "ProductSyncConfigAdmin",
        Operation("/integrations/productsync/sync", _ids("ProductID"), "Synchronize.ProductSyncNotEnabled"),
    ),
    Singleton("/integrations/OrderSync", ORDER_SYNC, "OrderSyncConfigAdmin"),
    Singleton("/integrations/ErrorConfig", ERROR_CONFIG, "ErrorConfigAdmin"),
    _entity("adminusers", "AdminUsers", "UserID"),
    _entity("buyers", "Buyer", "BuyerID"),
    _entity("buyers/users", "BuyerUsers", "BuyerID", "UserID"),
    _entity("buyers/usergroups", "BuyerUserGroup", "BuyerID", "UserGroupID"),
    # inferred: the guide's spelling, of one line; no SDK uses it.
    _entity("categories", "Category", "CatalogID", "CategoryID", guide_path="/entitysync/categories/sync"),
    # inferred: the code; the .NET SDK is older than catalog sync.
    _entity("catalogs", "Catalog", "CatalogID"),
    _entity("products/inventoryrecords", "InventoryRecord", "ProductID", "InventoryRecordID"),
    # The operation is singular in every SDK.
    _entity(
        "suppliers",
        "Supplier",
        "SupplierID",
        operation="supplier",
        guide_path="/integrations/entitysync/suppliers/sync",
    ),
    _entity("suppliers/users", "SupplierUsers", "SupplierID", "UserID"),
)
