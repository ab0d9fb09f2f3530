"""The ledger's tables as they are today, in words that every database understands.

Statements are made from them; the databases themselves are made by the frozen steps in schema/.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column

from reconciler.ledger.columns import (
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
from reconciler.ledger.fetched_table import fetched_items
from reconciler.ledger.hand_tables import hands, ranges
from reconciler.ledger.inbox_tables import (
    hearing_gaps,
    inbox_marks,
    inbox_messages,
    inbox_minutes,
    inbox_told,
    inbox_types,
    inbox_unknown,
    inboxes,
)
from reconciler.ledger.memo_tables import memos
from reconciler.ledger.move_tables import config_moves, config_restores
from reconciler.ledger.rate_tables import outages, rate_limits
from reconciler.ledger.seen_tables import seen_blocks
from reconciler.ledger.service_tables import applied_settings, services, turns
from reconciler.ledger.table import key, optional, table

# One row: the schema's version, the oldest version that may still write, the salt of the fingerprints, and where the
# ledger is now, if `ledger copy` took it elsewhere.
meta = table(
    "ledger_meta",
    key("id", Number),
    Column("version", Number),
    Column("salt", Digest),
    Column("oldest_writer", Number),
    optional("moved_to", Words),
)

# Which live side each API of an environment had when it was first applied.
environments = table("environments", key("name"), key("api"), Column("live_side", Words))

# One row per lock that is held; see lock.py for their names.
locks = table(
    "locks",
    key("name"),
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

runs = table(
    "runs",
    key("id"),
    Column("environment", Words),
    Column("holder", Words),
    Column("started_at", Past),
    optional("finished_at", Past),
    Column("plan", JsonData),
    Column("command", Words),
)

journal = table(
    "journal",
    key("run"),
    key("change_key"),
    Column("position", Number),
    Column("digest", Words),
    Column("outcome", Words),
    optional("message", Words),
    Column("updated_at", Past),
)

overrides = table("overrides", key("run"), key("rule"), Column("reason", Words))

snapshots = table(
    "snapshots",
    key("api_url"),
    key("kind"),
    key("live_id"),
    Column("state", JsonData),
    Column("applied_at", Past),
)

first_applies = table("first_applies", key("api_url"), key("kind"), key("live_id"), Column("applied_at", Past))

# What was applied as absent, where others still have something to carry out: what was applied before, and what is to
# become of it.
removals = table(
    "removals",
    key("api_url"),
    key("kind"),
    key("live_id"),
    Column("state", JsonData),
    Column("applied_at", Moment),
)

fingerprints = table(
    "fingerprints",
    key("api_url"),
    key("kind"),
    key("live_id"),
    key("path"),
    Column("digest", Digest),
    Column("in_doubt", Boolean),
    Column("applied_at", Past),
)

snoozes = table(
    "snoozes",
    key("environment"),
    key("kind"),
    key("name"),
    Column("until", Moment),
    Column("reason", Words),
    Column("by", Words),
)

# Pauses taken by hand, several per sync; see pause/lease.py. `renewed_at` is set where a lease is around a command.
leases = table(
    "leases",
    key("id"),
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
    optional("released_at", Moment),
    Column("machine", Words),
    Column("pid", Number),
    Column("process_started", Words),
    optional("renewed_at", Moment),
)

# When syncs were paused and resumed by us.
pause_log = table(
    "pause_log",
    key("id"),
    Column("environment", Words),
    Column("api_url", Words),
    Column("kind", Words),
    Column("live_id", Words),
    Column("paused", Boolean),
    Column("cause", Words),
    Column("by", Words),
    optional("due_at", Moment),
    Column("done_at", Past),
    optional("verdict", Words),
    optional("seconds", Number),
)

# Healing: since when drift is seen, what was healed and when, and the commit of the manifests that were last applied
# with nothing left to apply.
drift_seen = table("drift_seen", key("environment"), key("change_key"), key("cause"), Column("seen_at", Moment))

# What the last look for drift at an environment found.
drift_looks = table("drift_looks", key("environment"), Column("found", JsonData))

heals = table(
    "heals",
    key("environment"),
    key("change_key"),
    key("cause"),
    Column("healed_at", Moment, primary_key=True),
)

applied_commits = table("applied_commits", key("environment"), Column("commit_id", Words), Column("applied_at", Moment))

# Up to which commit the approvals of pull requests were applied, whatever nobody has approved.
applied_approvals = table(
    "applied_approvals", key("environment"), Column("commit_id", Words), Column("applied_at", Moment)
)

# What manifests and commands asked to be done once. `unremembered`: it was there before this ledger remembered requests
# of this live side, so whether it was carried out cannot be known.
requests = table(
    "requests",
    key("api_url"),
    key("id"),
    Column("environment", Words),
    Column("kind", Words),
    Column("name", Words),
    Column("does", Words),
    Column("holder", Words),
    Column("asked_at", Past),
    Column("unremembered", Boolean),
)

request_steps = table(
    "request_steps",
    key("api_url"),
    key("id"),
    key("position", Number),
    Column("does", Words),
    Column("state", Words),
    optional("message", Words),
    Column("updated_at", Past),
)

# Since when the requests of a live side are remembered.
request_memory = table("request_memory", key("api_url"), Column("since", Past))

# The data plane. `scopes`: what the other tables are kept under, our dates of the sync log, and what disproved stamps.

scopes = table(
    "data_scopes",
    key("id", Number),
    Column("environment", Words),
    Column("target", Words),
    Column("integration", Words),
    Column("data_type", Words),
    optional("log_started", Past),
    optional("log_full", Past),
    optional("log_partial", Past),
    optional("distrusted_at", Past),
    optional("distrusted_for", Words),
)

data_runs = table(
    "data_runs",
    key("number", Number),
    Column("id", Words),
    Column("scope", Number),
    Column("mode", Words),
    Column("lists", Boolean),
    Column("walks", Boolean),
    Column("full", Boolean),
    Column("spares", Boolean),
    Column("state", Words),
    Column("holder", Words),
    Column("started_at", Past),
    optional("watermark", Past),
    Column("listed", Boolean),
    Column("log_opened", Boolean),
    optional("completed_at", Past),
    optional("ended_at", Past),
    Column("config", Words),
    Column("counts", Counts),
    optional("message", Words),
    Column("cancel_requested", Boolean),
    Column("takes_hands", Boolean),
    Column("overrides", Reasons),
)

# Runs that requests asked for: which run took each, if any.
wanted_runs = table(
    "data_wanted_runs",
    key("scope", Number),
    key("request"),
    Column("mode", Words),
    Column("wanted_at", Past),
    optional("run", Words),
)

# `number`: the database's own, by which what a run leaves as it is gets marked, see `seen_tables`; `seen_run`: the
# run that saw it last and wrote its row for that. `ready_at` is set exactly where a record is open: since when, in
# our clock. `retry_at` and `due_at` are in the clock of the sync. `claim` is the hand's token and the claim's own, so
# that a hand's claims end with it. `gone_at`: when it was deleted at the target, where that counts for the limit of a
# day. `look`: fingerprint of what lists showed last. `begun_by` and `begun_at`: the hand that began the last write;
# until `doubt_until`, that of another may still arrive. `draw`: random, to find some by chance; older versions draw
# none. `heard`: the revision that a message raised last. `claimed_run`: the run in which it was claimed last, so that
# nothing older is written in that run.
records = table(
    "data_records",
    key("scope", Number),
    key("key"),
    Column("number", Number),
    Column("wanted", Number),
    Column("applied", Number),
    Column("attempts", Number),
    optional("ready_at", Moment),
    optional("retry_at", Moment),
    optional("due_at", Moment),
    Column("prints", Prints),
    Column("held", JsonText),
    Column("gone", Boolean),
    Column("dead", Boolean),
    optional("seen_run", Words),
    optional("written_at", Past),
    optional("claim", Words),
    optional("claimed_until", Moment),
    Column("held_back", Boolean),
    optional("gone_at", Past),
    optional("look", Digest),
    optional("begun_by", Words),
    optional("begun_at", Moment),
    optional("doubt_until", Moment),
    optional("heard", Number),
    optional("draw", Number),
    optional("claimed_run", Words),
)

# Who has a name, and who waits for one that another has.
names = table("data_names", key("scope", Number), key("kind"), key("value"), Column("key", Words))
waits = table("data_waits", key("scope", Number), key("kind"), key("value"), key("key"))

problems = table(
    "data_problems",
    key("number", Number),
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
entries = table(
    "data_log_entries",
    key("number", Number),
    Column("scope", Number),
    Column("external_id", Words),
    Column("open", Boolean),
    Column("version", Number),
    Column("offered", Number),
    Column("logged", Number),
)

# Sites that SparkLayer connected or disconnected as an Ignite integration, and what it handed over: sealed with a key
# that no ledger has.
ignite_connections = table(
    "ignite_connections",
    key("environment"),
    key("target"),
    optional("store_id", Words),
    Column("connected", Boolean),
    Column("changed_at", Past),
    optional("reconnect_until", Moment),
)
ignite_credentials = table(
    "ignite_credentials",
    key("environment"),
    key("target"),
    Column("client_id", Words),
    Column("sealed", Words),
    Column("stored_at", Past),
)

IN_ORDER = (
    environments, locks, runs, journal, overrides, snapshots, first_applies, removals, fingerprints, snoozes, leases,
    pause_log, drift_seen, drift_looks, heals, applied_commits, applied_approvals, requests, request_steps,
    request_memory, services, scopes, data_runs, applied_settings, turns, wanted_runs, hands, ranges, records, names,
    seen_blocks, waits, problems, memos, entries, ignite_connections, ignite_credentials, inboxes, inbox_types,
    inbox_minutes, inbox_messages, inbox_unknown, inbox_told, inbox_marks, hearing_gaps, fetched_items, config_moves,
    config_restores, rate_limits, outages,
)  # fmt: skip
"""Every table but `ledger_meta`; what others refer to comes first."""

NUMBERED = {
    scopes: "id",
    data_runs: "number",
    records: "number",
    problems: "number",
    entries: "number",
    inboxes: "id",
    inbox_messages: "number",
    inbox_unknown: "number",
}
"""Tables whose rows the database numbers, and where."""
