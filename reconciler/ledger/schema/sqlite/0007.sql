-- From version 6 to 7. Several leases per sync, each with its holder, its signs of life, and what live was before it.
CREATE TABLE new_leases (
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
INSERT INTO new_leases (id, environment, api_url, kind, live_id, name, owner, holder, reason, was, taken_at, until,
    machine, pid, process_started)
    SELECT lower(hex(randomblob(8))), '', api_url, kind, live_id, live_id, holder, holder, reason, 'running', until, until,
        '', 0, ''
    FROM leases;
DROP TABLE leases;
ALTER TABLE new_leases RENAME TO leases;
CREATE INDEX leases_of_sync ON leases (api_url, kind, live_id);
-- When syncs were paused and resumed, why, when they should have been, and whether what had waited then went through.
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
-- Which command a run was of: only an apply is resumed.
ALTER TABLE runs ADD COLUMN command TEXT NOT NULL DEFAULT 'apply';
