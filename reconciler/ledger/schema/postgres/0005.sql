-- From version 4 to 5. When a record was deleted at the target, for the limit of a day; and what a run overrode, and why.
ALTER TABLE data_records ADD COLUMN gone_at text COLLATE "C";
ALTER TABLE data_runs ADD COLUMN overrides text NOT NULL DEFAULT '{}';
