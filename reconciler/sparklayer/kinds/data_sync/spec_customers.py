"""Section `customers` of a DataSync."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.kind.semantics import FieldSemantics, Risk
from reconciler.manifest.texts import Duration
from reconciler.sparklayer.kinds.data_sync.common import SCOPE, Jmespath, RecordUrl, mapped
from reconciler.sparklayer.kinds.spec import SparkLayerSpec

_GROUPS = FieldSemantics(references="CustomerGroup", risk=Risk.RE_SYNCS)
# Nothing is sent because of it: what it destroys, later runs do.
_ON_DELETE = FieldSemantics(risk=Risk.LOSES_DATA, risk_when="delete")
_OVERWRITE = FieldSemantics(risk=Risk.LOSES_DATA, risk_when=True, risk_else=Risk.RE_SYNCS)


class CustomerMappingSpec(SparkLayerSpec):
    """JMESPath expressions that replace defaults; docs/sync.md says what each gives and what it sees."""

    email: Jmespath | None = mapped("email", "E-mail address. Default: Email of the user.")
    first_name: Jmespath | None = mapped("firstName", "First name. Default: FirstName.")
    last_name: Jmespath | None = mapped("lastName", "Last name. Default: LastName.")
    title: Jmespath | None = mapped("title", "Form of address. Default: none.")
    company_name: Jmespath | None = mapped("companyName", "Name of the company. Default: Name of the buyer.")
    status: Jmespath | None = mapped("status", "Status. Default: by Active of user and buyer.")
    role: Jmespath | None = mapped("role", "Slug of a role of the site. Default: none.")
    currency_code: Jmespath | None = mapped("currencyCode", "Currency. Default: of the user's Locale.")
    group: Jmespath | None = mapped("group", "Slug of a customer group. Default: by `groups`.")
    accounting_id: Jmespath | None = mapped("accountingID", "ID in the accounting system. Default: none.")
    sales_agent_groups: Jmespath | None = mapped("salesAgentGroups", "List of sales agent groups. Default: none.")
    price_lists: Jmespath | None = mapped(
        "priceLists", "List of price list slugs. Default: the one of its own, where there are such."
    )
    discount_percentage: Jmespath | None = mapped("discountPercentage", "Discount in percent points. Default: none.")
    payment_on_account: Jmespath | None = mapped("paymentOnAccount", "Credit limit, currency and terms. Default: none.")
    parent_customer_id: Jmespath | None = mapped(
        "parentCustomerID", "buyerID.userID, or a user ID of the same buyer. Default: none."
    )
    default_billing_address: Jmespath | None = mapped(
        "defaultBillingAddress", "ID of an address. Default: the one for bills that is assigned most closely."
    )
    default_shipping_address: Jmespath | None = mapped(
        "defaultShippingAddress", "ID of an address. Default: the one for parcels that is assigned most closely."
    )
    tax_exempt: Jmespath | None = mapped("taxExempt", "Whether no tax is charged. Default: none.")


class CustomersSpec(SparkLayerSpec):
    """Which buyer users flow as customers, and how they are mapped."""

    buyers: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1), SCOPE] | None = Field(
        default=None, description="Patterns of buyer IDs whose users flow, e.g. b2b-*. Left out: all buyers."
    )
    where: Jmespath | None = Field(
        default=None, description="JMESPath over the user: only those flow for whom it is true. Left out: all."
    )
    groups: Annotated[dict[str, str], _GROUPS] = Field(
        default={}, description="OrderCloud user group ID, or buyerID.groupID, to metadata.name of a CustomerGroup."
    )
    group_price_lists: dict[str, list[str]] = Field(
        default={},
        description="Slug of a CustomerGroup to the slugs of its price lists at the site, which the API does not show.",
    )
    mapping: CustomerMappingSpec | None = Field(
        default=None, description="JMESPath over the source record, per value. Left out: the defaults."
    )
    on_delete: Annotated[Literal["deactivate", "delete"], _ON_DELETE] = Field(
        default="deactivate",
        description="What becomes of the customer of a user that is gone. A delete destroys addresses and account "
        "credit for good.",
    )
    overwrite_unread: Annotated[bool, _OVERWRITE] = Field(
        default=False,
        description="Whether a customer that the site does not show may be replaced by what is mapped: whatever else "
        "it holds is lost.",
    )
    walk_interval: Duration | None = Field(
        default=None, description="How often all users are read. Left out: walkInterval of the DataSync."
    )
    record_url: RecordUrl | None = Field(
        default=None,
        description="Where people find a user, {ID} for its ID: what the sync log links to. Left out: its API URL.",
    )
