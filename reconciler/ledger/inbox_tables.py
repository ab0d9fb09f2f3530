"""Tables of inboxes, see `tables`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column

from reconciler.ledger.columns import Digest, JsonData, Number, Past, Words
from reconciler.ledger.table import key, optional, table

# Inboxes of data syncs. `inbox_messages`: those from which records are still to be raised, and up to which one that is
# done. `inbox_told`: what the last message said of a record, and the revision that it raised.
inboxes = table(
    "inboxes", key("id", Number), Column("environment", Words), Column("target", Words), Column("integration", Words)
)
inbox_types = table(
    "inbox_types",
    key("inbox", Number),
    key("type"),
    key("outcome"),
    Column("taken", Number),
    Column("last_at", Past),
)
inbox_minutes = table(
    "inbox_minutes", key("inbox", Number), Column("minute", Past, primary_key=True), Column("taken", Number)
)
inbox_messages = table(
    "inbox_messages",
    key("number", Number),
    Column("inbox", Number),
    Column("type", Words),
    Column("names", JsonData),
    optional("position", Words),
    Column("taken_at", Past),
)
inbox_unknown = table(
    "inbox_unknown",
    key("number", Number),
    Column("inbox", Number),
    Column("type", Words),
    Column("members", JsonData),
    Column("taken_at", Past),
)
inbox_told = table(
    "inbox_told",
    key("scope", Number),
    key("key"),
    Column("gone", Boolean),
    Column("members", JsonData),
    Column("revision", Number),
    Column("told_at", Past),
)

# Digests of what the last message said of something that much depends on: what did not change raises nothing.
inbox_marks = table("inbox_marks", key("inbox", Number), key("name"), Column("digest", Digest))

# What speaks against trusting messages, by part: a change of a record that none told, with its wanted revision then;
# or, with an empty key, a cause that is about all records.
hearing_gaps = table(
    "hearing_gaps",
    key("scope", Number),
    key("part"),
    key("key"),
    Column("why", Words),
    optional("revision", Number),
    Column("seen_at", Past),
)
