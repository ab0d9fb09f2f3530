"""External IDs of customers and their addresses at the target: the one place that says how they are made. Pure.

documented: user and address IDs are unique within their buyer only, and a `.` cannot stand in an ID of OrderCloud.
"""

from __future__ import annotations

from typing import NamedTuple

SEPARATOR = "."
_PARTS_OF_ADDRESS = 3


class CustomerKey(NamedTuple):
    """The user of a buyer whom a customer at the target stands for.

    Args:
        buyer: ID of the buyer.
        user: ID of the user, unique within the buyer.
    """

    buyer: str
    user: str

    @property
    def external_id(self) -> str:
        """`{buyerID}.{userID}`."""
        return f"{self.buyer}{SEPARATOR}{self.user}"


def is_usable(identifier: str) -> bool:
    """Tell whether an ID of OrderCloud can be a part of an external ID: one with a `.` would make it ambiguous."""
    return bool(identifier) and SEPARATOR not in identifier


def address_prefix(customer: str) -> str:
    """Return how the external IDs of all addresses of a customer begin.

    Args:
        customer: its external ID.
    """
    return f"{customer}{SEPARATOR}"


def address_external_id(customer: str, address_id: str) -> str:
    """Return the external ID of a customer's address: `{buyerID}.{userID}.{addressID}`.

    Args:
        customer: external ID of the customer.
        address_id: ID of the address, unique within the buyer.
    """
    return f"{address_prefix(customer)}{address_id}"


def customer_key(external_id: str) -> CustomerKey | None:
    """Return the user whom a customer's external ID names; None where it is none of ours."""
    parts = external_id.split(SEPARATOR)
    return CustomerKey(*parts) if len(parts) == len(CustomerKey._fields) and all(parts) else None


def address_of(external_id: str) -> tuple[CustomerKey, str] | None:
    """Return the user and the address ID that an address's external ID names; None where it is none of ours."""
    parts = external_id.split(SEPARATOR)
    if len(parts) != _PARTS_OF_ADDRESS or not all(parts):
        return None
    return CustomerKey(parts[0], parts[1]), parts[2]
