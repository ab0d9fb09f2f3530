-- From version 22 to 23. When the next run of each scope is due. What kind of process serves, and in which version.
-- On PostgreSQL also the jobs that wake workers.
ALTER TABLE services ADD COLUMN kind TEXT NOT NULL DEFAULT 'serve';
ALTER TABLE services ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE services ADD COLUMN schema_version INTEGER NOT NULL DEFAULT 22;
CREATE TABLE data_turns (
    scope INTEGER NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    run TEXT NOT NULL,
    due_at TEXT,
    failures INTEGER NOT NULL,
    PRIMARY KEY (scope)
);
