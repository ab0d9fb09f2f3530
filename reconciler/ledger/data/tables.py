"""The tables of the data plane, plain enough for SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from reconciler.ledger.tables import Moment


class JsonText(TypeDecorator[Mapping[str, Any]]):
    """A JSON object as text, `{}` as the empty text: so that a query can tell whether there is anything in it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn an object into text."""
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any]:  # noqa: ARG002
        """Turn text into an object."""
        return json.loads(value) if value else {}


class Prints(TypeDecorator[Mapping[str, bytes]]):
    """Fingerprints by part as text, `part=hex` in order; a part in doubt has no hex. None at all: the empty text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, bytes] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn fingerprints into text."""
        return None if value is None else " ".join(f"{part}={value[part].hex()}" for part in sorted(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, bytes]:  # noqa: ARG002
        """Turn text into fingerprints."""
        pairs = (entry.partition("=") for entry in (value or "").split())
        return {part: bytes.fromhex(digest) for part, _, digest in pairs}


data_metadata = MetaData()


def _scope(**settings: Any) -> Column[int]:
    return Column("scope", Integer, ForeignKey("data_scopes.id", ondelete="CASCADE"), nullable=False, **settings)


# One row per lock that is held: `apply`, and one per scope.
locks = Table(
    "locks",
    data_metadata,
    Column("name", Text, primary_key=True),
    Column("token", String(32), nullable=False),
    Column("holder", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", String(32), nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# What the other tables are kept under, and the dates we last wrote to the sync log.
scopes = Table(
    "data_scopes",
    data_metadata,
    Column("id", Integer, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("integration", Text, nullable=False),
    Column("data_type", Text, nullable=False),
    Column("log_started", Moment),
    Column("log_full", Moment),
    Column("log_partial", Moment),
    UniqueConstraint("environment", "target", "integration", "data_type"),
)

data_runs = Table(
    "data_runs",
    data_metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    _scope(),
    Column("mode", String(32), nullable=False),
    Column("walks", Boolean, nullable=False),
    Column("full", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("holder", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("watermark", Moment),
    Column("listed", Boolean, nullable=False),
    Column("log_opened", Boolean, nullable=False),
    Column("completed_at", Moment),
    Column("ended_at", Moment),
    Column("config", Text, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("cursor", Text),
    Column("message", Text),
    Column("cancel_requested", Boolean, nullable=False),
    Index("data_runs_newest", "scope", "number"),
)

# `ready_at` is set exactly where a record is open: since when, in our clock. `retry_at` and `due_at` are in the clock
# of the sync.
records = Table(
    "data_records",
    data_metadata,
    _scope(primary_key=True),
    Column("key", Text, primary_key=True),
    Column("wanted", Integer, nullable=False),
    Column("applied", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ready_at", Moment),
    Column("retry_at", Moment),
    Column("due_at", Moment),
    Column("prints", Prints, nullable=False),
    Column("held", JsonText, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("dead", Boolean, nullable=False),
    Column("seen_run", String(32)),
    Column("written_at", Moment),
    Column("claim", String(64)),
    Column("claimed_until", Moment),
    Index("data_records_ready", "scope", "ready_at", "key"),
    Index("data_records_due", "scope", "due_at"),
    Index("data_records_written", "scope", "written_at"),
)

# Who has a name, and who waits for one that another has.
names = Table(
    "data_names",
    data_metadata,
    _scope(primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Index("data_names_of", "scope", "key"),
)

waits = Table(
    "data_waits",
    data_metadata,
    _scope(primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Index("data_waits_of", "scope", "key"),
)

problems = Table(
    "data_problems",
    data_metadata,
    Column("number", Integer, primary_key=True),
    _scope(),
    Column("key", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("part", String(32), nullable=False),
    Column("code", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("found_at", Moment, nullable=False),
    UniqueConstraint("scope", "key", "external_id", "part", "code"),
    Index("data_problems_of", "scope", "external_id"),
)

# One row per external ID that has a problem, or that the sync log still shows with one. `version` counts changes of its
# problems; `offered` is the version last handed out for the log, 0 where the log cannot know it; `logged` the one that
# the log certainly has.
entries = Table(
    "data_log_entries",
    data_metadata,
    Column("number", Integer, primary_key=True),
    _scope(),
    Column("external_id", Text, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("offered", Integer, nullable=False),
    Column("logged", Integer, nullable=False),
    UniqueConstraint("scope", "external_id"),
)
