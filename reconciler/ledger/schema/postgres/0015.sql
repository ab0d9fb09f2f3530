-- From version 14 to 15. Who serves an environment with which manifests, and the settings that were applied last, by
-- digest: a run of any others does not begin.
CREATE TABLE services (
    token text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL,
    machine text COLLATE "C" NOT NULL,
    pid bigint NOT NULL,
    process_started text COLLATE "C" NOT NULL,
    commit_id text COLLATE "C",
    waits_for text COLLATE "C",
    started_at text COLLATE "C" NOT NULL,
    seen_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (token, environment)
);
CREATE TABLE data_applied_settings (
    scope bigint NOT NULL,
    digest text COLLATE "C" NOT NULL,
    commit_id text COLLATE "C",
    applied_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (scope)
);
