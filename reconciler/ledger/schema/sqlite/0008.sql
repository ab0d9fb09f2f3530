-- From version 7 to 8. Healing: since when drift is seen, what was healed and when, and the commit applied last.
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
