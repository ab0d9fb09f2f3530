"""The table of what sources noted of records, to know them again while their stamps stay."""

from __future__ import annotations

from sqlalchemy import Column

from reconciler.ledger.columns import JsonData, Number
from reconciler.ledger.table import key, table

# `memo`: what the source needs, in words of its own. It says nothing of what the target holds.
memos = table("data_memos", key("scope", Number), key("key"), Column("memo", JsonData))
