"""The tables of a run's hands: who may write for it, and who lists which part of its walk."""

from __future__ import annotations

from sqlalchemy import Boolean, Column

from reconciler.ledger.columns import JsonData, Moment, Number, Words
from reconciler.ledger.table import key, optional, table

# Who may write for a run. The keeper is the hand that holds the scope's lock as well. `expires_at`: how long it is one
# without a sign of life; the keeper's lock says that of the keeper.
hands = table(
    "data_hands",
    key("scope", Number),
    key("token"),
    Column("run", Words),
    Column("holder", Words),
    Column("keeper", Boolean),
    optional("expires_at", Moment),
)

# Ranges of a walk. `bounds`: in the source's words. `hand`: who lists it. `listed`: how many records were in it.
ranges = table(
    "data_ranges",
    key("scope", Number),
    key("run"),
    key("part", Number),
    Column("bounds", JsonData),
    optional("hand", Words),
    Column("listed", Number),
    Column("ended", Boolean),
)
