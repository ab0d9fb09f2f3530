-- From version 21 to 22. What is few among many records has an index of its own, records are counted as they come and
-- go, and each has a number that was drawn for it: by these some are found at random.
DROP INDEX data_records_ready;
CREATE INDEX data_records_open ON data_records (scope, ready_at, key) WHERE ready_at IS NOT NULL;
DROP INDEX data_records_due;
CREATE INDEX data_records_due_at ON data_records (scope, due_at, key) WHERE due_at IS NOT NULL;
CREATE INDEX data_records_claimed ON data_records (scope, claim) WHERE claim IS NOT NULL;
CREATE INDEX data_records_deleted ON data_records (scope, gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX data_records_dead ON data_records (scope, dead, key) WHERE dead;
ALTER TABLE data_records ADD COLUMN draw bigint;
UPDATE data_records SET draw = floor(random() * 2147483648);
CREATE INDEX data_records_drawn ON data_records (scope, draw);
DROP INDEX data_waits_of;
CREATE INDEX data_waits_of_record ON data_waits (scope, key, kind, value);
CREATE INDEX data_problems_by_code ON data_problems (scope, code, external_id, key);
CREATE INDEX data_log_entries_offered ON data_log_entries (scope, number) WHERE offered > 0;
CREATE INDEX data_log_entries_new ON data_log_entries (scope, number) WHERE open AND offered = 0;
CREATE INDEX data_log_entries_open ON data_log_entries (scope, open, logged);
CREATE TABLE data_record_counts (
    scope integer NOT NULL REFERENCES data_scopes (id) ON DELETE CASCADE,
    records bigint NOT NULL,
    gone bigint NOT NULL,
    held_back bigint NOT NULL,
    PRIMARY KEY (scope)
);
INSERT INTO data_record_counts (scope, records, gone, held_back)
    SELECT data_scopes.id, count(data_records.key), count(*) FILTER (WHERE gone), count(*) FILTER (WHERE held_back)
    FROM data_scopes LEFT JOIN data_records ON data_records.scope = data_scopes.id GROUP BY data_scopes.id;
CREATE FUNCTION data_scopes_made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO data_record_counts (scope, records, gone, held_back) VALUES (new.id, 0, 0, 0); RETURN NULL; END $$;
CREATE TRIGGER data_scopes_made AFTER INSERT ON data_scopes FOR EACH ROW EXECUTE FUNCTION data_scopes_made();
CREATE FUNCTION data_records_made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE data_record_counts AS counted
    SET records = counted.records + added.records, gone = counted.gone + added.gone,
        held_back = counted.held_back + added.held_back
    FROM (SELECT scope, count(*) AS records, count(*) FILTER (WHERE new_rows.gone) AS gone,
        count(*) FILTER (WHERE new_rows.held_back) AS held_back FROM new_rows GROUP BY scope) AS added
    WHERE counted.scope = added.scope; RETURN NULL; END $$;
CREATE TRIGGER data_records_made AFTER INSERT ON data_records REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION data_records_made();
CREATE FUNCTION data_records_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE data_record_counts AS counted
    SET records = counted.records - taken.records, gone = counted.gone - taken.gone,
        held_back = counted.held_back - taken.held_back
    FROM (SELECT scope, count(*) AS records, count(*) FILTER (WHERE old_rows.gone) AS gone,
        count(*) FILTER (WHERE old_rows.held_back) AS held_back FROM old_rows GROUP BY scope) AS taken
    WHERE counted.scope = taken.scope; RETURN NULL; END $$;
CREATE TRIGGER data_records_forgotten AFTER DELETE ON data_records REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION data_records_forgotten();
CREATE FUNCTION data_records_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE data_record_counts SET gone = gone + new.gone::int - old.gone::int,
        held_back = held_back + new.held_back::int - old.held_back::int
    WHERE scope = new.scope; RETURN NULL; END $$;
CREATE TRIGGER data_records_changed AFTER UPDATE OF gone, held_back ON data_records
    FOR EACH ROW WHEN (old.gone <> new.gone OR old.held_back <> new.held_back) EXECUTE FUNCTION data_records_changed();
