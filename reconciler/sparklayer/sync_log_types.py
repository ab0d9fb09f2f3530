"""The data types that sync logs are kept for. Apart from the logs, so that a command's help needs no client."""

from __future__ import annotations

# documented: products and customers. inferred: the others, from the Ignite trigger.
DOCUMENTED = ("products", "customers")
DATA_TYPES = ("products", "customers", "purchases", "merchant", "customer_groups")
