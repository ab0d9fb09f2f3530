-- From version 7 to 8. Healing: since when drift is seen, what was healed and when, and the commit applied last.
CREATE TABLE drift_seen (
    environment text COLLATE "C" NOT NULL,
    change_key text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL,
    seen_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (environment, change_key, cause)
);
CREATE TABLE heals (
    environment text COLLATE "C" NOT NULL,
    change_key text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL,
    healed_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (environment, change_key, cause, healed_at)
);
CREATE TABLE applied_commits (
    environment text COLLATE "C" NOT NULL,
    commit_id text COLLATE "C" NOT NULL,
    applied_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (environment)
);
