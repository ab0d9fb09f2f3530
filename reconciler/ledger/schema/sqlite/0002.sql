-- From version 1 to 2: records and runs of the data plane, and locks by name. An apply of version 1 that is under way
-- keeps its lock for newer ones, and finds itself without it: it stops with an error before its next write.
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
    log_partial VARCHAR(32),
    PRIMARY KEY (id),
    UNIQUE (environment, target, integration, data_type)
);
CREATE TABLE data_runs (
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
    cursor TEXT,
    message TEXT,
    cancel_requested BOOLEAN NOT NULL,
    PRIMARY KEY (number),
    UNIQUE (id),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE INDEX data_runs_newest ON data_runs (scope, number);
CREATE TABLE data_records (
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
    PRIMARY KEY (scope, "key"),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
CREATE INDEX data_records_due ON data_records (scope, due_at);
CREATE INDEX data_records_written ON data_records (scope, written_at);
CREATE INDEX data_records_ready ON data_records (scope, ready_at, "key");
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
CREATE INDEX data_waits_of ON data_waits (scope, "key");
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
INSERT INTO locks (name, token, holder, machine, pid, process_started, taken_at, heartbeat_at, expires_at)
    SELECT 'apply', token, holder, machine, pid, process_started, taken_at, heartbeat_at, expires_at FROM apply_lock;
DROP TABLE apply_lock;
