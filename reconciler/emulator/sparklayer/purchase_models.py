"""Models of purchases. Members that the fact sheet leaves open are kept as they are sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from reconciler.emulator.sparklayer.models import Body, Moment, Number, PlainAddress, Text, Uuid

PurchaseType = Literal["cart", "quote", "awaiting_approval", "order_unconfirmed", "order"]


class Open(BaseModel):
    """Base of what may hold further members."""

    model_config = ConfigDict(strict=True, extra="allow")


class Money(Body):
    number: Annotated[str, StringConstraints(pattern=r"^-?\d+(\.\d+)?$")]
    currency: Text


class TaxLine(Body):
    title: str | None = None
    amount: Money | None = None
    rate: Number | None = None


class LineTotal(Body):
    total_net: Money | None = None
    total_tax: Money | None = None
    total_gross: Money | None = None
    discount_net: Money | None = None


class Visible(Open):
    visible: str | None = None


class Typed(Open):
    type: str | None = None


class AccountingFile(Body):
    identifiers: Visible | None = None
    data: Typed | None = None
    file_type: str | None = None


class Attribute(Body):
    key: str | None = None
    value: str | None = None


class LineItem(Body):
    identifiers: dict[str, Any] | None = None
    name_parent: str | None = None
    quantity: Number | None = None
    custom_attributes: list[Attribute] | None = None
    line_total: LineTotal | None = None
    tax_lines: list[TaxLine] | None = None


class PackageIdentifiers(Body):
    sparklayer_package_id: Uuid | None = None


class ShippingMethod(Body):
    name: str | None = None
    line_total: LineTotal | None = None


class Shipment(Open):
    carrier: str | None = None
    carrier_id: str | None = None


class Package(Open):
    type: str | None = None
    identifiers: PackageIdentifiers | None = None
    accounting_files: list[AccountingFile] | None = None
    line_items: list[LineItem] | None = None
    shipping_method: ShippingMethod | None = None
    shipping_address: PlainAddress | None = None
    shipments: list[Shipment] | None = None


class PurchaseIdentifiers(Body):
    sparklayer: Uuid | None = None
    platform: Text | None = None
    internal: Text | None = None
    visible: Text | None = None


class CustomerIdentifiers(Body):
    sparklayer: Uuid | None = None
    sparklayer_impersonator: str | None = None
    sparklayer_sales_rep: str | None = None


class Dates(Open):
    placed: Moment | None = None
    last_updated: Moment | None = None


class Named(Open):
    name: str | None = None


class MetaData(Body):
    name: str | None = None
    value: str | None = None


class Purchase(Body):
    type: PurchaseType
    purchase_identifiers: PurchaseIdentifiers
    customer_identifiers: CustomerIdentifiers
    dates: Dates
    packages: list[Package] | Package
    accounting_files: list[AccountingFile]
    custom_fields: list[Named]
    payment_method: Literal["invoice", "on_account", "platform_upfront"] | None = None
    customer_reference: str | None = None
    currency_code: str | None = None
    revision_date: str | None = None
    total_paid: Money | None = None
    tax_lines: list[TaxLine] | None = None
    billing_address: PlainAddress | None = None
    metadata: list[MetaData] | None = None


class Transaction(Body):
    platform_id: Text
    total: Money | None = None
    apply_to_balance: bool | None = None
    full_transaction: Any = None
