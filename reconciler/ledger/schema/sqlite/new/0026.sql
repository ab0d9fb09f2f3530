-- What the steps to version 26 make of an empty file, by tools/new_ledger.py. A new ledger begins with it:
-- carrying out the steps takes four times as long. A test holds it against them.
CREATE TABLE ledger_meta (
    id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    salt BLOB NOT NULL, oldest_writer INTEGER NOT NULL DEFAULT 3, moved_to TEXT,
    PRIMARY KEY (id)
);
CREATE TABLE runs (
    id VARCHAR(32) NOT NULL,
    environment TEXT NOT NULL,
    holder TEXT NOT NULL,
    started_at VARCHAR(32) NOT NULL,
    finished_at VARCHAR(32),
    "plan" JSON NOT NULL, command TEXT NOT NULL DEFAULT 'apply',
    PRIMARY KEY (id)
);
CREATE INDEX ix_runs_environment ON runs (environment);
CREATE TABLE snapshots (
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    state JSON NOT NULL,
    applied_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (api_url, kind, live_id)
);
CREATE TABLE fingerprints (
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    path TEXT NOT NULL,
    digest BLOB NOT NULL,
    in_doubt BOOLEAN NOT NULL,
    applied_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (api_url, kind, live_id, path)
);
CREATE TABLE snoozes (
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    until VARCHAR(32) NOT NULL,
    reason TEXT NOT NULL,
    "by" TEXT NOT NULL,
    PRIMARY KEY (environment, kind, name)
);
CREATE TABLE journal (
    run VARCHAR(32) NOT NULL,
    change_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    digest TEXT NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    message TEXT,
    updated_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (run, change_key),
    FOREIGN KEY(run) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE TABLE overrides (
    run VARCHAR(32) NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, rule),
    FOREIGN KEY(run) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE TABLE locks (
    name TEXT NOT NULL,
    token VARCHAR(32) NOT NULL,
    holder TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_started VARCHAR(32) NOT NULL,
    taken_at VARCHAR(32) NOT NULL,
    heartbeat_at VARCHAR(32) NOT NULL,
    expires_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE data_scopes (
    id INTEGER NOT NULL,
    environment TEXT NOT NULL,
    target TEXT NOT NULL,
    integration TEXT NOT NULL,
    data_type TEXT NOT NULL,
    log_started VARCHAR(32),
    log_full VARCHAR(32),
    log_partial VARCHAR(32), distrusted_at TEXT, distrusted_for TEXT,
    PRIMARY KEY (id),
    UNIQUE (environment, target, integration, data_type)
);
CREATE TABLE data_names (
    scope INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    value TEXT NOT NULL,
    "key" TEXT NOT NULL,
    PRIMARY KEY (scope, kind, value),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE INDEX data_names_of ON data_names (scope, "key");
CREATE TABLE data_waits (
    scope INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    value TEXT NOT NULL,
    "key" TEXT NOT NULL,
    PRIMARY KEY (scope, kind, value, "key"),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE data_problems (
    number INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    external_id TEXT NOT NULL,
    part VARCHAR(32) NOT NULL,
    code VARCHAR(64) NOT NULL,
    message TEXT NOT NULL,
    url TEXT NOT NULL,
    found_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (number),
    UNIQUE (scope, "key", external_id, part, code),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE INDEX data_problems_of ON data_problems (scope, external_id);
CREATE TABLE data_log_entries (
    number INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    external_id TEXT NOT NULL,
    open BOOLEAN NOT NULL,
    version INTEGER NOT NULL,
    offered INTEGER NOT NULL,
    logged INTEGER NOT NULL,
    PRIMARY KEY (number),
    UNIQUE (scope, external_id),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE environments (
    name TEXT NOT NULL,
    api TEXT NOT NULL,
    live_side TEXT NOT NULL,
    PRIMARY KEY (name, api)
);
CREATE TABLE "data_runs" (
    number INTEGER NOT NULL,
    id VARCHAR(32) NOT NULL,
    scope INTEGER NOT NULL,
    mode VARCHAR(32) NOT NULL,
    walks BOOLEAN NOT NULL,
    "full" BOOLEAN NOT NULL,
    state VARCHAR(16) NOT NULL,
    holder TEXT NOT NULL,
    started_at VARCHAR(32) NOT NULL,
    watermark VARCHAR(32),
    listed BOOLEAN NOT NULL,
    log_opened BOOLEAN NOT NULL,
    completed_at VARCHAR(32),
    ended_at VARCHAR(32),
    config TEXT NOT NULL,
    counts JSON NOT NULL,
    message TEXT,
    cancel_requested BOOLEAN NOT NULL, overrides JSON NOT NULL DEFAULT '{}', lists BOOLEAN NOT NULL DEFAULT 0, spares BOOLEAN NOT NULL DEFAULT 0, takes_hands BOOLEAN NOT NULL DEFAULT 0,
    PRIMARY KEY (number),
    UNIQUE (id),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE INDEX data_runs_newest ON data_runs (scope, number);
CREATE TABLE data_hands (
    scope INTEGER NOT NULL,
    token TEXT NOT NULL,
    run TEXT NOT NULL,
    holder TEXT NOT NULL,
    keeper BOOLEAN NOT NULL, expires_at TEXT,
    PRIMARY KEY (scope, token),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TABLE "leases" (
    id TEXT NOT NULL,
    environment TEXT NOT NULL,
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    holder TEXT NOT NULL,
    reason TEXT NOT NULL,
    was VARCHAR(16) NOT NULL,
    taken_at VARCHAR(32) NOT NULL,
    until VARCHAR(32) NOT NULL,
    released_at VARCHAR(32),
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_started TEXT NOT NULL,
    renewed_at VARCHAR(32),
    PRIMARY KEY (id)
);
CREATE INDEX leases_of_sync ON leases (api_url, kind, live_id);
CREATE TABLE pause_log (
    id TEXT NOT NULL,
    environment TEXT NOT NULL,
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    paused BOOLEAN NOT NULL,
    cause VARCHAR(32) NOT NULL,
    "by" TEXT NOT NULL,
    due_at VARCHAR(32),
    done_at VARCHAR(32) NOT NULL,
    verdict VARCHAR(16),
    seconds INTEGER,
    PRIMARY KEY (id)
);
CREATE INDEX pause_log_of_sync ON pause_log (api_url, kind, live_id, done_at);
CREATE TABLE drift_seen (
    environment TEXT NOT NULL,
    change_key TEXT NOT NULL,
    cause TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (environment, change_key, cause)
);
CREATE TABLE heals (
    environment TEXT NOT NULL,
    change_key TEXT NOT NULL,
    cause TEXT NOT NULL,
    healed_at TEXT NOT NULL,
    PRIMARY KEY (environment, change_key, cause, healed_at)
);
CREATE TABLE applied_commits (
    environment TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (environment)
);
CREATE TABLE removals (
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    state JSON NOT NULL,
    applied_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (api_url, kind, live_id)
);
CREATE TABLE requests (
	api_url TEXT NOT NULL,
	id TEXT NOT NULL,
	environment TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	does TEXT NOT NULL,
	holder TEXT NOT NULL,
	asked_at VARCHAR(32) NOT NULL,
	unremembered BOOLEAN NOT NULL,
	PRIMARY KEY (api_url, id)
);
CREATE TABLE request_steps (
	api_url TEXT NOT NULL,
	id TEXT NOT NULL,
	position INTEGER NOT NULL,
	does TEXT NOT NULL,
	state TEXT NOT NULL,
	message TEXT,
	updated_at VARCHAR(32) NOT NULL,
	PRIMARY KEY (api_url, id, position)
);
CREATE TABLE request_memory (
	api_url TEXT NOT NULL,
	since VARCHAR(32) NOT NULL,
	PRIMARY KEY (api_url)
);
CREATE TABLE data_wanted_runs (
	scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
	request TEXT NOT NULL,
	mode TEXT NOT NULL,
	wanted_at VARCHAR(32) NOT NULL,
	run TEXT,
	PRIMARY KEY (scope, request)
);
CREATE TABLE applied_approvals (
    environment TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (environment)
);
CREATE TABLE first_applies (
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (api_url, kind, live_id)
);
CREATE TABLE ignite_connections (
    environment TEXT NOT NULL,
    target TEXT NOT NULL,
    store_id TEXT,
    connected BOOLEAN NOT NULL,
    changed_at TEXT NOT NULL,
    reconnect_until TEXT,
    PRIMARY KEY (environment, target)
);
CREATE TABLE ignite_credentials (
    environment TEXT NOT NULL,
    target TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    stored_at TEXT NOT NULL,
    PRIMARY KEY (environment, target)
);
CREATE TABLE inboxes (
	id INTEGER NOT NULL PRIMARY KEY,
	environment TEXT NOT NULL,
	target TEXT NOT NULL,
	integration TEXT NOT NULL,
	UNIQUE (environment, target, integration)
);
CREATE TABLE inbox_types (
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	type TEXT NOT NULL,
	outcome TEXT NOT NULL,
	taken INTEGER NOT NULL,
	last_at VARCHAR(32) NOT NULL,
	PRIMARY KEY (inbox, type, outcome)
);
CREATE TABLE inbox_minutes (
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	minute VARCHAR(32) NOT NULL,
	taken INTEGER NOT NULL,
	PRIMARY KEY (inbox, minute)
);
CREATE TABLE inbox_messages (
	number INTEGER NOT NULL PRIMARY KEY,
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	type TEXT NOT NULL,
	names JSON NOT NULL,
	position TEXT,
	taken_at VARCHAR(32) NOT NULL
);
CREATE INDEX inbox_messages_of_inbox ON inbox_messages (inbox, number);
CREATE TABLE inbox_unknown (
	number INTEGER NOT NULL PRIMARY KEY,
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	type TEXT NOT NULL,
	members JSON NOT NULL,
	taken_at VARCHAR(32) NOT NULL
);
CREATE INDEX inbox_unknown_of_inbox ON inbox_unknown (inbox, number);
CREATE TABLE inbox_told (
	scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
	key TEXT NOT NULL,
	gone BOOLEAN NOT NULL,
	members JSON NOT NULL,
	revision INTEGER NOT NULL,
	told_at VARCHAR(32) NOT NULL,
	PRIMARY KEY (scope, key)
);
CREATE TABLE inbox_marks (
	inbox INTEGER NOT NULL REFERENCES inboxes (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	digest BLOB NOT NULL,
	PRIMARY KEY (inbox, name)
);
CREATE TABLE services (
    token TEXT NOT NULL,
    environment TEXT NOT NULL,
    holder TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_started TEXT NOT NULL,
    commit_id TEXT,
    waits_for TEXT,
    started_at TEXT NOT NULL,
    seen_at TEXT NOT NULL, kind TEXT NOT NULL DEFAULT 'serve', version TEXT NOT NULL DEFAULT '', schema_version INTEGER NOT NULL DEFAULT 22,
    PRIMARY KEY (token, environment)
);
CREATE TABLE data_applied_settings (
    scope INTEGER NOT NULL,
    digest TEXT NOT NULL,
    commit_id TEXT,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (scope)
);
CREATE TABLE fetched_items (
    environment TEXT NOT NULL,
    place TEXT NOT NULL,
    item TEXT NOT NULL,
    version TEXT NOT NULL,
    position INTEGER NOT NULL,
    set_aside BOOLEAN NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (environment, place, item)
);
CREATE TABLE config_moves (
	api_url TEXT NOT NULL,
	path TEXT NOT NULL,
	verb TEXT NOT NULL,
	by TEXT NOT NULL,
	moved_at VARCHAR(32) NOT NULL,
	ours BOOLEAN NOT NULL,
	PRIMARY KEY (api_url, path, verb, by, moved_at)
);
CREATE INDEX config_moves_by_time ON config_moves (api_url, moved_at);
CREATE TABLE config_restores (
	api_url TEXT NOT NULL PRIMARY KEY,
	restored_at VARCHAR(32) NOT NULL,
	checked_at VARCHAR(32)
);
CREATE TABLE drift_looks (
    environment TEXT NOT NULL,
    found TEXT NOT NULL,
    PRIMARY KEY (environment)
);
CREATE TABLE hearing_gaps (
    scope INTEGER NOT NULL,
    part TEXT NOT NULL,
    key TEXT NOT NULL,
    why TEXT NOT NULL,
    revision INTEGER,
    seen_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (scope, part, key)
);
CREATE TABLE data_memos (
    scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    memo TEXT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX data_waits_of_record ON data_waits (scope, "key", kind, value);
CREATE INDEX data_problems_by_code ON data_problems (scope, code, external_id, "key");
CREATE INDEX data_log_entries_offered ON data_log_entries (scope, number) WHERE offered > 0;
CREATE INDEX data_log_entries_new ON data_log_entries (scope, number) WHERE open = 1 AND offered = 0;
CREATE INDEX data_log_entries_open ON data_log_entries (scope, open, logged);
CREATE TABLE data_record_counts (
    scope INTEGER NOT NULL,
    records INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    held_back INTEGER NOT NULL,
    PRIMARY KEY (scope),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE TRIGGER data_scopes_made AFTER INSERT ON data_scopes BEGIN
    INSERT INTO data_record_counts (scope, records, gone, held_back) VALUES (new.id, 0, 0, 0); END;
CREATE TABLE data_turns (
    scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    run TEXT NOT NULL,
    due_at TEXT,
    failures INTEGER NOT NULL,
    PRIMARY KEY (scope)
);
CREATE TABLE data_ranges (
    scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    run TEXT NOT NULL,
    part INTEGER NOT NULL,
    bounds TEXT NOT NULL,
    hand TEXT,
    listed INTEGER NOT NULL,
    ended BOOLEAN NOT NULL,
    PRIMARY KEY (scope, run, part)
);
CREATE TABLE rate_limits (
    key TEXT NOT NULL,
    quota TEXT NOT NULL,
    PRIMARY KEY (key)
);
CREATE TABLE api_outages (
    key TEXT NOT NULL,
    since VARCHAR(32) NOT NULL,
    until VARCHAR(32) NOT NULL,
    reason TEXT NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (key)
);
CREATE TABLE "data_records" (
    number INTEGER NOT NULL PRIMARY KEY,
    scope INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    ready_at VARCHAR(32),
    retry_at VARCHAR(32),
    due_at VARCHAR(32),
    prints TEXT NOT NULL,
    held TEXT NOT NULL,
    gone BOOLEAN NOT NULL,
    dead BOOLEAN NOT NULL,
    seen_run VARCHAR(32),
    written_at VARCHAR(32),
    claim VARCHAR(64),
    claimed_until VARCHAR(32),
    held_back BOOLEAN NOT NULL DEFAULT 0,
    gone_at VARCHAR(32),
    look BLOB,
    begun_by TEXT,
    begun_at VARCHAR(32),
    doubt_until VARCHAR(32),
    heard INTEGER,
    draw INTEGER,
    claimed_run TEXT,
    UNIQUE (scope, "key"),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE INDEX data_records_written ON data_records (scope, written_at);
CREATE INDEX data_records_open ON data_records (scope, ready_at, "key") WHERE ready_at IS NOT NULL;
CREATE INDEX data_records_due_at ON data_records (scope, due_at, "key") WHERE due_at IS NOT NULL;
CREATE INDEX data_records_claimed ON data_records (scope, claim) WHERE claim IS NOT NULL;
CREATE INDEX data_records_deleted ON data_records (scope, gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX data_records_dead ON data_records (scope, dead, "key") WHERE dead = 1;
CREATE INDEX data_records_drawn ON data_records (scope, draw);
CREATE TRIGGER data_records_made AFTER INSERT ON data_records BEGIN
    UPDATE data_record_counts SET records = records + 1, gone = gone + new.gone, held_back = held_back + new.held_back
    WHERE scope = new.scope; END;
CREATE TRIGGER data_records_forgotten AFTER DELETE ON data_records BEGIN
    UPDATE data_record_counts SET records = records - 1, gone = gone - old.gone, held_back = held_back - old.held_back
    WHERE scope = old.scope; END;
CREATE TRIGGER data_records_changed AFTER UPDATE OF gone, held_back ON data_records
    WHEN old.gone <> new.gone OR old.held_back <> new.held_back BEGIN
    UPDATE data_record_counts SET gone = gone + new.gone - old.gone, held_back = held_back + new.held_back - old.held_back
    WHERE scope = new.scope; END;
CREATE TABLE data_seen (
    scope INTEGER NOT NULL,
    run VARCHAR(32) NOT NULL,
    block INTEGER NOT NULL,
    marks BLOB NOT NULL,
    PRIMARY KEY (scope, run, block),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
