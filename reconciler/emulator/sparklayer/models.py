"""Models of SparkLayer's requests. Members that are not in the fact sheet are ignored: nothing says otherwise."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

INT32 = 2**31 - 1


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


def _uuid(text: str) -> str:
    return str(UUID(text))


Text = Annotated[str, StringConstraints(min_length=1)]
Moment = Annotated[str, AfterValidator(_moment)]
Day = Annotated[str, AfterValidator(_day)]
Uuid = Annotated[str, AfterValidator(_uuid)]
Int32 = Annotated[int, Field(ge=-INT32 - 1, le=INT32)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Body(BaseModel):
    """Base of all bodies: types are exact, null stands for absent."""

    model_config = ConfigDict(strict=True, extra="ignore")

    def sent(self) -> dict[str, Any]:
        """Return the members that were sent; null is kept: it clears a member."""
        return self.model_dump(exclude_unset=True)


class Setting(Body):
    key: Text
    value: Any


class Group(Body):
    slug: Text
    name: Text
    parent_slug: str | None = None


class StoreCurrency(Body):
    currency_code: Currency


class VariantStock(Body):
    stock_location_id: Uuid
    stock_level: Int32
    restock_date: Day | None = None
    min_stock_level: Int32 | None = None


class Rrp(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")

    currency_code: Currency


class VariantSettings(Body):
    customer_group: Text
    pack_size: Int32 | None = None
    reserve_stock_quantity: Int32 | None = None
    min_order_quantity: Int32 | None = None
    max_order_quantity: Int32 | None = None
    min_order_parent_quantity: Int32 | None = None
    max_order_parent_quantity: Int32 | None = None
    display: bool | None = None
    sell: bool | None = None


class Variant(Body):
    id: str | None = None
    external_id: Text | None = None
    sku: Text | None = None
    weight_in_grams: Number | None = None
    tax_type: Number | None = None
    position: Number | None = None
    cart_image_url: str | None = None
    rrp: list[Rrp] | None = None
    options: list[dict[str, Any]] | None = None
    status: Literal["pending", "discontinued", "suspended", "live"] | None = None
    settings: list[VariantSettings] | None = None
    stock: list[VariantStock] | None = None


class ProductPatch(Body):
    external_id: Text | None = None
    title: Text | None = None
    slug: Text | None = None
    variants: list[Variant] | None = None


class Product(ProductPatch):
    title: Text
    slug: Text


class Customer(Body):
    title: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    company_name: str | None = None
    external_id: Text | None = None
    accounting_id: str | None = None
    status: str | None = None
    group: str | None = None
    role: Literal["main", "limited-customer", "sales-agent", "sales-admin"] | None = None
    default_billing_address_id: str | None = None
    default_shipping_address_id: str | None = None
    available_shipping_addresses: list[str] | None = None
    currency_code: Currency | None = None
    sales_agent_groups: list[str] | None = None
    price_lists: list[str] | None = None


class PlainAddress(Body):
    title: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address_line1: Text
    address_line2: str | None = None
    city: Text
    region_code: str | None = None
    postal_code: str | None = None
    country_code: Text
    phone: str | None = None


class Address(PlainAddress):
    id: str | None = None
    mobile: str | None = None
    external_id: Text | None = None
    nickname: str | None = None


class PaymentOnAccount(BaseModel):
    """inferred: the types, and that members which were not readable are kept as sent."""

    model_config = ConfigDict(strict=True, extra="allow")

    credit_limit: Number | None = None
    balance: Number | None = None
    currency_code: str | None = None
    balance_date: str | None = None


class CustomerV2(Customer):
    id: Uuid | None = None
    legacy_id: str | None = None
    tax_exempt: bool | None = None
    # documented: percent points. inferred: their range.
    discount_percentage: Annotated[float, Field(ge=0, le=100)] | None = None
    parent_customer_id: str | None = None
    addresses: list[Address] | None = None
    payment_on_account: PaymentOnAccount | None = None


class Skus(Body):
    skus: list[str]


class StockRow(Body):
    sku: Text
    stock_level: Int32
    stock_location_id: Uuid | None = None
    stock_location_external_id: str | None = None
    restock_date: Day | None = None
    min_stock_level: Int32 | None = None


class LocationPatch(Body):
    name: Text | None = None
    external_id: Text | None = None


class Location(Body):
    name: Text
    external_id: Text


class Rule(Body):
    source_price_list_slug: Text
    adjustment_percentage: Annotated[float, Field(ge=0, le=1)] | None = None
    adjustment_direction: Literal["plus", "minus"] | None = None
    currency_exchange_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class PriceListPatch(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    currency_code: Currency | None = None
    rules: list[Rule] | None = None
    tax_inclusive_display: bool | None = None


class PriceList(PriceListPatch):
    slug: Annotated[str, StringConstraints(min_length=1, max_length=30)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    currency_code: Currency
    source: Literal["custom", "platform", "integration"] | None = None


class Tier(Body):
    quantity: Annotated[int, Field(ge=1, le=INT32)] = 1
    price: Number | None = None
    unit_of_measure: str | None = None
    tax_type: str | None = None


class SkuPricing(Body):
    sku: Text
    pricing: list[Tier]
    display_tax_rate: Number | None = None


class ListPricing(Body):
    price_list_slug: Text
    pricing: list[Tier]


class SkuListPricing(ListPricing):
    sku: Text


class Line(Body):
    sku: str
    quantity: Annotated[int, Field(ge=1, le=INT32)] = 1


class FetchPricing(Body):
    customer_id: str | None = None
    customer_lookup_by: Literal["sparklayer", "platform", "email"] | None = None
    line_items: list[Line] | None = None


class Cart(Body):
    customer_id: str
    customer_lookup_by: Literal["sparklayer", "platform", "email"]


class SyncLogError(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")

    external_id: Text
    external_url: str | None = None
    # inferred: names and types of these two.
    visible_id: str | None = None
    message: str | None = None


class FullSyncLog(Body):
    started_full_sync: Moment | None = None
    last_full_sync: Moment | None = None
    last_full_sync_succeeded: bool | None = None
    errors: Annotated[list[SyncLogError], Field(max_length=5000)] | None = None
