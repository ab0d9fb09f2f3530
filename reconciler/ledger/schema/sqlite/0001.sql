-- From nothing to version 1: the control plane.
CREATE TABLE ledger_meta (
    id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    salt BLOB NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE apply_lock (
    id INTEGER NOT NULL,
    token VARCHAR(32) NOT NULL,
    holder TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_started VARCHAR(32) NOT NULL,
    taken_at VARCHAR(32) NOT NULL,
    heartbeat_at VARCHAR(32) NOT NULL,
    expires_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE runs (
    id VARCHAR(32) NOT NULL,
    environment TEXT NOT NULL,
    holder TEXT NOT NULL,
    started_at VARCHAR(32) NOT NULL,
    finished_at VARCHAR(32),
    "plan" JSON NOT NULL,
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
CREATE TABLE leases (
    api_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    live_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    until VARCHAR(32) NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (api_url, kind, live_id)
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
