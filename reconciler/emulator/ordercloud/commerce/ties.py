"""Table of the assignments between the resources of the marketplace."""

from __future__ import annotations

from reconciler.emulator.ordercloud.commerce.catalogue import VARIANT_STOCK, SpecAssignmentRules
from reconciler.emulator.ordercloud.commerce.models import MODELS
from reconciler.emulator.ordercloud.commerce.resource import Reference, Resource, Rules, gone
from reconciler.emulator.ordercloud.lists import Listing

_PRODUCT = "/v1/products"
_BUYER = "/v1/buyers/{buyerID}"
_SUPPLIER = "/v1/suppliers/{supplierID}"
_CATALOG = "/v1/catalogs/{catalogID}"
_VARIANT = f"{_PRODUCT}/{{productID}}/variants/{{variantID}}"
_GROUP_OF_BUYER = gone("UserGroupID", "UserGroup", inside="BuyerID")
_STOCK_ASSIGNED = (gone("BuyerID", "Buyer"), _GROUP_OF_BUYER)


def _assignment(
    path: str,
    model: str,
    roles: str,
    key: tuple[str, ...],
    references: tuple[Reference, ...],
    options: tuple[str, ...],
    unassign_by: tuple[str, ...],
    *,
    name: str = "",
    parent: str | None = None,
    rules: Rules | None = None,
    also_read: tuple[str, ...] = (),
    listing: Listing | None = None,
    indexed: bool = False,
) -> Resource:
    """Make an assignment; its list takes page, pageSize and the IDs of `options`."""
    return Resource(
        name or model,
        path,
        MODELS[model],
        "",
        f"{roles}Reader",
        f"{roles}Admin",
        listing or Listing((), (), (), options),
        parent=parent,
        key=key,
        references=references,
        rules=rules or Rules(),
        methods=frozenset(),
        also_read=also_read,
        unassign_by=unassign_by,
        indexed=indexed,
    )


ASSIGNMENTS = (
    _assignment(
        f"{_PRODUCT}/assignments",
        "ProductAssignment",
        "Product",
        ("ProductID", "BuyerID", "UserGroupID", "SellerID"),
        (
            gone("ProductID", "Product"),
            gone("BuyerID", "Buyer"),
            _GROUP_OF_BUYER,
            Reference("PriceScheduleID", "PriceSchedule"),
        ),
        ("productID", "priceScheduleID", "buyerID", "userID", "userGroupID", "level"),
        ("ProductID", "BuyerID"),
        also_read=("ProductAssignmentAdmin",),
    ),
    _assignment(
        "/v1/specs/productassignments",
        "SpecProductAssignment",
        "Product",
        ("ProductID", "SpecID"),
        (
            gone("SpecID", "Spec"),
            gone("ProductID", "Product"),
            Reference("DefaultOptionID", "SpecOption", inside="SpecID"),
        ),
        (),
        ("SpecID", "ProductID"),
        rules=SpecAssignmentRules(),
        listing=Listing(
            tuple(MODELS["SpecProductAssignment"].members),
            ("SpecID", "ProductID"),
            ("SpecID", "ProductID", "DefaultOptionID", "DefaultValue"),
        ),
    ),
    _assignment(
        "/v1/catalogs/assignments",
        "CatalogAssignment",
        "Catalog",
        ("CatalogID", "BuyerID", "BuyerGroupID"),
        (gone("CatalogID", "Catalog"), gone("BuyerID", "Buyer")),
        ("catalogID", "buyerID", "buyerGroupID"),
        ("CatalogID",),
    ),
    _assignment(
        "/v1/catalogs/productassignments",
        "ProductCatalogAssignment",
        "Catalog",
        ("CatalogID", "ProductID"),
        (gone("CatalogID", "Catalog"), gone("ProductID", "Product")),
        ("catalogID", "productID"),
        ("CatalogID", "ProductID"),
        indexed=True,
    ),
    _assignment(
        f"{_CATALOG}/categories/assignments",
        "CategoryAssignment",
        "Category",
        ("CategoryID", "BuyerID", "UserGroupID"),
        (gone("CategoryID", "Category", within=1), gone("BuyerID", "Buyer"), _GROUP_OF_BUYER),
        ("categoryID", "buyerID", "userID", "userGroupID", "level"),
        ("CategoryID",),
        parent="Catalog",
    ),
    _assignment(
        f"{_CATALOG}/categories/productassignments",
        "CategoryProductAssignment",
        "Category",
        ("CategoryID", "ProductID"),
        (gone("CategoryID", "Category", within=1), gone("ProductID", "Product")),
        ("categoryID", "productID"),
        ("CategoryID", "ProductID"),
        parent="Catalog",
        indexed=True,
    ),
    _assignment(
        f"{_BUYER}/usergroups/assignments",
        "UserGroupAssignment",
        "UserGroup",
        ("UserGroupID", "UserID"),
        (gone("UserGroupID", "UserGroup", within=1), gone("UserID", "BuyerUser", within=1)),
        ("userGroupID", "userID"),
        ("UserGroupID", "UserID"),
        parent="Buyer",
    ),
    _assignment(
        f"{_SUPPLIER}/usergroups/assignments",
        "UserGroupAssignment",
        "SupplierUserGroup",
        ("UserGroupID", "UserID"),
        (gone("UserGroupID", "SupplierUserGroup", within=1), gone("UserID", "SupplierUser", within=1)),
        ("userGroupID", "userID"),
        ("UserGroupID", "UserID"),
        name="SupplierUserGroupAssignment",
        parent="Supplier",
    ),
    _assignment(
        f"{_BUYER}/addresses/assignments",
        "AddressAssignment",
        "Address",
        ("AddressID", "UserID", "UserGroupID"),
        (
            gone("AddressID", "BuyerAddress", within=1),
            gone("UserID", "BuyerUser", within=1),
            gone("UserGroupID", "UserGroup", within=1),
        ),
        ("addressID", "userID", "userGroupID", "level", "isShipping", "isBilling"),
        ("AddressID",),
        parent="Buyer",
    ),
    _assignment(
        f"{_PRODUCT}/{{productID}}/inventoryrecords/assignments",
        "InventoryRecordAssignment",
        "Product",
        ("InventoryRecordID", "BuyerID", "UserGroupID"),
        (gone("InventoryRecordID", "InventoryRecord", within=1), *_STOCK_ASSIGNED),
        ("inventoryRecordID", "buyerID", "userID", "userGroupID", "level"),
        ("InventoryRecordID",),
        parent="Product",
    ),
    _assignment(
        f"{_VARIANT}/inventoryrecords/assignments",
        "InventoryRecordAssignment",
        "Product",
        ("InventoryRecordID", "BuyerID", "UserGroupID"),
        (gone("InventoryRecordID", VARIANT_STOCK, within=2), *_STOCK_ASSIGNED),
        ("inventoryRecordID", "buyerID", "userID", "userGroupID", "level"),
        ("InventoryRecordID",),
        name="VariantInventoryRecordAssignment",
        parent="Variant",
    ),
    _assignment(
        f"{_PRODUCT}/{{productID}}/suppliers",
        "ProductSupplier",
        "Product",
        ("SupplierID",),
        (gone("SupplierID", "Supplier"), Reference("DefaultPriceScheduleID", "PriceSchedule")),
        (),
        (),
        parent="Product",
    ),
    _assignment(
        f"{_SUPPLIER}/buyers",
        "SupplierBuyer",
        "Supplier",
        ("BuyerID",),
        (gone("BuyerID", "Buyer"),),
        (),
        (),
        parent="Supplier",
    ),
)
