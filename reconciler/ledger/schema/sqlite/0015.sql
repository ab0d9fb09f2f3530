-- From version 14 to 15. Who serves an environment with which manifests, and the settings that were applied last, by
-- digest: a run of any others does not begin.
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
    seen_at TEXT NOT NULL,
    PRIMARY KEY (token, environment)
);
CREATE TABLE data_applied_settings (
    scope INTEGER NOT NULL,
    digest TEXT NOT NULL,
    commit_id TEXT,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (scope)
);
