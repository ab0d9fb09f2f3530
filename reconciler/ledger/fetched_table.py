"""Table of what was fetched of places that keep what they gave."""

from __future__ import annotations

from sqlalchemy import Boolean, Column

from reconciler.ledger.columns import Number, Past, Words
from reconciler.ledger.table import key, table

# What was fetched of places that keep what they gave: how far of each item.
fetched_items = table(
    "fetched_items",
    key("environment"),
    key("place"),
    key("item"),
    Column("version", Words),
    Column("position", Number),
    Column("set_aside", Boolean),
    Column("seen_at", Past),
)
