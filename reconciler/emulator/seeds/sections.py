"""Sections of the vendor's seed format: those that are emulated, and those that are passed over."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Section(Struct, frozen=True):
    """Section of a seed file.

    Args:
        resource: name of the emulator's resource.
        parents: the members that name the parents, outermost first.
    """

    resource: str
    parents: tuple[str, ...] = ()


# In the order in which they are loaded: what others point to comes first.
EMULATED: Mapping[str, Section] = {
    "AdminUsers": Section("AdminUser"),
    "AdminAddresses": Section("AdminAddress"),
    "Suppliers": Section("Supplier"),
    "SupplierUsers": Section("SupplierUser", ("SupplierID",)),
    "SupplierUserGroups": Section("SupplierUserGroup", ("SupplierID",)),
    "SupplierAddresses": Section("SupplierAddress", ("SupplierID",)),
    "Catalogs": Section("Catalog"),
    "Buyers": Section("Buyer"),
    "Categories": Section("Category", ("CatalogID",)),
    "Users": Section("BuyerUser", ("BuyerID",)),
    "ApiClients": Section("ApiClient"),
    "UserGroups": Section("UserGroup", ("BuyerID",)),
    "Addresses": Section("BuyerAddress", ("BuyerID",)),
    "ProductFacets": Section("ProductFacet"),
    "PriceSchedules": Section("PriceSchedule"),
    "Specs": Section("Spec"),
    "SpecOptions": Section("SpecOption", ("SpecID",)),
    "SpecProductAssignments": Section("SpecProductAssignment"),
    "Products": Section("Product"),
    "Variants": Section("Variant", ("ProductID",)),
    "InventoryRecords": Section("InventoryRecord", ("ProductID",)),
    "VariantInventoryRecords": Section("VariantInventoryRecord", ("ProductID", "VariantID")),
    "UserGroupAssignments": Section("UserGroupAssignment", ("BuyerID",)),
    "AddressAssignments": Section("AddressAssignment", ("BuyerID",)),
    "SupplierUserGroupsAssignments": Section("SupplierUserGroupAssignment", ("SupplierID",)),
    "SupplierBuyerAssignments": Section("SupplierBuyer", ("SupplierID",)),
    "ProductSupplierAssignments": Section("ProductSupplier", ("ProductID",)),
    "ProductAssignments": Section("ProductAssignment"),
    "CatalogAssignments": Section("CatalogAssignment"),
    "ProductCatalogAssignment": Section("ProductCatalogAssignment"),
    "CategoryAssignments": Section("CategoryAssignment", ("CatalogID",)),
    "CategoryProductAssignments": Section("CategoryProductAssignment", ("CatalogID",)),
    # The vendor's tool has no orders; a seed of ours may.
    "Orders": Section("Order"),
    "LineItems": Section("LineItem", ("OrderID",)),
    "Shipments": Section("Shipment"),
    "ShipmentItems": Section("ShipmentItem", ("ShipmentID",)),
    "OrderReturns": Section("OrderReturn"),
}
# Objects that stand inside others in older files: the section of the outer ones, the member, and the inner section.
NESTED: Mapping[str, tuple[str, str]] = {"Specs": ("Options", "SpecOptions"), "Products": ("Variants", "Variants")}
# The same section under another name.
ALIASES: Mapping[str, str] = {"ProductCatalogAssignments": "ProductCatalogAssignment"}
PASSED_OVER = frozenset(
    {
        *(
            "SecurityProfiles",
            "ImpersonationConfigs",
            "OpenIdConnects",
            "AdminUserGroups",
            "MessageSenders",
        ),
        *("Incrementors", "IntegrationEvents", "Locales", "Webhooks", "XpIndices", "CostCenters", "CreditCards"),
        *("SpendingAccounts", "ApprovalRules", "SellerApprovalRules", "Promotions", "SecurityProfileAssignments"),
        *("AdminUserGroupAssignments", "ApiClientAssignments", "LocaleAssignments", "CostCenterAssignments"),
        *("CreditCardAssignments", "SpendingAccountAssignments", "PromotionAssignments", "PromotionAssignment"),
    }
)
