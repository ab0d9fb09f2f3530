"""Record of a customer, a user with its buyer: its key, its parent, and what expressions see of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.ordercloud.readers.flaws import BadRecord
from reconciler.sync.customers.model import EVERYBODY, FLAW, NUMBER
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.mapping.fields import evaluated
from reconciler.sync.mapping.identity import SEPARATOR, CustomerKey
from reconciler.sync.mapping.values import text, text_or_none
from reconciler.sync.parties.users import about_user


def key_of(record: Mapping[str, Any]) -> str:
    """Return the external ID of the customer that a record becomes."""
    if NUMBER in record:
        return EVERYBODY
    flaw = record.get(FLAW)
    if isinstance(flaw, BadRecord):
        return flaw.key if not flaw.has_id else str(record["ID"])
    buyer, user = (text_or_none(value) or "" for value in (record.get("CompanyID"), record.get("ID")))
    return CustomerKey(buyer, user).external_id


def parent_of(record: Mapping[str, Any], settings: CustomerSettings) -> str | None:
    """Return the external ID of the customer above a user; a user ID stands for one of the same buyer.

    Raises:
        Unfit: the mapping fails on it.
    """
    expression = settings.rules.expressions.get("parentCustomerID")
    if expression is None:
        return None
    found = evaluated(expression, "parentCustomerID", key_of(record), about_user(record), text, "text")
    if found is None or SEPARATOR in found:
        return found
    return CustomerKey(text_or_none(record.get("CompanyID")) or "", found).external_id


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what expressions and people see of a record: without what the source found out beside it."""
    return {name: value for name, value in record.items() if not name.startswith("(")}
