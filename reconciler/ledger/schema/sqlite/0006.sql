-- From version 5 to 6. The fingerprint of what lists showed of a record last, and which runs listed every record.
ALTER TABLE data_records ADD COLUMN look BLOB;
ALTER TABLE data_runs ADD COLUMN lists BOOLEAN NOT NULL DEFAULT 0;
UPDATE data_runs SET lists = walks;
