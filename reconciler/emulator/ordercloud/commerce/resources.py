"""Table of the marketplace's resources; the assignments between them are in ties.py."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulator.ordercloud.commerce import catalogue as goods
from reconciler.emulator.ordercloud.commerce.categories import CatalogRules, CategoryRules
from reconciler.emulator.ordercloud.commerce.models import MODELS
from reconciler.emulator.ordercloud.commerce.orders import LineItemRules, OrderRules
from reconciler.emulator.ordercloud.commerce.parties import (
    AddressRules,
    ApiClientRules,
    BuyerRules,
    CompanyRules,
    UserRules,
)
from reconciler.emulator.ordercloud.commerce.resource import (
    ALL_METHODS,
    Reference,
    Resource,
    Rules,
    followed,
    gone,
    kept,
)
from reconciler.emulator.ordercloud.commerce.returns import ReturnRules
from reconciler.emulator.ordercloud.commerce.shipping import ShipmentItemRules, ShipmentRules
from reconciler.emulator.ordercloud.commerce.ties import ASSIGNMENTS
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
RETURN_SORT = ("DateSubmitted", "DateCompleted", "ID", "OrderID", "Status", "RefundAmount", "LastUpdated")
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
    """Make a resource whose roles are `{roles}Reader` and `{roles}Admin`."""
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


_STOCK_LISTING = _listing("InventoryRecord", ("ID", "AddressID"), ("ID", "AddressID"), "includeAddress")
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
            followed("ShipFromAddressID", "AdminAddress"),
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
        references=(followed("AddressID", "AdminAddress"),),
        rules=goods.InventoryRecordRules(),
    ),
    _resource(
        f"{_VARIANT}/inventoryrecords",
        "InventoryRecord",
        "Product",
        _STOCK_LISTING,
        name=goods.VARIANT_STOCK,
        parent="Variant",
        references=(followed("AddressID", "AdminAddress"),),
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
    # API clients, to be read: those that log in are told to the emulator itself.
    _resource(
        "/v1/apiclients",
        "ApiClient",
        "ApiClient",
        _listing("ApiClient", ("ID", "AppName"), ("ID", "AppName")),
        rules=ApiClientRules(),
        methods=frozenset({"list", "get"}),
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
        references=(gone("ParentID", "Category", within=1),),
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
            kept("BillingAddressID", "BuyerAddress", inside="FromCompanyID"),
            kept("ShippingAddressID", "BuyerAddress", inside="FromCompanyID"),
            followed("FromUserID", "BuyerUser", inside="FromCompanyID"),
            followed("FromCompanyID", "Buyer"),
            followed("ToCompanyID", "Supplier"),
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
        references=(kept("ProductID", "Product"),),
        rules=LineItemRules(),
        also_read=("Shopper",),
        searched=True,
    ),
    _resource(
        "/v1/orderreturns",
        "OrderReturn",
        "Order",
        _listing("OrderReturn", ("ID", "OrderID", "Comments"), RETURN_SORT),
        references=(gone("OrderID", "Order"),),
        rules=ReturnRules(),
    ),
    _resource(
        "/v1/shipments",
        "Shipment",
        "Shipment",
        _listing("Shipment", SHIPMENT_SEARCH, SHIPMENT_SORT, "orderID"),
        references=(kept("BuyerID", "Buyer"), kept("FromAddressID", "AdminAddress")),
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
        references=(kept("OrderID", "Order"), kept("LineItemID", "LineItem", inside="OrderID")),
        rules=ShipmentItemRules(),
        methods=frozenset({"list"}),
    ),
)

RESOURCES: Mapping[str, Resource] = {resource.name: resource for resource in (*_ALL, *ASSIGNMENTS)}
