-- From version 21 to 22. What is few among many records has an index of its own, records are counted as they come and
-- go, and each has a number that was drawn for it: by these some are found at random.
DROP INDEX data_records_ready;
CREATE INDEX data_records_open ON data_records (scope, ready_at, "key") WHERE ready_at IS NOT NULL;
DROP INDEX data_records_due;
CREATE INDEX data_records_due_at ON data_records (scope, due_at, "key") WHERE due_at IS NOT NULL;
CREATE INDEX data_records_claimed ON data_records (scope, claim) WHERE claim IS NOT NULL;
CREATE INDEX data_records_deleted ON data_records (scope, gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX data_records_dead ON data_records (scope, dead, "key") WHERE dead = 1;
ALTER TABLE data_records ADD COLUMN draw INTEGER;
UPDATE data_records SET draw = abs(random() % 2147483648);
CREATE INDEX data_records_drawn ON data_records (scope, draw);
DROP INDEX data_waits_of;
CREATE INDEX data_waits_of_record ON data_waits (scope, "key", kind, value);
CREATE INDEX data_problems_by_code ON data_problems (scope, code, external_id, "key");
CREATE INDEX data_log_entries_offered ON data_log_entries (scope, number) WHERE offered > 0;
CREATE INDEX data_log_entries_new ON data_log_entries (scope, number) WHERE open = 1 AND offered = 0;
CREATE INDEX data_log_entries_open ON data_log_entries (scope, open, logged);
CREATE TABLE data_record_counts (
    scope INTEGER NOT NULL,
    records INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    held_back INTEGER NOT NULL,
    PRIMARY KEY (scope),
    FOREIGN KEY(scope) REFERENCES data_scopes (id) ON DELETE CASCADE
);
INSERT INTO data_record_counts (scope, records, gone, held_back)
    SELECT data_scopes.id, count(data_records."key"), coalesce(sum(gone), 0), coalesce(sum(held_back), 0)
    FROM data_scopes LEFT JOIN data_records ON data_records.scope = data_scopes.id GROUP BY data_scopes.id;
CREATE TRIGGER data_scopes_made AFTER INSERT ON data_scopes BEGIN
    INSERT INTO data_record_counts (scope, records, gone, held_back) VALUES (new.id, 0, 0, 0); END;
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
