"""Tables of what processes share of an API: its rate, and that it is away."""

from __future__ import annotations

from sqlalchemy import Column

from reconciler.ledger.columns import JsonData, Moment, Past, Words
from reconciler.ledger.table import key, table

# What each rate's users were given of late; see quota.py. Nothing of it counts for longer than moments, so that on
# PostgreSQL it is kept without a log.
rate_limits = table("rate_limits", key("key"), Column("quota", JsonData))

# APIs that are away: since when, why, by whom it was found, and until when nobody looks whether they are back.
outages = table(
    "api_outages",
    key("key"),
    Column("since", Past),
    Column("until", Moment),
    Column("reason", Words),
    Column("holder", Words),
)
