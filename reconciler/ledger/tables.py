"""The ledger's tables as they are today, in words that every database understands.

Statements are made from them; the databases themselves are made by the frozen steps in schema/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_ESCAPE = "\x1a"
_ODD = re.compile("[\0\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")


class Moment(TypeDecorator[datetime]):
    """A timezone-aware moment, kept as ISO 8601 in UTC: the same text on every database, and it sorts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn a moment into text."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn text into a moment."""
        return None if value is None else datetime.fromisoformat(value)


class Words(TypeDecorator[str]):
    """Any text of Python's, kept so that every database takes it: NULs and lone surrogates are escaped."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Escape what a database may refuse, and the escape itself."""
        if value is None or _ODD.search(value) is None:
            return value
        return _ODD.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn it back."""
        if value is None or _ESCAPE not in value:
            return value
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)


class JsonData(TypeDecorator[Any]):
    """JSON as text in ASCII, which every database takes whatever is in it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        """Turn data into text."""
        return json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Turn text into data."""
        return None if value is None else json.loads(value)


class JsonText(TypeDecorator[Mapping[str, Any]]):
    """A JSON object as text, `{}` as the empty text: so that a query can tell whether there is anything in it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Turn an object into text."""
        if value is None:
            return None
        return json.dumps(value, separators=(",", ":")) if value else ""

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


metadata = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, metadata, *columns)


def _key(name: str, of: type[Words] | type[Integer] = Words) -> Column[Any]:
    return Column(name, of, primary_key=True)


# One row: the schema's version, the oldest version that may still write, the salt of the fingerprints, and where the
# ledger is now, if `ledger copy` took it elsewhere.
meta = _table(
    "ledger_meta",
    _key("id", Integer),
    Column("version", Integer),
    Column("salt", LargeBinary),
    Column("oldest_writer", Integer),
    Column("moved_to", Words),
)

# Which live side each API of an environment had when it was first applied.
environments = _table("environments", _key("name"), _key("api"), Column("live_side", Words))

# One row per lock that is held; see lock.py for their names.
locks = _table(
    "locks",
    _key("name"),
    Column("token", Words),
    Column("holder", Words),
    Column("machine", Words),
    Column("pid", Integer),
    Column("process_started", Words),
    Column("taken_at", Moment),
    Column("heartbeat_at", Moment),
    Column("expires_at", Moment),
)

# The control plane

runs = _table(
    "runs",
    _key("id"),
    Column("environment", Words),
    Column("holder", Words),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("plan", JsonData),
    Column("command", Words),
)

journal = _table(
    "journal",
    _key("run"),
    _key("change_key"),
    Column("position", Integer),
    Column("digest", Words),
    Column("outcome", Words),
    Column("message", Words),
    Column("updated_at", Moment),
)

overrides = _table("overrides", _key("run"), _key("rule"), Column("reason", Words))

snapshots = _table(
    "snapshots",
    _key("api_url"),
    _key("kind"),
    _key("live_id"),
    Column("state", JsonData),
    Column("applied_at", Moment),
)

fingerprints = _table(
    "fingerprints",
    _key("api_url"),
    _key("kind"),
    _key("live_id"),
    _key("path"),
    Column("digest", LargeBinary),
    Column("in_doubt", Boolean),
    Column("applied_at", Moment),
)

snoozes = _table(
    "snoozes",
    _key("environment"),
    _key("kind"),
    _key("name"),
    Column("until", Moment),
    Column("reason", Words),
    Column("by", Words),
)

# Pauses taken by hand, several per sync; see pause/lease.py. `renewed_at` is set where a lease is around a command.
leases = _table(
    "leases",
    _key("id"),
    Column("environment", Words),
    Column("api_url", Words),
    Column("kind", Words),
    Column("live_id", Words),
    Column("name", Words),
    Column("owner", Words),
    Column("holder", Words),
    Column("reason", Words),
    Column("was", Words),
    Column("taken_at", Moment),
    Column("until", Moment),
    Column("released_at", Moment),
    Column("machine", Words),
    Column("pid", Integer),
    Column("process_started", Words),
    Column("renewed_at", Moment),
)

# When syncs were paused and resumed by us.
pause_log = _table(
    "pause_log",
    _key("id"),
    Column("environment", Words),
    Column("api_url", Words),
    Column("kind", Words),
    Column("live_id", Words),
    Column("paused", Boolean),
    Column("cause", Words),
    Column("by", Words),
    Column("due_at", Moment),
    Column("done_at", Moment),
    Column("verdict", Words),
    Column("seconds", Integer),
)

# Healing: since when drift is seen, what was healed and when, and the commit of the manifests that were applied last.
drift_seen = _table("drift_seen", _key("environment"), _key("change_key"), _key("cause"), Column("seen_at", Moment))

heals = _table(
    "heals",
    _key("environment"),
    _key("change_key"),
    _key("cause"),
    Column("healed_at", Moment, primary_key=True),
)

applied_commits = _table(
    "applied_commits", _key("environment"), Column("commit_id", Words), Column("applied_at", Moment)
)

# The data plane. `scopes`: what the other tables are kept under, and the dates we last wrote to the sync log.

scopes = _table(
    "data_scopes",
    _key("id", Integer),
    Column("environment", Words),
    Column("target", Words),
    Column("integration", Words),
    Column("data_type", Words),
    Column("log_started", Moment),
    Column("log_full", Moment),
    Column("log_partial", Moment),
)

data_runs = _table(
    "data_runs",
    _key("number", Integer),
    Column("id", Words),
    Column("scope", Integer),
    Column("mode", Words),
    Column("lists", Boolean),
    Column("walks", Boolean),
    Column("full", Boolean),
    Column("state", Words),
    Column("holder", Words),
    Column("started_at", Moment),
    Column("watermark", Moment),
    Column("listed", Boolean),
    Column("log_opened", Boolean),
    Column("completed_at", Moment),
    Column("ended_at", Moment),
    Column("config", Words),
    Column("counts", JsonData),
    Column("message", Words),
    Column("cancel_requested", Boolean),
    Column("overrides", JsonData),
)

# Who may write for a run. The keeper is the hand that holds the scope's lock as well.
hands = _table(
    "data_hands",
    _key("scope", Integer),
    _key("token"),
    Column("run", Words),
    Column("holder", Words),
    Column("keeper", Boolean),
)

# `ready_at` is set exactly where a record is open: since when, in our clock. `retry_at` and `due_at` are in the clock
# of the sync. `claim` is the hand's token and the claim's own, so that a hand's claims end with it. `gone_at`: when it
# was deleted at the target, where that counts for the limit of a day. `look`: fingerprint of what lists showed last.
records = _table(
    "data_records",
    _key("scope", Integer),
    _key("key"),
    Column("wanted", Integer),
    Column("applied", Integer),
    Column("attempts", Integer),
    Column("ready_at", Moment),
    Column("retry_at", Moment),
    Column("due_at", Moment),
    Column("prints", Prints),
    Column("held", JsonText),
    Column("gone", Boolean),
    Column("dead", Boolean),
    Column("seen_run", Words),
    Column("written_at", Moment),
    Column("claim", Words),
    Column("claimed_until", Moment),
    Column("held_back", Boolean),
    Column("gone_at", Moment),
    Column("look", LargeBinary),
)

# Who has a name, and who waits for one that another has.
names = _table("data_names", _key("scope", Integer), _key("kind"), _key("value"), Column("key", Words))
waits = _table("data_waits", _key("scope", Integer), _key("kind"), _key("value"), _key("key"))

problems = _table(
    "data_problems",
    _key("number", Integer),
    Column("scope", Integer),
    Column("key", Words),
    Column("external_id", Words),
    Column("part", Words),
    Column("code", Words),
    Column("message", Words),
    Column("url", Words),
    Column("found_at", Moment),
)

# One row per external ID that has a problem, or that the sync log still shows with one. `version` counts changes of its
# problems; `offered` is the version last handed out for the log, 0 where the log cannot know it; `logged` the one that
# the log certainly has.
entries = _table(
    "data_log_entries",
    _key("number", Integer),
    Column("scope", Integer),
    Column("external_id", Words),
    Column("open", Boolean),
    Column("version", Integer),
    Column("offered", Integer),
    Column("logged", Integer),
)

IN_ORDER = (
    environments, locks, runs, journal, overrides, snapshots, fingerprints, snoozes, leases, pause_log,
    drift_seen, heals, applied_commits, scopes,
    data_runs, hands, records, names, waits, problems, entries,
)  # fmt: skip
"""Every table but `ledger_meta`; what others refer to comes first."""

NUMBERED = {scopes: "id", data_runs: "number", problems: "number", entries: "number"}
"""Tables whose rows the database numbers, and where."""
