"""Tables of counts, which triggers keep (see schema/); nobody else writes to them, and copies make them anew."""

from __future__ import annotations

from sqlalchemy import Column

from reconciler.ledger.columns import Number
from reconciler.ledger.table import key, table

# How many records a scope has, how many of them are gone, and how many are held back by a problem.
record_counts = table(
    "data_record_counts",
    key("scope", Number),
    Column("records", Number),
    Column("gone", Number),
    Column("held_back", Number),
)
