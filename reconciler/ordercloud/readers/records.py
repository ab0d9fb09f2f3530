"""Records of the readers, under the API's own member names. Any member may be missing or null, as in real life."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Generic, TypedDict, TypeVar

from msgspec import Struct

RecordT = TypeVar("RecordT")
Xp = dict[str, Any] | None


class Inventory(TypedDict, total=False):
    """Stock of a product; with inventory records `QuantityAvailable` is their sum."""

    Enabled: bool
    NotificationPoint: int | None
    VariantLevelTracking: bool
    OrderCanExceed: bool
    QuantityAvailable: int | None
    LastUpdated: str | None


class VariantInventory(TypedDict, total=False):
    """Stock of a variant; with inventory records `QuantityAvailable` is their sum."""

    QuantityAvailable: int | None
    NotificationPoint: int | None
    LastUpdated: str | None


class VariantSpec(TypedDict, total=False):
    """The option that makes a variant."""

    SpecID: str
    Name: str | None
    OptionID: str | None
    Value: str | None
    PriceMarkupType: str | None
    PriceMarkup: float | None


class InventoryRecord(TypedDict, total=False):
    """Stock at one place."""

    ID: str
    OwnerID: str | None
    AllowAllBuyers: bool
    AddressID: str
    OrderCanExceed: bool
    QuantityAvailable: int
    NotificationPoint: int | None
    LastUpdated: str
    xp: Xp


class Variant(TypedDict, total=False):
    """A variant, and beside the API's members its inventory records."""

    ID: str
    Name: str | None
    Description: str | None
    Active: bool
    ShipWeight: float | None
    ShipHeight: float | None
    ShipWidth: float | None
    ShipLength: float | None
    Inventory: VariantInventory | None
    Specs: list[VariantSpec] | None
    xp: Xp
    InventoryRecords: list[InventoryRecord]


class PriceBreak(TypedDict, total=False):
    """A price from a quantity on."""

    Quantity: int
    Price: float
    SalePrice: float | None
    SubscriptionPrice: float | None
    BundlePrice: float | None


class PriceSchedule(TypedDict, total=False):
    """Prices of a product."""

    ID: str
    OwnerID: str | None
    Name: str
    ApplyTax: bool
    ApplyShipping: bool
    MinQuantity: int | None
    MaxQuantity: int | None
    UseCumulativeQuantity: bool
    RestrictedQuantity: bool
    PriceBreaks: list[PriceBreak] | None
    Currency: str | None
    SaleStart: str | None
    SaleEnd: str | None
    IsOnSale: bool
    xp: Xp


class PartyPriceSchedule(TypedDict, total=False):
    """A product assignment that brings a price of its own, and that price; null where the schedule is not there."""

    SellerID: str | None
    ProductID: str
    BuyerID: str
    UserGroupID: str | None
    PriceScheduleID: str
    PriceSchedule: PriceSchedule | None


class Product(TypedDict, total=False):
    """A product, and beside the API's members what belongs to it; only the parts that were asked for are there.

    `InventoryRecords` are those of the product itself; with `VariantLevelTracking` each variant has its own.
    `DefaultPriceSchedule` is null where the product names none, or one that is not there.
    """

    ID: str
    OwnerID: str | None
    DefaultPriceScheduleID: str | None
    AutoForward: bool
    ParentID: str | None
    IsParent: bool
    IsBundle: bool
    Name: str
    Description: str | None
    QuantityMultiplier: int | None
    ShipWeight: float | None
    ShipHeight: float | None
    ShipWidth: float | None
    ShipLength: float | None
    Active: bool
    SpecCount: int
    VariantCount: int
    ShipFromAddressID: str | None
    Inventory: Inventory | None
    DefaultSupplierID: str | None
    AllSuppliersCanSell: bool
    Returnable: bool
    DateCreated: str | None
    xp: Xp
    Variants: list[Variant]
    InventoryRecords: list[InventoryRecord]
    DefaultPriceSchedule: PriceSchedule | None
    PartyPriceSchedules: list[PartyPriceSchedule]


class Buyer(TypedDict, total=False):
    """A buyer: a company."""

    ID: str
    Name: str
    DefaultCatalogID: str | None
    Active: bool
    DateCreated: str
    xp: Xp


class User(TypedDict, total=False):
    """A user; `CompanyID` is the buyer's or supplier's ID."""

    ID: str
    CompanyID: str | None
    Username: str
    FirstName: str
    LastName: str
    Email: str
    Phone: str | None
    TermsAccepted: str | None
    Active: bool
    AvailableRoles: list[str] | None
    DateCreated: str | None
    LastActive: str | None
    PasswordLastSetDate: str | None
    Locale: dict[str, Any] | None
    xp: Xp


class UserGroup(TypedDict, total=False):
    """A group of a buyer's users."""

    ID: str
    Name: str
    Description: str | None
    xp: Xp


class UserGroupAssignment(TypedDict, total=False):
    """That a user belongs to a group."""

    UserGroupID: str
    UserID: str


class Address(TypedDict, total=False):
    """An address."""

    ID: str
    DateCreated: str | None
    CompanyName: str | None
    FirstName: str | None
    LastName: str | None
    Street1: str
    Street2: str | None
    City: str
    State: str | None
    Zip: str | None
    Country: str
    Phone: str | None
    AddressName: str | None
    xp: Xp


class AddressAssignment(TypedDict, total=False):
    """Who may use an address, and what for: a user, a group, or where neither is named, the whole buyer."""

    AddressID: str
    UserID: str | None
    UserGroupID: str | None
    IsShipping: bool
    IsBilling: bool


class Catalog(TypedDict, total=False):
    """A catalog."""

    ID: str
    OwnerID: str | None
    Name: str
    Description: str | None
    Active: bool
    CategoryCount: int
    xp: Xp


class Category(TypedDict, total=False):
    """A category of a catalog; `ParentID` makes the tree."""

    ID: str
    Name: str
    Description: str | None
    ListOrder: int | None
    Active: bool
    ParentID: str | None
    ChildCount: int
    xp: Xp


class CategoryProductAssignment(TypedDict, total=False):
    """That a product is in a category."""

    CategoryID: str
    ProductID: str
    ListOrder: int | None


class LineItem(TypedDict, total=False):
    """A line of an order."""

    ID: str
    ProductID: str
    Quantity: int
    DateAdded: str
    QuantityShipped: int
    UnitPrice: float | None
    PromotionDiscount: float
    LineTotal: float
    LineSubtotal: float
    ShippingAddressID: str | None
    ShippingAddress: Address | None
    ShipFromAddressID: str | None
    Product: dict[str, Any] | None
    Variant: dict[str, Any] | None
    SupplierID: str | None
    InventoryRecordID: str | None
    PriceScheduleID: str | None
    Specs: list[dict[str, Any]] | None
    xp: Xp


class ShipmentItem(TypedDict, total=False):
    """How much of a line is in a shipment."""

    OrderID: str
    LineItemID: str
    QuantityShipped: int
    UnitPrice: float | None
    Product: dict[str, Any] | None
    Variant: dict[str, Any] | None
    xp: Xp


class Shipment(TypedDict, total=False):
    """A shipment, and beside the API's members what is in it."""

    ID: str
    BuyerID: str | None
    Shipper: str | None
    DateShipped: str | None
    DateDelivered: str | None
    TrackingNumber: str | None
    Cost: float | None
    FromAddressID: str | None
    ToAddressID: str | None
    ToAddress: Address | None
    xp: Xp
    Items: list[ShipmentItem]


class ReturnItem(TypedDict, total=False):
    """How much of a line comes back."""

    LineItemID: str | None
    Quantity: int
    RefundAmount: float | None
    Comments: str | None


class OrderReturn(TypedDict, total=False):
    """Goods of an order that come back; `Completed` once the buyer has the money."""

    ID: str
    OrderID: str | None
    Status: str | None
    DateSubmitted: str | None
    DateCompleted: str | None
    LastUpdated: str | None
    RefundAmount: float | None
    Comments: str | None
    ItemsToReturn: list[ReturnItem] | None
    xp: Xp


class Order(TypedDict, total=False):
    """An order, and beside the API's members its lines, shipments and, where they were asked for, returns."""

    ID: str
    FromUser: dict[str, Any] | None
    FromCompanyID: str | None
    FromUserID: str | None
    ToCompanyID: str | None
    BillingAddressID: str | None
    BillingAddress: Address | None
    ShippingAddressID: str | None
    Comments: str | None
    LineItemCount: int
    Status: str
    DateCreated: str | None
    DateSubmitted: str | None
    DateCompleted: str | None
    DateCanceled: str | None
    LastUpdated: str
    Subtotal: float
    ShippingCost: float
    TaxCost: float
    Gratuity: float
    Fees: float
    PromotionDiscount: float
    Currency: str | None
    Total: float
    IsSubmitted: bool
    xp: Xp
    LineItems: list[LineItem]
    Shipments: list[Shipment]
    Returns: list[OrderReturn] | None


class Freshness(StrEnum):
    """Freshness of a single read: whether it is the present state."""

    CURRENT = "current"
    """Read from the system itself."""
    CACHED = "cached"
    """Read from the search index: it may lag by seconds to minutes, and nothing says whether it does."""
    STALE = "stale"
    """Read from the search index, and what was read beside it proves that it lags. Read it again later."""


class Reading(Struct, Generic[RecordT], frozen=True):
    """The answer to a read of one record.

    Args:
        record: None where there is none; with STALE: there is one, and it cannot be read yet.
        freshness: how far to trust that.
    """

    record: RecordT | None
    freshness: Freshness
