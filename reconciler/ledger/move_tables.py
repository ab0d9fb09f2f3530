"""Tables of what webhooks told of live configuration, see `tables`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column

from reconciler.ledger.columns import Past
from reconciler.ledger.table import key, optional, table

# Who wrote to live configuration: path, verb, the name that the token claims, and when. Never a body, never a token.
config_moves = table(
    "config_moves",
    key("api_url"),
    key("path"),
    key("verb"),
    key("by"),
    Column("moved_at", Past, primary_key=True),
    Column("ours", Boolean),
)

# When live was last overwritten from elsewhere, as the portal's webhook told, and up to when drift was checked since.
config_restores = table("config_restores", key("api_url"), Column("restored_at", Past), optional("checked_at", Past))
