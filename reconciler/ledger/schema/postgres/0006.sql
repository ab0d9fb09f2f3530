-- From version 5 to 6. The fingerprint of what lists showed of a record last, and which runs listed every record.
ALTER TABLE data_records ADD COLUMN look bytea;
ALTER TABLE data_runs ADD COLUMN lists boolean NOT NULL DEFAULT false;
UPDATE data_runs SET lists = walks;
