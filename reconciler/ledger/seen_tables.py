"""The table of what a run under way has seen and left as it is."""

from __future__ import annotations

from sqlalchemy import Column

from reconciler.ledger.columns import Digest, Number
from reconciler.ledger.table import key, table

# A byte for each record of a block, in the order of their numbers: whether the run has seen it.
seen_blocks = table("data_seen", key("scope", Number), key("run"), key("block", Number), Column("marks", Digest))
