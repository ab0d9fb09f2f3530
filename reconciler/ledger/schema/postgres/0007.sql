-- From version 6 to 7. Several leases per sync, each with its holder, its signs of life, and what live was before it.
CREATE TABLE new_leases (
    id text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    api_url text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    live_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    owner text NOT NULL,
    holder text NOT NULL,
    reason text NOT NULL,
    was text COLLATE "C" NOT NULL,
    taken_at text COLLATE "C" NOT NULL,
    until text COLLATE "C" NOT NULL,
    released_at text COLLATE "C",
    machine text NOT NULL,
    pid bigint NOT NULL,
    process_started text NOT NULL,
    renewed_at text COLLATE "C",
    PRIMARY KEY (id)
);
INSERT INTO new_leases (id, environment, api_url, kind, live_id, name, owner, holder, reason, was, taken_at, until,
    machine, pid, process_started)
    SELECT md5(api_url || ' ' || kind || ' ' || live_id), '', api_url, kind, live_id, live_id, holder, holder, reason,
        'running', until, until, '', 0, ''
    FROM leases;
DROP TABLE leases;
ALTER TABLE new_leases RENAME TO leases;
ALTER INDEX new_leases_pkey RENAME TO leases_pkey;
CREATE INDEX leases_of_sync ON leases (api_url, kind, live_id);
-- When syncs were paused and resumed, why, when they should have been, and whether what had waited then went through.
CREATE TABLE pause_log (
    id text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    api_url text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    live_id text COLLATE "C" NOT NULL,
    paused boolean NOT NULL,
    cause text COLLATE "C" NOT NULL,
    "by" text NOT NULL,
    due_at text COLLATE "C",
    done_at text COLLATE "C" NOT NULL,
    verdict text COLLATE "C",
    seconds bigint,
    PRIMARY KEY (id)
);
CREATE INDEX pause_log_of_sync ON pause_log (api_url, kind, live_id, done_at);
-- Which command a run was of: only an apply is resumed.
ALTER TABLE runs ADD COLUMN command text NOT NULL DEFAULT 'apply';
