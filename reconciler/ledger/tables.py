"""The ledger's tables as they are today, in words that every database understands.

Statements are made from them; the databases themselves are made by the frozen steps in schema/.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, MetaData, Table

from reconciler.ledger.columns import (
    Checked,
    Counts,
    Digest,
    JsonData,
    JsonText,
    Moment,
    Number,
    Past,
    Prints,
    Reasons,
    Words,
)

metadata = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    table = Table(name, metadata, *columns)
    for column in table.columns:
        if isinstance(column.type, Checked):
            column.type.column = str(column)
    return table


def _key(name: str, of: type[Words] | type[Number] = Words) -> Column[Any]:
    return Column(name, of, primary_key=True)


def _optional(name: str, of: type[Checked[Any]]) -> Column[Any]:
    """Of a column without NOT NULL."""
    return Column(name, of(optional=True))


# One row: the schema's version, the oldest version that may still write, the salt of the fingerprints, and where the
# ledger is now, if `ledger copy` took it elsewhere.
meta = _table(
    "ledger_meta",
    _key("id", Number),
    Column("version", Number),
    Column("salt", Digest),
    Column("oldest_writer", Number),
    _optional("moved_to", Words),
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
    Column("pid", Number),
    Column("process_started", Words),
    Column("taken_at", Past),
    Column("heartbeat_at", Past),
    Column("expires_at", Moment),
)

# The control plane

runs = _table(
    "runs",
    _key("id"),
    Column("environment", Words),
    Column("holder", Words),
    Column("started_at", Past),
    _optional("finished_at", Past),
    Column("plan", JsonData),
    Column("command", Words),
)

journal = _table(
    "journal",
    _key("run"),
    _key("change_key"),
    Column("position", Number),
    Column("digest", Words),
    Column("outcome", Words),
    _optional("message", Words),
    Column("updated_at", Past),
)

overrides = _table("overrides", _key("run"), _key("rule"), Column("reason", Words))

snapshots = _table(
    "snapshots",
    _key("api_url"),
    _key("kind"),
    _key("live_id"),
    Column("state", JsonData),
    Column("applied_at", Past),
)

first_applies = _table("first_applies", _key("api_url"), _key("kind"), _key("live_id"), Column("applied_at", Past))

# What was applied as absent, where others still have something to carry out: what was applied before, and what is to
# become of it.
removals = _table(
    "removals",
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
    Column("digest", Digest),
    Column("in_doubt", Boolean),
    Column("applied_at", Past),
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
    _optional("released_at", Moment),
    Column("machine", Words),
    Column("pid", Number),
    Column("process_started", Words),
    _optional("renewed_at", Moment),
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
    _optional("due_at", Moment),
    Column("done_at", Past),
    _optional("verdict", Words),
    _optional("seconds", Number),
)

# Healing: since when drift is seen, what was healed and when, and the commit of the manifests that were last applied
# with nothing left to apply.
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

# Up to which commit the approvals of pull requests were applied, whatever nobody has approved.
applied_approvals = _table(
    "applied_approvals", _key("environment"), Column("commit_id", Words), Column("applied_at", Moment)
)

# What manifests and commands asked to be done once. `unremembered`: it was there before this ledger remembered requests
# of this live side, so whether it was carried out cannot be known.
requests = _table(
    "requests",
    _key("api_url"),
    _key("id"),
    Column("environment", Words),
    Column("kind", Words),
    Column("name", Words),
    Column("does", Words),
    Column("holder", Words),
    Column("asked_at", Past),
    Column("unremembered", Boolean),
)

request_steps = _table(
    "request_steps",
    _key("api_url"),
    _key("id"),
    _key("position", Number),
    Column("does", Words),
    Column("state", Words),
    _optional("message", Words),
    Column("updated_at", Past),
)

# Since when the requests of a live side are remembered.
request_memory = _table("request_memory", _key("api_url"), Column("since", Past))

# The data plane. `scopes`: what the other tables are kept under, and the dates we last wrote to the sync log.

scopes = _table(
    "data_scopes",
    _key("id", Number),
    Column("environment", Words),
    Column("target", Words),
    Column("integration", Words),
    Column("data_type", Words),
    _optional("log_started", Past),
    _optional("log_full", Past),
    _optional("log_partial", Past),
)

data_runs = _table(
    "data_runs",
    _key("number", Number),
    Column("id", Words),
    Column("scope", Number),
    Column("mode", Words),
    Column("lists", Boolean),
    Column("walks", Boolean),
    Column("full", Boolean),
    Column("state", Words),
    Column("holder", Words),
    Column("started_at", Past),
    _optional("watermark", Past),
    Column("listed", Boolean),
    Column("log_opened", Boolean),
    _optional("completed_at", Past),
    _optional("ended_at", Past),
    Column("config", Words),
    Column("counts", Counts),
    _optional("message", Words),
    Column("cancel_requested", Boolean),
    Column("overrides", Reasons),
)

# Runs that requests asked for: which run took each, if any.
wanted_runs = _table(
    "data_wanted_runs",
    _key("scope", Number),
    _key("request"),
    Column("mode", Words),
    Column("wanted_at", Past),
    _optional("run", Words),
)

# Who may write for a run. The keeper is the hand that holds the scope's lock as well.
hands = _table(
    "data_hands",
    _key("scope", Number),
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
    _key("scope", Number),
    _key("key"),
    Column("wanted", Number),
    Column("applied", Number),
    Column("attempts", Number),
    _optional("ready_at", Moment),
    _optional("retry_at", Moment),
    _optional("due_at", Moment),
    Column("prints", Prints),
    Column("held", JsonText),
    Column("gone", Boolean),
    Column("dead", Boolean),
    _optional("seen_run", Words),
    _optional("written_at", Past),
    _optional("claim", Words),
    _optional("claimed_until", Moment),
    Column("held_back", Boolean),
    _optional("gone_at", Past),
    _optional("look", Digest),
)

# Who has a name, and who waits for one that another has.
names = _table("data_names", _key("scope", Number), _key("kind"), _key("value"), Column("key", Words))
waits = _table("data_waits", _key("scope", Number), _key("kind"), _key("value"), _key("key"))

problems = _table(
    "data_problems",
    _key("number", Number),
    Column("scope", Number),
    Column("key", Words),
    Column("external_id", Words),
    Column("part", Words),
    Column("code", Words),
    Column("message", Words),
    Column("url", Words),
    Column("found_at", Past),
)

# One row per external ID that has a problem, or that the sync log still shows with one. `version` counts changes of its
# problems; `offered` is the version last handed out for the log, 0 where the log cannot know it; `logged` the one that
# the log certainly has.
entries = _table(
    "data_log_entries",
    _key("number", Number),
    Column("scope", Number),
    Column("external_id", Words),
    Column("open", Boolean),
    Column("version", Number),
    Column("offered", Number),
    Column("logged", Number),
)

# Sites that SparkLayer connected or disconnected as an Ignite integration, and what it handed over: sealed with a key
# that no ledger has.
ignite_connections = _table(
    "ignite_connections",
    _key("environment"),
    _key("target"),
    _optional("store_id", Words),
    Column("connected", Boolean),
    Column("changed_at", Past),
    _optional("reconnect_until", Moment),
)
ignite_credentials = _table(
    "ignite_credentials",
    _key("environment"),
    _key("target"),
    Column("client_id", Words),
    Column("sealed", Words),
    Column("stored_at", Past),
)

IN_ORDER = (
    environments, locks, runs, journal, overrides, snapshots, first_applies, removals, fingerprints, snoozes, leases,
    pause_log, drift_seen, heals, applied_commits, applied_approvals, requests, request_steps, request_memory, scopes,
    data_runs, wanted_runs, hands, records, names, waits, problems, entries, ignite_connections, ignite_credentials,
)  # fmt: skip
"""Every table but `ledger_meta`; what others refer to comes first."""

NUMBERED = {scopes: "id", data_runs: "number", problems: "number", entries: "number"}
"""Tables whose rows the database numbers, and where."""
