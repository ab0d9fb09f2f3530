"""Limits of what the target takes of customers. One table; docs/sync.md says what of it is documented."""

from __future__ import annotations

from collections.abc import Mapping

# inferred: all lengths; SparkLayer publishes none for customers.
LENGTHS: Mapping[str, int] = {
    "email": 255,
    "first_name": 255,
    "last_name": 255,
    "title": 255,
    "company_name": 255,
    "accounting_id": 255,
    "address_line1": 255,
    "address_line2": 255,
    "city": 255,
    "region_code": 255,
    "postal_code": 255,
    "country_code": 255,
    "company": 255,
    "phone": 255,
    "nickname": 255,
}
# documented in SparkLayer's older pages: recommended, and the most there may be.
ADDRESSES, MOST_ADDRESSES = 250, 500
MOST_CHILDREN = 250
CUSTOMERS, MOST_CUSTOMERS = 100_000, 250_000
MOST_PERCENT = 100


def too_long(member: str, text: str) -> str | None:
    """Return what is wrong with a text that is too long, in the merchant's words."""
    limit = LENGTHS.get(member)
    if limit is None or len(text) <= limit:
        return None
    return f"The {member.replace('_', ' ')} is longer than {limit:,} characters. Shorten it."


def many_customers(number: int) -> str:
    """Return what is told of more customers than SparkLayer recommends, or takes."""
    if number > MOST_CUSTOMERS:
        return f"{number:,} users, and SparkLayer takes {MOST_CUSTOMERS:,} customers: it may refuse the others"
    return f"{number:,} users, and SparkLayer recommends {CUSTOMERS:,} customers at most"


def too_many_customers(number: int) -> str:
    """Return what a merchant reads where more users flow than SparkLayer takes customers."""
    words = f"{number:,} users flow as customers, and SparkLayer takes {MOST_CUSTOMERS:,}: it may refuse the others."
    return f"{words} Let fewer flow."
