-- From version 25 to 26. Records are numbered, and what a run has seen and left as it is, it marks by these numbers. An
-- older version must not write any more: a run that it went on with would take what is marked for unseen.
CREATE TABLE new_records (
    number INTEGER NOT NULL PRIMARY KEY,
    scope INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    ready_at VARCHAR(32),
    retry_at VARCHAR(32),
    due_at VARCHAR(32),
    prints TEXT NOT NULL,
    held TEXT NOT NULL,
    gone BOOLEAN NOT NULL,
    dead BOOLEAN NOT NULL,
    seen_run VARCHAR(32),
    written_at VARCHAR(32),
    claim VARCHAR(64),
    claimed_until VARCHAR(32),
    held_back BOOLEAN NOT NULL DEFAULT 0,
    gone_at VARCHAR(32),
    look BLOB,
    begun_by TEXT,
    begun_at VARCHAR(32),
    doubt_until VARCHAR(32),
    heard INTEGER,
    draw INTEGER,
    claimed_run TEXT,
    UNIQUE (scope, "key"),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
INSERT INTO new_records (scope, "key", wanted, applied, attempts, ready_at, retry_at, due_at, prints, held, gone, dead,
    seen_run, written_at, claim, claimed_until, held_back, gone_at, look, begun_by, begun_at, doubt_until, heard, draw,
    claimed_run)
    SELECT scope, "key", wanted, applied, attempts, ready_at, retry_at, due_at, prints, held, gone, dead,
    seen_run, written_at, claim, claimed_until, held_back, gone_at, look, begun_by, begun_at, doubt_until, heard, draw,
    claimed_run FROM data_records ORDER BY scope, "key";
DROP TABLE data_records;
ALTER TABLE new_records RENAME TO data_records;
CREATE INDEX data_records_written ON data_records (scope, written_at);
CREATE INDEX data_records_open ON data_records (scope, ready_at, "key") WHERE ready_at IS NOT NULL;
CREATE INDEX data_records_due_at ON data_records (scope, due_at, "key") WHERE due_at IS NOT NULL;
CREATE INDEX data_records_claimed ON data_records (scope, claim) WHERE claim IS NOT NULL;
CREATE INDEX data_records_deleted ON data_records (scope, gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX data_records_dead ON data_records (scope, dead, "key") WHERE dead = 1;
CREATE INDEX data_records_drawn ON data_records (scope, draw);
CREATE TRIGGER data_records_made AFTER INSERT ON data_records BEGIN
    UPDATE data_record_counts SET records = records + 1, gone = gone + new.gone, held_back = held_back + new.held_back
    WHERE scope = new.scope; END;
CREATE TRIGGER data_records_forgotten AFTER DELETE ON data_records BEGIN
    UPDATE data_record_counts SET records = records - 1, gone = gone - old.gone, held_back = held_back - old.held_back
    WHERE scope = old.scope; END;
CREATE TRIGGER data_records_changed AFTER UPDATE OF gone, held_back ON data_records
    WHEN old.gone <> new.gone OR old.held_back <> new.held_back BEGIN
    UPDATE data_record_counts SET gone = gone + new.gone - old.gone, held_back = held_back + new.held_back - old.held_back
    WHERE scope = new.scope; END;
CREATE TABLE data_seen (
    scope INTEGER NOT NULL,
    run VARCHAR(32) NOT NULL,
    block INTEGER NOT NULL,
    marks BLOB NOT NULL,
    PRIMARY KEY (scope, run, block),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
