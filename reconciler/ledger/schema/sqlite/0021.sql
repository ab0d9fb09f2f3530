-- From version 20 to 21. What sources noted of records, runs that leaned on it, and since when none does any more because
-- a stamp stayed as it was though the record moved.
CREATE TABLE data_memos (
    scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    memo TEXT NOT NULL,
    PRIMARY KEY (scope, key)
);
ALTER TABLE data_runs ADD COLUMN spares BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE data_scopes ADD COLUMN distrusted_at TEXT;
ALTER TABLE data_scopes ADD COLUMN distrusted_for TEXT;
