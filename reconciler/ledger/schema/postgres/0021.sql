-- From version 20 to 21. What sources noted of records, runs that leaned on it, and since when none does any more because
-- a stamp stayed as it was though the record moved.
CREATE TABLE data_memos (
    scope integer NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,
    memo text COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, key)
);
ALTER TABLE data_runs ADD COLUMN spares boolean NOT NULL DEFAULT false;
ALTER TABLE data_scopes ADD COLUMN distrusted_at text COLLATE "C";
ALTER TABLE data_scopes ADD COLUMN distrusted_for text COLLATE "C";
