"""The ledger's tables of the control plane, as the first schema version has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A timezone-aware moment, kept as ISO 8601 in UTC: the same text on every database, and it sorts."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn a moment into text."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn text into a moment."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

meta = Table(
    "ledger_meta",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("salt", LargeBinary, nullable=False),
)

# Only version 1 has it; `data_tables.locks` took its place.
apply_lock = Table(
    "apply_lock",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token", String(32), nullable=False),
    Column("holder", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", String(32), nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("environment", Text, nullable=False, index=True),
    Column("holder", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("plan", JSON, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("run", String(32), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("change_key", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("message", Text),
    Column("updated_at", Moment, nullable=False),
)

overrides = Table(
    "overrides",
    metadata,
    Column("run", String(32), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("reason", Text, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("api_url", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("live_id", Text, primary_key=True),
    Column("state", JSON, nullable=False),
    Column("applied_at", Moment, nullable=False),
)

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("api_url", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("live_id", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("in_doubt", Boolean, nullable=False),
    Column("applied_at", Moment, nullable=False),
)

snoozes = Table(
    "snoozes",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("until", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
)

# Pauses taken by hand: read from the start, so that a plan respects them; written by the commands that take them.
leases = Table(
    "leases",
    metadata,
    Column("api_url", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("live_id", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Moment, nullable=False),
    Column("reason", Text, nullable=False),
)
