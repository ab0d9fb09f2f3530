-- From version 2 to 3. Two shapes called themselves version 2: one of them has an index without the key.
DROP INDEX data_records_ready;
CREATE INDEX data_records_ready ON data_records (scope, ready_at, "key");
-- The oldest version that may still write, and where the ledger went, if it was taken elsewhere.
ALTER TABLE ledger_meta ADD COLUMN oldest_writer INTEGER NOT NULL DEFAULT 3;
ALTER TABLE ledger_meta ADD COLUMN moved_to TEXT;
-- What each environment's name stands for.
CREATE TABLE environments (
    name TEXT NOT NULL,
    api TEXT NOT NULL,
    live_side TEXT NOT NULL,
    PRIMARY KEY (name, api)
);
-- A run has no cursor, and none is failed any more. No column is dropped: old SQLite cannot.
CREATE TABLE new_runs (
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
    cancel_requested BOOLEAN NOT NULL,
    PRIMARY KEY (number),
    UNIQUE (id),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
INSERT INTO new_runs (number, id, scope, mode, walks, "full", state, holder, started_at, watermark, listed, log_opened,
    completed_at, ended_at, config, counts, message, cancel_requested)
    SELECT number, id, scope, mode, walks, "full", CASE state WHEN 'failed' THEN 'interrupted' ELSE state END, holder,
        started_at, watermark, listed, log_opened, completed_at, ended_at, config, counts, message, cancel_requested
    FROM data_runs;
DROP TABLE data_runs;
ALTER TABLE new_runs RENAME TO data_runs;
CREATE INDEX data_runs_newest ON data_runs (scope, number);
-- Who may write for a run: its hands. The one that holds the scope's lock is its keeper.
CREATE TABLE data_hands (
    scope INTEGER NOT NULL,
    token TEXT NOT NULL,
    run TEXT NOT NULL,
    holder TEXT NOT NULL,
    keeper BOOLEAN NOT NULL,
    PRIMARY KEY (scope, token),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
UPDATE data_records SET claim = NULL, claimed_until = NULL WHERE claim IS NOT NULL;
