"""Which metafields of a customer an integration fills, as Ignite asks for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.kind.connection import Wire
from reconciler.sync.customers.settings import CustomerSettings

# documented: that an answer is a list of keys with a state, and these keys; inferred: the state's name and values.
_STATE = "enabled"
_MAPPED: Mapping[str, str | None] = {
    "customer.accounting_id": "accountingID",
    "customer.available_shipping_addresses_ids": "availableShippingAddresses",
    "customer.billing_address_id": None,
    "customer.shipping_address_id": None,
    "customer.company_name": None,
}
"""Key to the expression of customers.mapping that fills it; None: it is always filled."""


def metafields(settings: CustomerSettings | None) -> Sequence[Wire]:
    """Return the metafields that are known, and whether each is filled; none where customers do not flow."""
    if settings is None:
        return []
    rules = settings.rules.expressions
    return [{"key": key, _STATE: own is None or own in rules} for key, own in _MAPPED.items()]
