"""Tables of the processes that serve, and of the settings that they obey."""

from __future__ import annotations

from sqlalchemy import Column

from reconciler.ledger.columns import Moment, Number, Past, Words
from reconciler.ledger.table import key, optional, table

# Processes that run data syncs by themselves, and the manifests that each of them has.
services = table(
    "services",
    key("token"),
    key("environment"),
    Column("holder", Words),
    Column("machine", Words),
    Column("pid", Number),
    Column("process_started", Words),
    optional("commit_id", Words),
    optional("waits_for", Words),
    Column("started_at", Past),
    Column("seen_at", Past),
    Column("kind", Words),
    Column("version", Words),
    Column("schema_version", Number),
)

# Digest of the settings that were applied last, and what the manifests stood at.
applied_settings = table(
    "data_applied_settings",
    key("scope", Number),
    Column("digest", Words),
    optional("commit_id", Words),
    Column("applied_at", Past),
)

# When the next run of each scope is due, and what became of the last attempts; see `data/turns.py`.
turns = table(
    "data_turns",
    key("scope", Number),
    Column("run", Words),
    optional("due_at", Moment),
    Column("failures", Number),
)
