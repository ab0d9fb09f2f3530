"""Customers for tests: what a site has of one, and users as OrderCloud gives them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KEY = "acme.anna"
PREFIX = f"{KEY}."
_TEXTS = st.sampled_from(["a", "b", "c"])


def user(**members: Any) -> dict[str, Any]:
    """Return a user with its buyer, as the source puts it together."""
    return {
        "ID": "anna",
        "CompanyID": "acme",
        "Username": "Anna",
        "FirstName": "Anna",
        "LastName": "Berg",
        "Email": "anna@acme.example",
        "Active": True,
        "Buyer": {"ID": "acme", "Name": "Acme Ltd", "Active": True},
        "UserGroups": [],
        "Addresses": [],
        **members,
    }


def address(own: str, *, user_id: str | None = "anna", billing: bool = True, **members: Any) -> dict[str, Any]:
    """Return an address that is assigned to a user."""
    assignment = {"AddressID": own, "UserID": user_id, "UserGroupID": None, "IsBilling": billing, "IsShipping": True}
    return {
        "ID": own,
        "Street1": "1 High Street",
        "City": "Leeds",
        "Country": "GB",
        "Assignments": [assignment],
        **members,
    }


def _addresses(identifiers: st.SearchStrategy[str | None]) -> st.SearchStrategy[list[dict[str, Any]]]:
    of_site = st.fixed_dictionaries(
        {"external_id": identifiers, "address_line1": _TEXTS, "city": _TEXTS, "country_code": st.just("GB")}
    )
    numbered = st.lists(of_site, max_size=5, unique_by=lambda each: each["external_id"])
    return numbered.map(lambda listed: [{**each, "id": f"ca_{place}"} for place, each in enumerate(listed)])


OURS = st.sampled_from([f"{PREFIX}{own}" for own in "xyz"])
FOREIGN = st.sampled_from([None, "erp-1", "erp-2", "other.user.x"])
_PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "title": _TEXTS,
    "role": st.sampled_from(["main", "sales-agent"]),
    "group": st.sampled_from(["base", "gold"]),
    "accounting_id": _TEXTS,
    "sales_agent_groups": st.lists(_TEXTS, max_size=2, unique=True),
    "price_lists": st.lists(st.sampled_from(["oc-one", "theirs", "more"]), max_size=3, unique=True),
    "discount_percentage": st.sampled_from([0, 10, 22.5]),
    "tax_exempt": st.booleans(),
    "currency_code": st.sampled_from(["GBP", "EUR"]),
    "parent_customer_id": st.sampled_from(["cu_7"]),
    "payment_on_account": st.fixed_dictionaries(
        {}, optional={"credit_limit": st.integers(0, 9), "balance": st.integers(-9, 9), "net_terms": _TEXTS}
    ),
    "default_billing_address_id": st.sampled_from([f"{PREFIX}x", "erp-1", "ca_1"]),
    "default_shipping_address_id": st.sampled_from([f"{PREFIX}y", "erp-2"]),
}
AT_SITE = st.fixed_dictionaries(
    {"external_id": st.just(KEY), "email": st.just("anna@acme.example"), "addresses": _addresses(OURS | FOREIGN)},
    optional=_PLAIN,
)
NAMED = st.fixed_dictionaries(
    {
        "external_id": st.just(KEY),
        "email": st.just("anna@acme.example"),
        "addresses": _addresses(OURS).map(
            lambda listed: [{name: each[name] for name in each if name != "id"} for each in listed]
        ),
    },
    optional={"group": st.sampled_from([None, "gold"]), "company_name": _TEXTS},
)
