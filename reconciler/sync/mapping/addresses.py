"""Addresses of OrderCloud in SparkLayer's words: what customers and purchases have alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.kind.connection import Wire
from reconciler.sync.mapping.values import text_or_none

SOURCES: Mapping[str, str] = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "company": "CompanyName",
    "address_line1": "Street1",
    "address_line2": "Street2",
    "city": "City",
    "region_code": "State",
    "postal_code": "Zip",
    "country_code": "Country",
    "phone": "Phone",
}
"""OrderCloud's members by the target's."""
# documented, of customers and of purchases: what an address cannot be without.
_NEEDED = ("address_line1", "city", "country_code")


def address_body(address: Mapping[str, Any]) -> Wire:
    """Return an address of OrderCloud as the target has it; what it has no text for is left out."""
    values = {member: text_or_none(address.get(source)) for member, source in SOURCES.items()}
    return {member: value for member, value in values.items() if value is not None}


def missing(body: Wire) -> list[str]:
    """Return the members that an address cannot be without and does not have."""
    return [member for member in _NEEDED if member not in body]
