"""All resources of the marketplace and all assignments between them."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulator.ordercloud.commerce import catalogue as goods
from reconciler.emulator.ordercloud.commerce.categories import CatalogRules, CategoryRules
from reconciler.emulator.ordercloud.commerce.models import MODELS
from reconciler.emulator.ordercloud.commerce.orders import LineItemRules, OrderRules
from reconciler.emulator.ordercloud.commerce.parties import AddressRules, BuyerRules, CompanyRules, UserRules
from reconciler.emulator.ordercloud.commerce.resource import ALL_METHODS, Reference, Resource, Rules
from reconciler.emulator.ordercloud.commerce.shipping import ShipmentItemRules, ShipmentRules
from reconciler.emulator.ordercloud.lists import Listing

_USER_SORT = ("LastName", "FirstName", "Username", "ID", "Email", "DateCreated", "LastActive", "PasswordLastSetDate")
_USER_SEARCH = ("ID", "Username", "LastName", "FirstName", "Email")
_PLACES = ("AddressName", "ID", "DateCreated", "CompanyName", "FirstName", "LastName", "Street1", "Street2", "City")
_ADDRESS_SORT = (*_PLACES, "State", "Zip", "Country", "Phone")
_ADDRESS_SEARCH = (
    *("ID", "AddressName", "CompanyName", "City", "Street1", "Street2", "LastName", "FirstName", "State", "Zip"),
)
ORDER_SORT = (
    *("DateSubmitted", "DateCreated", "ID", "FromCompanyID", "ToCompanyID", "FromUserID", "Status", "DateApproved"),
    *("DateDeclined", "DateCanceled", "DateCompleted", "LastUpdated", "Subtotal", "ShippingCost", "TaxCost"),
    *("Gratuity", "Fees", "PromotionDiscount", "Total", "IsSubmitted"),
)
SHIPMENT_SORT = ("DateShipped", "OwnerID", "ID", "BuyerID", "Shipper", "DateDelivered", "Cost")
SHIPMENT_SEARCH = ("ID", "BuyerID", "Shipper", "DateShipped", "DateDelivered", "TrackingNumber")
_NAME = ("ID", "Name")
_TEXT = ("ID", "Name", "Description")


def _listing(model: str, search: tuple[str, ...], sort: tuple[str, ...], *options: str, also: str = "") -> Listing:
    members = (*MODELS[model].members, also) if also else tuple(MODELS[model].members)
    return Listing(members, search, sort, options)


def _resource(
    path: str,
    model: str,
    roles: str,
    listing: Listing,
    *,
    name: str = "",
    parent: str | None = None,
    references: tuple[Reference, ...] = (),
    rules: Rules | None = None,
    methods: frozenset[str] = ALL_METHODS,
    also_read: tuple[str, ...] = (),
    searched: bool = False,
    parameter: str = "",
) -> Resource:
    """A resource whose roles are `{roles}Reader` and `{roles}Admin`."""
    return Resource(
        name or model,
        path,
        MODELS[model],
        parameter or f"{model[0].lower()}{model[1:]}ID",
        f"{roles}Reader",
        f"{roles}Admin",
        listing,
        parent=parent,
        references=references,
        rules=rules or Rules(),
        methods=methods,
        also_read=also_read,
        searched=searched,
    )


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
) -> Resource:
    """An assignment; its list takes page, pageSize and the IDs of `options`."""
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
    )


def _gone(member: str, to: str, within: int = 0, inside: str | None = None) -> Reference:
    """A reference that takes its holder along when it goes."""
    return Reference(member, to, within, inside, on_delete="cascade")


def _kept(member: str, to: str, within: int = 0, inside: str | None = None) -> Reference:
    """A reference that outlives what it points to."""
    return Reference(member, to, within, inside, on_delete="keep")


def _followed(member: str, to: str, inside: str | None = None) -> Reference:
    """A reference that may point to one of several resources: it follows a new ID, and is not checked."""
    return Reference(member, to, inside=inside, on_delete="keep", checked=False)


_GROUP_OF_BUYER = _gone("UserGroupID", "UserGroup", inside="BuyerID")
_STOCK_LISTING = _listing("InventoryRecord", ("ID", "AddressID"), ("ID", "AddressID"), "includeAddress")
_STOCK_ASSIGNED = (_gone("BuyerID", "Buyer"), _GROUP_OF_BUYER)
_PRODUCT = "/v1/products"
_BUYER = "/v1/buyers/{buyerID}"
_SUPPLIER = "/v1/suppliers/{supplierID}"
_CATALOG = "/v1/catalogs/{catalogID}"
_VARIANT = f"{_PRODUCT}/{{productID}}/variants/{{variantID}}"
_ADDRESS_LISTING = _listing("Address", _ADDRESS_SEARCH, _ADDRESS_SORT)

_ALL = (
    # Products, variants, stock
    Resource(
        "Product",
        _PRODUCT,
        MODELS["Product"],
        "productID",
        "ProductReader",
        "ProductAdmin",
        Listing(
            (*MODELS["Product"].members, "InventoryRecords"),
            _TEXT,
            options=("catalogID", "categoryID", "supplierID"),
            open=True,
        ),
        references=(
            Reference("DefaultPriceScheduleID", "PriceSchedule"),
            Reference("DefaultSupplierID", "Supplier"),
            Reference("ParentID", "Product"),
            _followed("ShipFromAddressID", "AdminAddress"),
        ),
        rules=goods.ProductRules(),
        searched=True,
        lagging_get=True,
    ),
    _resource(
        f"{_PRODUCT}/{{productID}}/variants",
        "Variant",
        "Product",
        _listing("Variant", _TEXT, _NAME),
        parent="Product",
        rules=goods.VariantRules(),
        methods=frozenset({"list", "get", "save", "patch"}),
    ),
    _resource(
        f"{_PRODUCT}/{{productID}}/inventoryrecords",
        "InventoryRecord",
        "Product",
        _STOCK_LISTING,
        parent="Product",
        references=(_followed("AddressID", "AdminAddress"),),
        rules=goods.InventoryRecordRules(),
    ),
    _resource(
        f"{_VARIANT}/inventoryrecords",
        "InventoryRecord",
        "Product",
        _STOCK_LISTING,
        name=goods.VARIANT_STOCK,
        parent="Variant",
        references=(_followed("AddressID", "AdminAddress"),),
        rules=goods.InventoryRecordRules(),
    ),
    _resource(
        "/v1/specs",
        "Spec",
        "Product",
        _listing("Spec", ("Name", "ID"), ("ListOrder", "Name", "ID")),
        rules=goods.SpecRules(),
    ),
    _resource(
        "/v1/specs/{specID}/options",
        "SpecOption",
        "Product",
        _listing("SpecOption", ("Value", "ID"), ("ListOrder", "ID")),
        parent="Spec",
        rules=goods.SpecOptionRules(),
        parameter="optionID",
    ),
    _resource(
        "/v1/priceschedules",
        "PriceSchedule",
        "PriceSchedule",
        _listing("PriceSchedule", ("ID", "Name", "ApplyTax", "Currency"), ("Name", "ID", "OwnerID")),
        rules=goods.PriceScheduleRules(),
    ),
    _resource(
        "/v1/productfacets",
        "ProductFacet",
        "ProductFacet",
        _listing("ProductFacet", ("ID", "Name", "XpPath"), ("ListOrder", "ID", "Name", "XpPath")),
    ),
    # Catalogs
    _resource(
        "/v1/catalogs",
        "Catalog",
        "Catalog",
        _listing("Catalog", _TEXT, ("OwnerID", "Name", "ID")),
        rules=CatalogRules(),
    ),
    _resource(
        f"{_CATALOG}/categories",
        "Category",
        "Category",
        _listing("Category", _TEXT, _NAME, "depth"),
        parent="Catalog",
        # inferred: what is below a category goes with it.
        references=(_gone("ParentID", "Category", within=1),),
        rules=CategoryRules(),
    ),
    # Parties
    _resource(
        "/v1/buyers",
        "Buyer",
        "Buyer",
        _listing("Buyer", ("Name", "ID"), ("ID", "Name", "DateCreated")),
        references=(Reference("DefaultCatalogID", "Catalog"),),
        rules=BuyerRules(),
    ),
    _resource(
        f"{_BUYER}/users",
        "User",
        "BuyerUser",
        _listing("User", _USER_SEARCH, _USER_SORT, "userGroupID"),
        name="BuyerUser",
        parent="Buyer",
        rules=UserRules("BuyerUser", "UserGroupAssignment"),
    ),
    _resource(
        f"{_BUYER}/usergroups", "UserGroup", "UserGroup", _listing("UserGroup", _TEXT, ("Name", "ID")), parent="Buyer"
    ),
    _resource(
        f"{_BUYER}/addresses",
        "Address",
        "Address",
        _ADDRESS_LISTING,
        name="BuyerAddress",
        parent="Buyer",
        rules=AddressRules(),
    ),
    _resource(
        "/v1/suppliers",
        "Supplier",
        "Supplier",
        _listing("Supplier", ("Name", "ID"), ("ID", "Name", "DateCreated")),
        rules=CompanyRules(),
    ),
    _resource(
        f"{_SUPPLIER}/users",
        "User",
        "SupplierUser",
        _listing("User", _USER_SEARCH, _USER_SORT, "userGroupID"),
        name="SupplierUser",
        parent="Supplier",
        rules=UserRules("SupplierUser", "SupplierUserGroupAssignment"),
    ),
    _resource(
        f"{_SUPPLIER}/usergroups",
        "UserGroup",
        "SupplierUserGroup",
        _listing("UserGroup", _TEXT, ("Name", "ID")),
        name="SupplierUserGroup",
        parent="Supplier",
    ),
    _resource(
        f"{_SUPPLIER}/addresses",
        "Address",
        "SupplierAddress",
        _ADDRESS_LISTING,
        name="SupplierAddress",
        parent="Supplier",
        rules=AddressRules(),
    ),
    _resource("/v1/addresses", "Address", "AdminAddress", _ADDRESS_LISTING, name="AdminAddress", rules=AddressRules()),
    _resource(
        "/v1/adminusers",
        "User",
        "AdminUser",
        _listing("User", _USER_SEARCH, _USER_SORT),
        name="AdminUser",
        rules=UserRules("AdminUser", None),
    ),
    # Orders
    _resource(
        "/v1/orders/{direction}",
        "Order",
        "Order",
        _listing(
            "Order",
            ("ID", "FromCompanyID", "ToCompanyID", "Comments"),
            ORDER_SORT,
            *("buyerID", "supplierID", "from", "to"),
        ),
        references=(
            _kept("BillingAddressID", "BuyerAddress", inside="FromCompanyID"),
            _kept("ShippingAddressID", "BuyerAddress", inside="FromCompanyID"),
            _followed("FromUserID", "BuyerUser", inside="FromCompanyID"),
            _followed("FromCompanyID", "Buyer"),
            _followed("ToCompanyID", "Supplier"),
        ),
        rules=OrderRules(),
        also_read=("Shopper",),
        searched=True,
    ),
    _resource(
        "/v1/orders/{direction}/{orderID}/lineitems",
        "LineItem",
        "Order",
        _listing("LineItem", ("ID", "ProductID"), ("DateAdded", "ID", "ProductID")),
        parent="Order",
        references=(_kept("ProductID", "Product"),),
        rules=LineItemRules(),
        also_read=("Shopper",),
        searched=True,
    ),
    _resource(
        "/v1/shipments",
        "Shipment",
        "Shipment",
        _listing("Shipment", SHIPMENT_SEARCH, SHIPMENT_SORT, "orderID"),
        references=(_kept("BuyerID", "Buyer"), _kept("FromAddressID", "AdminAddress")),
        rules=ShipmentRules(),
    ),
    Resource(
        "ShipmentItem",
        "/v1/shipments/{shipmentID}/items",
        MODELS["ShipmentItem"],
        "",
        "ShipmentReader",
        "ShipmentAdmin",
        _listing("ShipmentItem", ("OrderID", "LineItemID"), ("OrderID", "LineItemID")),
        parent="Shipment",
        key=("OrderID", "LineItemID"),
        references=(_kept("OrderID", "Order"), _kept("LineItemID", "LineItem", inside="OrderID")),
        rules=ShipmentItemRules(),
        methods=frozenset({"list"}),
    ),
    # Assignments
    _assignment(
        f"{_PRODUCT}/assignments",
        "ProductAssignment",
        "Product",
        ("ProductID", "BuyerID", "UserGroupID", "SellerID"),
        (
            _gone("ProductID", "Product"),
            _gone("BuyerID", "Buyer"),
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
            _gone("SpecID", "Spec"),
            _gone("ProductID", "Product"),
            Reference("DefaultOptionID", "SpecOption", inside="SpecID"),
        ),
        (),
        ("SpecID", "ProductID"),
        rules=goods.SpecAssignmentRules(),
        listing=_listing(
            "SpecProductAssignment", ("SpecID", "ProductID"), ("SpecID", "ProductID", "DefaultOptionID", "DefaultValue")
        ),
    ),
    _assignment(
        "/v1/catalogs/assignments",
        "CatalogAssignment",
        "Catalog",
        ("CatalogID", "BuyerID", "BuyerGroupID"),
        (_gone("CatalogID", "Catalog"), _gone("BuyerID", "Buyer")),
        ("catalogID", "buyerID", "buyerGroupID"),
        ("CatalogID",),
    ),
    _assignment(
        "/v1/catalogs/productassignments",
        "ProductCatalogAssignment",
        "Catalog",
        ("CatalogID", "ProductID"),
        (_gone("CatalogID", "Catalog"), _gone("ProductID", "Product")),
        ("catalogID", "productID"),
        ("CatalogID", "ProductID"),
    ),
    _assignment(
        f"{_CATALOG}/categories/assignments",
        "CategoryAssignment",
        "Category",
        ("CategoryID", "BuyerID", "UserGroupID"),
        (_gone("CategoryID", "Category", within=1), _gone("BuyerID", "Buyer"), _GROUP_OF_BUYER),
        ("categoryID", "buyerID", "userID", "userGroupID", "level"),
        ("CategoryID",),
        parent="Catalog",
    ),
    _assignment(
        f"{_CATALOG}/categories/productassignments",
        "CategoryProductAssignment",
        "Category",
        ("CategoryID", "ProductID"),
        (_gone("CategoryID", "Category", within=1), _gone("ProductID", "Product")),
        ("categoryID", "productID"),
        ("CategoryID", "ProductID"),
        parent="Catalog",
    ),
    _assignment(
        f"{_BUYER}/usergroups/assignments",
        "UserGroupAssignment",
        "UserGroup",
        ("UserGroupID", "UserID"),
        (_gone("UserGroupID", "UserGroup", within=1), _gone("UserID", "BuyerUser", within=1)),
        ("userGroupID", "userID"),
        ("UserGroupID", "UserID"),
        parent="Buyer",
    ),
    _assignment(
        f"{_SUPPLIER}/usergroups/assignments",
        "UserGroupAssignment",
        "SupplierUserGroup",
        ("UserGroupID", "UserID"),
        (_gone("UserGroupID", "SupplierUserGroup", within=1), _gone("UserID", "SupplierUser", within=1)),
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
            _gone("AddressID", "BuyerAddress", within=1),
            _gone("UserID", "BuyerUser", within=1),
            _gone("UserGroupID", "UserGroup", within=1),
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
        (_gone("InventoryRecordID", "InventoryRecord", within=1), *_STOCK_ASSIGNED),
        ("inventoryRecordID", "buyerID", "userID", "userGroupID", "level"),
        ("InventoryRecordID",),
        parent="Product",
    ),
    _assignment(
        f"{_VARIANT}/inventoryrecords/assignments",
        "InventoryRecordAssignment",
        "Product",
        ("InventoryRecordID", "BuyerID", "UserGroupID"),
        (_gone("InventoryRecordID", goods.VARIANT_STOCK, within=2), *_STOCK_ASSIGNED),
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
        (_gone("SupplierID", "Supplier"), Reference("DefaultPriceScheduleID", "PriceSchedule")),
        (),
        (),
        parent="Product",
    ),
    _assignment(
        f"{_SUPPLIER}/buyers",
        "SupplierBuyer",
        "Supplier",
        ("BuyerID",),
        (_gone("BuyerID", "Buyer"),),
        (),
        (),
        parent="Supplier",
    ),
)

RESOURCES: Mapping[str, Resource] = {resource.name: resource for resource in _ALL}
